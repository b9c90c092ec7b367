//! What is seen at the storage, the Logic App and the outbox, and which message it belongs to.

use serde_json::Value;
use time::OffsetDateTime;

use super::operations::Operation;
use super::{Model, Stage};
use crate::text::cut;
use logic_app::Received;
use logic_app::mail::Mail;
use stand_in::{Method, Moment, Seen, StatusCode};

/// Requests without an answer that are waited for.
const OPEN_REQUESTS_MAX: usize = 1_000;

/// The longest reason that is kept, in characters.
const REASON_MAX: usize = 1_000;

impl Model {
    /// The blob endpoint saw a request.
    pub(crate) fn seen(&mut self, seen: &Seen) {
        self.revision += 1;
        let is_upload = seen.method == Method::PUT;
        match seen.moment {
            Moment::Answered(status) if is_upload && status.is_success() => {
                self.totals.uploads += 1;
            }
            // A condition that does not hold is an answer of the protocol: nothing failed.
            Moment::Answered(StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED) => {}
            Moment::Answered(_) | Moment::Unanswered if is_upload => {
                self.totals.uploads_failed += 1;
            }
            _ => {}
        }
        let sequence = match seen.moment {
            Moment::Arrived => self.message_of(seen),
            Moment::Answered(_) | Moment::Unanswered => self.open.remove(&seen.number),
        };
        let Some(sequence) = sequence else { return };
        if seen.moment == Moment::Arrived {
            self.open.insert(seen.number, sequence);
            if self.open.len() > OPEN_REQUESTS_MAX {
                self.open.pop_first();
            }
        }
        self.change(sequence, seen.at, |message| message.request(seen));
    }

    /// An upload says whose it is; a read or a container's creation is of whom the uploads are.
    fn message_of(&self, seen: &Seen) -> Option<u64> {
        let number = seen.metadata.iter().find(|(name, _)| name == "sequence");
        if let Some((_, number)) = number {
            return number.parse().ok();
        }
        let delivering = self.messages.values().rev();
        let mut delivering = delivering.filter(|message| message.stage == Stage::Delivering);
        let of_this = delivering.find(|message| message.has_requested(&seen.path))?;
        Some(of_this.sequence)
    }

    /// The Logic App took an order.
    pub(crate) fn handed_over(&mut self, received: &Received) {
        self.revision += 1;
        let body: Value = serde_json::from_slice(&received.body).unwrap_or_default();
        let failure = body.get("failure");
        let text = |of: Option<&Value>| of.and_then(Value::as_str).map(str::to_owned);
        let number = failure.and_then(|failure| failure.get("sequenceNumber")?.as_u64());
        let (Some(sequence), Some(id)) = (number, text(body.get("operationId"))) else {
            return;
        };
        let reason = text(failure.and_then(|failure| failure.get("reason")));
        let reason = reason.map(|reason| cut(&reason, REASON_MAX));
        self.change(sequence, received.at, |message| message.reason = reason);
        self.operations.of(&id).sequence = Some(sequence);
        self.join(&id, received.at);
    }

    /// The e-mail service took a mail: before or after we are told what the Logic App took.
    pub(crate) fn mailed(&mut self, mail: &Mail) {
        self.revision += 1;
        let id = mail.operation_id.to_string();
        self.operations.of(&id).mail = Some(mail.number);
        self.join(&id, mail.at);
    }

    fn join(&mut self, id: &str, now: OffsetDateTime) {
        if let Operation {
            sequence: Some(sequence),
            mail: Some(mail),
            ..
        } = *self.operations.of(id)
        {
            self.change(sequence, now, |message| message.mail = Some(mail));
        }
    }
}
