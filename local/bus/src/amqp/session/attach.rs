//! A link comes: to a queue, from a queue, or to and from a node that answers requests.

use fe2o3_amqp_types::definitions::{AmqpError, Role, SenderSettleMode};
use fe2o3_amqp_types::messaging::{Source as AmqpSource, Target, TargetArchetype};
use fe2o3_amqp_types::performatives::{Attach, Flow};
use fe2o3_amqp_types::primitives::{OrderedMap, Symbol, Value};
use time::{Duration, OffsetDateTime};

use super::Link;
use crate::amqp::context::SessionContext;
use crate::amqp::link::IncomingLink;
use crate::amqp::node::Node;
use crate::amqp::receiver::ReceiverLink;
use crate::amqp::refusal::AmqpRefusal;
use crate::amqp::requests::ReplyLink;
use crate::amqp::source::Source;
use crate::queue::{Holder, ID_MAX, MESSAGE_MAX, Registration, SessionLock, Taker};

const SESSION_FILTER: &str = "com.microsoft:session-filter";
const TIMEOUT: &str = "com.microsoft:timeout";
const LOCKED_UNTIL: &str = "com.microsoft:locked-until-utc";

/// How long a client waits for a session that does not say how long it would.
const SESSION_PATIENCE: Duration = Duration::seconds(60);

/// More than a client waits.
const SESSION_PATIENCE_MAX: Duration = Duration::days(1);

/// From 0001-01-01 to 1970-01-01, in .NET's ticks of 100 ns.
const TICKS_OF_THE_EPOCH: i128 = 621_355_968_000_000_000;

/// A link whose client waits for a session.
#[derive(Debug)]
pub(in crate::amqp) struct WaitingLink {
    pub(super) attach: Attach,
    source: Source,
    registration: Registration,
    pub(super) until: OffsetDateTime,
    /// The credit that came with the attach.
    pub(super) flow: Option<Flow>,
}

/// What became of a try to get a session.
pub(super) enum Tried {
    StillWaits(Box<WaitingLink>),
    Over(Box<Attach>, Result<Link, AmqpRefusal>),
}

impl WaitingLink {
    pub(super) fn try_session(self: Box<Self>, context: &mut SessionContext<'_>) -> Tried {
        let by = Holder::Link(self.registration.id);
        if let Some(lock) = self.source.queue.try_accept_session_by(by) {
            let taker = taker(&self.attach, &self.registration);
            context.held.add(&self.source.queue, &lock);
            let mut link = ReceiverLink::new(self.source, taker, Some(lock), self.registration);
            if let Some(flow) = &self.flow {
                link.flow(flow);
            }
            let link = Link::Receiver(Box::new(link));
            return Tried::Over(Box::new(self.attach), Ok(link));
        }
        if self.until <= context.now {
            let refusal = AmqpRefusal::no_session_in_time();
            return Tried::Over(Box::new(self.attach), Err(refusal));
        }
        Tried::StillWaits(self)
    }
}

impl Link {
    pub(super) fn incoming(
        attach: &Attach,
        context: &SessionContext<'_>,
    ) -> Result<Self, AmqpRefusal> {
        // .NET's client leaves it out.
        let incoming = IncomingLink::new(attach.initial_delivery_count.unwrap_or_default());
        let Some(address) = target_address(attach) else {
            let problem = "expected the name of a queue as the target's address";
            return Err(AmqpRefusal::new(AmqpError::InvalidField, problem));
        };
        match Node::of(address) {
            Node::Entity(entity) => {
                let source = context.open(&entity)?;
                if source.dead_letters {
                    return Err(AmqpRefusal::sending_to_dead_letters());
                }
                Ok(Self::Queue(source.queue, incoming))
            }
            node => Ok(Self::Requests(node, incoming)),
        }
    }

    pub(super) fn outgoing(
        attach: &Attach,
        context: &mut SessionContext<'_>,
    ) -> Result<Self, AmqpRefusal> {
        let from = attach.source.as_deref();
        let address = from.and_then(|source| source.address.as_deref());
        match Node::of(address.unwrap_or_default()) {
            Node::Entity(entity) => {
                let source = context.open(&entity)?;
                Self::receiver(attach, source, context)
            }
            node => {
                let target = target_address(attach).map(str::to_owned);
                Ok(Self::Replies(
                    node,
                    ReplyLink::new(attach.name.clone(), target),
                ))
            }
        }
    }

    fn receiver(
        attach: &Attach,
        source: Source,
        context: &mut SessionContext<'_>,
    ) -> Result<Self, AmqpRefusal> {
        let has_sessions = source.queue.requires_sessions() && !source.dead_letters;
        let wish = wish(attach)?;
        match (&wish, has_sessions) {
            (Some(_), false) => return Err(AmqpRefusal::no_sessions_here()),
            (None, true) => return Err(AmqpRefusal::session_needed()),
            _ => {}
        }
        let registration = context.register(attach, &source, wish == Some(SessionWish::Next));
        let taker = taker(attach, &registration);
        let lock = match wish {
            None => None,
            Some(SessionWish::Named(session)) => {
                let accepted = source.queue.accept_named_session_by(&session, taker.by);
                let lock = accepted.map_err(|held| AmqpRefusal::session_held(&session, held))?;
                context.held.add(&source.queue, &lock);
                Some(lock)
            }
            Some(SessionWish::Next) => {
                let waiting = WaitingLink {
                    attach: attach.clone(),
                    source,
                    registration,
                    until: context.now + patience(attach),
                    flow: None,
                };
                return Ok(Self::Waiting(Box::new(waiting)));
            }
        };
        let link = ReceiverLink::new(source, taker, lock, registration);
        Ok(Self::Receiver(Box::new(link)))
    }
}

/// Settled when it is sent: the client receives and deletes.
fn taker(attach: &Attach, registration: &Registration) -> Taker {
    Taker {
        by: Holder::Link(registration.id),
        deletes: attach.snd_settle_mode == SenderSettleMode::Settled,
    }
}

/// Which session a receiver asks for.
#[derive(Debug, PartialEq, Eq)]
enum SessionWish {
    Next,
    Named(String),
}

fn wish(attach: &Attach) -> Result<Option<SessionWish>, AmqpRefusal> {
    let filters = attach
        .source
        .as_ref()
        .and_then(|source| source.filter.as_ref());
    let mut filters = filters.iter().flat_map(|all| all.iter());
    let Some((_, value)) = filters.find(|(name, _)| name.as_str() == SESSION_FILTER) else {
        return Ok(None);
    };
    let value = match value {
        Value::Described(described) => &described.value,
        plain => plain,
    };
    match value {
        Value::Null => Ok(Some(SessionWish::Next)),
        Value::String(name) if name.chars().count() <= ID_MAX => {
            Ok(Some(SessionWish::Named(name.clone())))
        }
        _ => {
            let problem = format!(
                "{SESSION_FILTER}: expected a session id of at most {ID_MAX} characters, or null"
            );
            Err(AmqpRefusal::new(AmqpError::InvalidField, problem))
        }
    }
}

fn patience(attach: &Attach) -> Duration {
    let mut properties = attach.properties.iter().flat_map(|all| all.iter());
    let asked = properties.find(|(name, _)| name.as_str() == TIMEOUT);
    let milliseconds = asked.and_then(|(_, value)| match value {
        Value::Uint(value) => Some(i64::from(*value)),
        Value::Int(value) => Some(i64::from(*value)),
        Value::Long(value) => Some(*value),
        Value::Ulong(value) => i64::try_from(*value).ok(),
        _ => None,
    });
    let asked = milliseconds.map_or(SESSION_PATIENCE, Duration::milliseconds);
    asked.clamp(Duration::ZERO, SESSION_PATIENCE_MAX)
}

fn target_address(attach: &Attach) -> Option<&str> {
    match attach.target.as_deref()? {
        TargetArchetype::Target(target) => target.address.as_deref(),
    }
}

/// The other half of an attach. Without a terminus of our own it says that the link will be
/// detached.
pub(super) fn answer_to(attach: Attach, link: Option<&Link>) -> Attach {
    let sends = attach.role == Role::Receiver;
    let nowhere = || Box::new(TargetArchetype::Target(Target::default()));
    let lock = match link {
        Some(Link::Receiver(receiver)) => receiver.session.as_ref(),
        _ => None,
    };
    let (source, target) = match (link, sends) {
        (None, _) => (None, None),
        // Node's client names no target for its replies.
        (Some(_), true) => {
            let source = attach.source.map(|source| with_session(source, lock));
            (source, Some(attach.target.unwrap_or_else(nowhere)))
        }
        (Some(_), false) => (attach.source, attach.target),
    };
    Attach {
        role: if sends { Role::Sender } else { Role::Receiver },
        source,
        target,
        unsettled: None,
        incomplete_unsettled: false,
        initial_delivery_count: sends.then_some(0),
        max_message_size: Some(MESSAGE_MAX as u64),
        offered_capabilities: None,
        desired_capabilities: None,
        properties: lock.map(|lock| {
            let mut properties = OrderedMap::new();
            let until = Value::Long(ticks(lock.locked_until));
            properties.insert(Symbol::from(LOCKED_UNTIL), until);
            properties
        }),
        ..attach
    }
}

/// The filter says which session it has become.
fn with_session(mut source: Box<AmqpSource>, lock: Option<&SessionLock>) -> Box<AmqpSource> {
    let Some(lock) = lock else {
        return source;
    };
    let name = Value::String(lock.session_id.clone());
    for (filter, value) in source.filter.iter_mut().flat_map(|all| all.iter_mut()) {
        if filter.as_str() == SESSION_FILTER {
            match value {
                Value::Described(described) => described.value = name.clone(),
                plain => *plain = name.clone(),
            }
        }
    }
    source
}

fn ticks(time: OffsetDateTime) -> i64 {
    let ticks = time.unix_timestamp_nanos() / 100 + TICKS_OF_THE_EPOCH;
    i64::try_from(ticks).unwrap_or(i64::MAX)
}
