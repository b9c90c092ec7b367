//! What the client makes of the messages it was handed.

use fe2o3_amqp_types::definitions::{Error, Role};
use fe2o3_amqp_types::messaging::{Accepted, DeliveryState, Modified, Rejected, Released};
use fe2o3_amqp_types::performatives::{Disposition, Performative};
use fe2o3_amqp_types::primitives::Value;

use super::{Link, Session, Unsettled};
use crate::amqp::changes::changes;
use crate::amqp::context::SessionContext;
use crate::amqp::refusal::AmqpRefusal;
use crate::amqp::source::Settlement;
use crate::queue::{DeadLetterReason, PropertyChanges};

const REASON: &str = "DeadLetterReason";
const DESCRIPTION: &str = "DeadLetterErrorDescription";

impl Session {
    /// Settles the deliveries of a disposition, and answers each that the client has not settled
    /// itself.
    pub(super) fn settle(&mut self, disposition: &Disposition, context: &mut SessionContext<'_>) {
        if disposition.role == Role::Sender {
            // Of what the client sends: we settle that ourselves.
            return;
        }
        let Some(settlement) = settlement(disposition.state.as_ref(), disposition.settled) else {
            return;
        };
        let last = disposition.last.unwrap_or(disposition.first);
        let mut answers = Answers::default();
        for id in self.meant(disposition.first, last) {
            let Some(Unsettled { handle, token }) = self.unsettled.remove(&id) else {
                continue;
            };
            let Some(Link::Receiver(receiver)) = self.links.get_mut(&handle) else {
                continue;
            };
            let session = receiver.session_token();
            let result = receiver.source.settle(token, settlement.clone());
            let is_lost = |session| !receiver.source.queue.holds_session(session);
            let result = match result {
                Err(_) if session.is_some_and(is_lost) => Err(AmqpRefusal::session_lock_lost()),
                result => result,
            };
            receiver.settled(settlement == Settlement::GiveBack, context.now);
            if !disposition.settled {
                let state = match result {
                    Ok(()) => answer(&settlement, disposition.state.as_ref()),
                    Err(refusal) => refusal.into_outcome(),
                };
                answers.add(id, state);
            }
        }
        for answer in answers.0 {
            context.put(self.channel, &Performative::Disposition(answer));
        }
    }

    /// The deliveries from `first` to `last` that are not settled; the numbers go round.
    fn meant(&self, first: u32, last: u32) -> Vec<u32> {
        let all = &self.unsettled;
        if first <= last {
            all.range(first..=last).map(|(id, _)| *id).collect()
        } else if first - last > u32::MAX / 2 {
            let around = all.range(first..).chain(all.range(..=last));
            around.map(|(id, _)| *id).collect()
        } else {
            Vec::new()
        }
    }
}

/// Dispositions that settle, neighbours with the same state in one.
#[derive(Debug, Default)]
struct Answers(Vec<Disposition>);

impl Answers {
    fn add(&mut self, id: u32, state: DeliveryState) {
        if let Some(open) = self.0.last_mut()
            && open.state.as_ref() == Some(&state)
            && open.last.unwrap_or(open.first).wrapping_add(1) == id
        {
            open.last = Some(id);
            return;
        }
        self.0.push(Disposition {
            role: Role::Sender,
            first: id,
            last: None,
            settled: true,
            state: Some(state),
            batchable: false,
        });
    }
}

/// What an outcome means; nothing for a state that is none yet.
fn settlement(state: Option<&DeliveryState>, settled: bool) -> Option<Settlement> {
    match state {
        Some(DeliveryState::Accepted(_)) => Some(Settlement::Complete),
        Some(DeliveryState::Released(_)) => Some(Settlement::GiveBack),
        Some(DeliveryState::Rejected(rejected)) => Some(dead_letter(rejected.error.as_ref())),
        Some(DeliveryState::Modified(modified)) => {
            let changes = changes(modified.message_annotations.as_ref());
            Some(if modified.undeliverable_here == Some(true) {
                Settlement::Defer(changes)
            } else {
                // Node's client says nothing of a failed delivery when it abandons.
                Settlement::Abandon(changes)
            })
        }
        // Settled without an outcome: nobody knows whether it was looked at.
        None if settled => Some(Settlement::Abandon(PropertyChanges::default())),
        _ => None,
    }
}

/// The outcome as we confirm it. Of a rejection without the error: with it clients take it for a
/// failure of the settlement.
fn answer(settlement: &Settlement, state: Option<&DeliveryState>) -> DeliveryState {
    match settlement {
        Settlement::Complete => DeliveryState::Accepted(Accepted {}),
        Settlement::GiveBack => DeliveryState::Released(Released {}),
        Settlement::DeadLetter(..) => DeliveryState::Rejected(Rejected { error: None }),
        Settlement::Abandon(_) | Settlement::Defer(_) => {
            let modified = match state {
                Some(DeliveryState::Modified(modified)) => modified.clone(),
                _ => Modified {
                    delivery_failed: Some(true),
                    undeliverable_here: None,
                    message_annotations: None,
                },
            };
            DeliveryState::Modified(modified)
        }
    }
}

/// Microsoft's clients say why in the error's info; others have words for it in the error itself.
fn dead_letter(error: Option<&Error>) -> Settlement {
    let info = error.and_then(|error| error.info.as_ref());
    let text = |name: &str| {
        let mut pairs = info.iter().flat_map(|info| info.iter());
        let (_, value) = pairs.find(|(key, _)| key.as_str() == name)?;
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Symbol(text) => Some(text.as_str().to_owned()),
            _ => None,
        }
    };
    let said = error.and_then(|error| error.description.clone());
    let reason = DeadLetterReason::ByReceiver {
        reason: text(REASON),
        description: text(DESCRIPTION).or(said),
    };
    let mut changes = changes(info.map(AsRef::as_ref));
    for name in [REASON, DESCRIPTION] {
        changes.application.remove(name);
        changes.typed.remove(name);
    }
    Settlement::DeadLetter(reason, changes)
}
