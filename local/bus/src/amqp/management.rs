//! What is asked of a queue's management node: renewals, peeks, settlements without a link, session
//! states, scheduled messages.
//!
//! Spec: "AMQP 1.0 in Azure Service Bus: request-response-based operations".

use bytes::Bytes;
use fe2o3_amqp_types::primitives::{Array, Binary, OrderedMap, Value};
use uuid::Uuid;

use super::arguments::Arguments;
use super::changes::changes_of;
use super::context::SessionContext;
use super::node::Entity;
use super::refusal::AmqpRefusal;
use super::requests::{AskedFor, Reply};
use super::source::{HandedOut, Settlement, Source};
use super::{handing, message};
use crate::queue::{
    AmqpBytes, DeadLetterReason, Enqueued, Holder, MESSAGE_MAX, PropertyChanges, SessionLost, Taker,
};

/// Messages of one peek, and of one answer, whatever is asked for.
const MESSAGES_MAX: usize = 250;

/// Bytes of the messages in one answer; one message is always in it.
const ANSWER_MAX: usize = 4 * MESSAGE_MAX;

const PREFIX: &str = "com.microsoft:";

/// How a request ended: with a status and a body, or refused with another status.
type Answered = Result<(i32, Value), (i32, AmqpRefusal)>;

pub(super) fn answer(entity: &Entity, asked: &AskedFor, context: &mut SessionContext<'_>) -> Reply {
    match act(entity, asked, context) {
        Ok((code, body)) => Reply {
            code,
            description: if code == 204 { "No content" } else { "OK" }.to_owned(),
            condition: None,
            body,
        },
        Err((code, refusal)) => Reply::refused(code, &refusal),
    }
}

fn act(entity: &Entity, asked: &AskedFor, context: &mut SessionContext<'_>) -> Answered {
    let operation = asked.operation.strip_prefix(PREFIX).unwrap_or_default();
    if !KNOWN.contains(&operation) {
        return Err((501, unknown(&asked.operation)));
    }
    let source = context.open(entity).map_err(|refusal| (404, refusal))?;
    let arguments = Arguments::of(asked).map_err(invalid)?;
    let request = ManagementRequest {
        source,
        arguments,
        context,
    };
    match operation {
        "renew-lock" => request.renew_locks(),
        "renew-session-lock" => request.renew_session(),
        "peek-message" => request.peek(),
        "update-disposition" => request.settle(),
        "receive-by-sequence-number" => request.receive_by_number(),
        "get-session-state" => request.session_state(),
        "set-session-state" => request.set_session_state(),
        "schedule-message" => request.schedule(),
        "cancel-scheduled-message" => request.cancel_scheduled(),
        _ => request.sessions(),
    }
}

const KNOWN: [&str; 10] = [
    "renew-lock",
    "renew-session-lock",
    "peek-message",
    "update-disposition",
    "receive-by-sequence-number",
    "get-session-state",
    "set-session-state",
    "schedule-message",
    "cancel-scheduled-message",
    "get-message-sessions",
];

fn unknown(operation: &str) -> AmqpRefusal {
    let rules = if operation.ends_with("rule") || operation.ends_with("rules") {
        ": rules are of subscriptions, and there are queues alone"
    } else {
        ""
    };
    let problem = format!("$management: the local stack does not offer {operation:?}{rules}");
    AmqpRefusal::new(
        fe2o3_amqp_types::definitions::AmqpError::NotImplemented,
        problem,
    )
}

fn invalid(refusal: AmqpRefusal) -> (i32, AmqpRefusal) {
    (400, refusal)
}

fn session_lost(_: SessionLost) -> (i32, AmqpRefusal) {
    (410, AmqpRefusal::session_lock_lost())
}

fn map(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let pairs = pairs.into_iter();
    let pairs = pairs.map(|(name, value)| (Value::from(name), value));
    Value::Map(pairs.collect::<OrderedMap<_, _>>())
}

struct ManagementRequest<'a, 'b, 'c> {
    source: Source,
    arguments: Arguments<'a>,
    context: &'b mut SessionContext<'c>,
}

impl ManagementRequest<'_, '_, '_> {
    fn renew_locks(&self) -> Answered {
        let tokens = self.arguments.uuids("lock-tokens").map_err(invalid)?;
        let mut ends = Vec::with_capacity(tokens.len());
        for token in tokens {
            let renewed = self.source.renew(token);
            let end = renewed.map_err(|_| (410, AmqpRefusal::message_lock_lost()))?;
            ends.push(handing::timestamp(end));
        }
        Ok((200, map([("expirations", Value::Array(Array::from(ends)))])))
    }

    fn renew_session(&self) -> Answered {
        let token = self.session()?;
        let end = self
            .source
            .queue
            .renew_session(token)
            .map_err(session_lost)?;
        Ok((200, map([("expiration", handing::timestamp(end))])))
    }

    fn peek(&self) -> Answered {
        let from = self
            .arguments
            .number("from-sequence-number")
            .map_err(invalid)?;
        let count = self.arguments.number("message-count").map_err(invalid)?;
        let count = usize::try_from(count).map_or(MESSAGES_MAX, |count| count.min(MESSAGES_MAX));
        let session = self.arguments.text("session-id");
        let peeked = self.source.peek(from, count, session);
        if peeked.is_empty() {
            return Ok((204, Value::Null));
        }
        let (mut messages, mut size) = (Vec::new(), 0);
        for message in peeked {
            let encoded = handing::encode(&message, &self.source);
            size += encoded.len();
            if size > ANSWER_MAX && !messages.is_empty() {
                break;
            }
            messages.push(map([("message", binary(&encoded))]));
        }
        Ok((200, map([("messages", Value::List(messages))])))
    }

    fn settle(&self) -> Answered {
        let tokens = self.arguments.uuids("lock-tokens").map_err(invalid)?;
        let settlement = self.settlement().map_err(invalid)?;
        for token in tokens {
            let settled = self.source.settle(token, settlement.clone());
            settled.map_err(|refusal| (410, self.or_session_lost(refusal)))?;
        }
        Ok((200, Value::Null))
    }

    /// Who has lost the session hears that, and not that a message's lock is lost.
    fn or_session_lost(&self, refusal: AmqpRefusal) -> AmqpRefusal {
        let named = self.arguments.text("session-id");
        let token = named.and_then(|name| self.context.held.token(&self.source.queue, name));
        match token {
            Some(token) if !self.source.queue.holds_session(token) => {
                AmqpRefusal::session_lock_lost()
            }
            _ => refusal,
        }
    }

    fn settlement(&self) -> Result<Settlement, AmqpRefusal> {
        let changes = || match self.arguments.get("properties-to-modify") {
            Some(Value::Map(pairs)) => {
                changes_of(pairs.iter().filter_map(|(name, value)| match name {
                    Value::String(name) => Some((name.clone(), value)),
                    Value::Symbol(name) => Some((name.as_str().to_owned(), value)),
                    _ => None,
                }))
            }
            _ => PropertyChanges::default(),
        };
        let text = |name| self.arguments.text(name).map(str::to_owned);
        match self.arguments.text("disposition-status") {
            Some("completed") => Ok(Settlement::Complete),
            Some("abandoned") => Ok(Settlement::Abandon(changes())),
            Some("unlocked") => Ok(Settlement::GiveBack),
            // As it is spelled on the wire.
            Some("defered" | "deferred") => Ok(Settlement::Defer(changes())),
            Some("suspended") => {
                let reason = DeadLetterReason::ByReceiver {
                    reason: text("deadletter-reason"),
                    description: text("deadletter-description"),
                };
                Ok(Settlement::DeadLetter(reason, changes()))
            }
            found => Err(AmqpRefusal::invalid(format!(
                "disposition-status: expected completed, abandoned, suspended or defered, \
                 found {found:?}"
            ))),
        }
    }

    fn receive_by_number(&self) -> Answered {
        let numbers = self
            .arguments
            .numbers("sequence-numbers")
            .map_err(invalid)?;
        if numbers.len() > MESSAGES_MAX {
            let problem = format!("sequence-numbers: expected at most {MESSAGES_MAX}");
            return Err(invalid(AmqpRefusal::invalid(problem)));
        }
        let deletes = self.arguments.number("receiver-settle-mode").ok() == Some(0);
        let has_session = self.arguments.text("session-id").is_some();
        let session = if has_session {
            Some(self.session()?)
        } else {
            None
        };
        // No link of its own stands for it.
        let taker = Taker {
            by: Holder::Link(0),
            deletes,
        };
        let received = self.source.by_numbers(&numbers, session, taker);
        let received = received.map_err(session_lost)?;
        let received = received.map_err(|missing| (404, AmqpRefusal::no_such_number(missing)))?;
        let received = received.iter().map(|handed_out| self.received(handed_out));
        Ok((200, map([("messages", Value::List(received.collect()))])))
    }

    fn received(&self, handed_out: &HandedOut) -> Value {
        let message = binary(&handing::encode(handed_out, &self.source));
        let token = Value::Uuid(handed_out.token.into_bytes().into());
        map([("message", message), ("lock-token", token)])
    }

    fn session_state(&self) -> Answered {
        let state = self.source.queue.session_state(self.session()?);
        let state = state.map_err(session_lost)?;
        let state = state.map_or(Value::Null, |state| binary(&state.0));
        Ok((200, map([("session-state", state)])))
    }

    fn set_session_state(&self) -> Answered {
        let state = match self.arguments.get("session-state") {
            None | Some(Value::Null) => None,
            Some(Value::Binary(bytes)) if bytes.len() <= MESSAGE_MAX => {
                Some(AmqpBytes(Bytes::from(bytes.to_vec())))
            }
            Some(_) => {
                let problem = "session-state: expected at most 256 KiB of binary, or null";
                return Err(invalid(AmqpRefusal::invalid(problem)));
            }
        };
        let queue = &self.source.queue;
        queue
            .set_session_state(self.session()?, state)
            .map_err(session_lost)?;
        Ok((200, Value::Null))
    }

    fn schedule(&self) -> Answered {
        let mut messages = Vec::new();
        for item in self.arguments.maps("messages").map_err(invalid)? {
            let encoded = item.binary("message").map_err(invalid)?;
            messages.push(message::of_bytes(&encoded).map_err(invalid)?);
        }
        if self.source.dead_letters {
            return Err((400, AmqpRefusal::sending_to_dead_letters()));
        }
        let sent = self.source.queue.send(messages);
        let sent = sent.map_err(|refused| (400, AmqpRefusal::of(&refused)))?;
        let numbers = sent.iter().map(|enqueued| match enqueued {
            Enqueued::Accepted { sequence } => *sequence,
            // A duplicate is accepted without a word, and has no number.
            Enqueued::Duplicate => 0,
        });
        let numbers = numbers.map(|number| Value::Long(i64::try_from(number).unwrap_or(i64::MAX)));
        let numbers: Vec<Value> = numbers.collect();
        Ok((
            200,
            map([("sequence-numbers", Value::Array(Array::from(numbers)))]),
        ))
    }

    fn cancel_scheduled(&self) -> Answered {
        let numbers = self
            .arguments
            .numbers("sequence-numbers")
            .map_err(invalid)?;
        let cancelled = self.source.queue.cancel_scheduled(&numbers);
        cancelled.map_err(|missing| (404, AmqpRefusal::no_such_number(missing)))?;
        Ok((200, Value::Null))
    }

    fn sessions(&self) -> Answered {
        let number = |name| self.arguments.number(name).unwrap_or_default();
        let skip = usize::try_from(number("skip")).unwrap_or(usize::MAX);
        let top = usize::try_from(number("top")).unwrap_or(usize::MAX);
        let names = self.source.queue.session_names().into_iter().skip(skip);
        let names: Vec<Value> = names.take(top.clamp(1, 1000)).map(Value::String).collect();
        if names.is_empty() {
            return Ok((204, Value::Null));
        }
        let next = i32::try_from(skip + names.len()).unwrap_or(i32::MAX);
        let names = Value::Array(Array::from(names));
        Ok((
            200,
            map([("skip", Value::Int(next)), ("sessions-ids", names)]),
        ))
    }

    /// The lock of the session that is named, which this connection has to hold.
    fn session(&self) -> Result<Uuid, (i32, AmqpRefusal)> {
        let name = self.arguments.text("session-id").ok_or_else(|| {
            invalid(AmqpRefusal::invalid(
                "session-id: expected the name of a session",
            ))
        })?;
        let held = self.context.held.token(&self.source.queue, name);
        held.ok_or((410, AmqpRefusal::session_lock_lost()))
    }
}

fn binary(bytes: &Bytes) -> Value {
    Value::Binary(Binary::from(bytes.to_vec()))
}
