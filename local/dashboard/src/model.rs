//! What the dashboard knows of the messages: the parts' own words, joined by the message's number.
//!
//! Pure: it is told what happens and when, and waits for nothing. Of the messages the newest stay;
//! of older ones only the counters are left.

mod activity;
mod message;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bus::Transition;
use host::{Delivered, DeliveryOutcome, Event, Level};
use logic_app::Received;
use logic_app::mail::Mail;
use serde::Serialize;
use serde_json::Value;
use stand_in::{Method, Moment, Seen, StatusCode};
use time::OffsetDateTime;

use self::activity::Activity;
use self::message::LogLine;
pub(super) use self::message::{MessageStage, ShownMessage};
use super::text::{cut, timestamp};

/// Messages that can be opened.
const MESSAGES_MAX: usize = 500;

/// Requests without an answer that are waited for.
const OPEN_REQUESTS_MAX: usize = 1_000;

/// The longest reason that is kept, in characters.
const REASON_MAX: usize = 1_000;

/// Runs of the Logic App that are remembered: the newest.
const RUNS_MAX: usize = 1_000;

/// Counts of this run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Totals {
    pub(super) accepted: u64,
    pub(super) duplicates: u64,
    pub(super) completed: u64,
    pub(super) stored: u64,
    pub(super) superseded: u64,
    pub(super) handed_over: u64,
    pub(super) released: u64,
    pub(super) dead_lettered: u64,
    pub(super) uploads: u64,
    pub(super) uploads_failed: u64,
    pub(super) handler_exits: u64,
}

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) totals: Totals,
    pub(super) activity: Activity,
    messages: BTreeMap<u64, ShownMessage>,
    /// Which message a request that has no answer yet belongs to.
    open: BTreeMap<u64, u64>,
    runs: WorkflowRuns,
    changed: BTreeSet<u64>,
    revision: u64,
}

impl Model {
    /// A message that can be opened.
    pub(super) fn message(&self, sequence: u64) -> Option<&ShownMessage> {
        self.messages.get(&sequence)
    }

    /// The newest messages, newest first.
    pub(super) fn newest(&self, limit: usize) -> impl Iterator<Item = &ShownMessage> {
        self.messages.values().rev().take(limit)
    }

    /// Rises with every change.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// The messages that changed since the last call, the newest `limit` of them.
    pub(super) fn take_changed(&mut self, limit: usize) -> Vec<&ShownMessage> {
        let changed = std::mem::take(&mut self.changed);
        let newest = changed.into_iter().rev().take(limit);
        newest
            .filter_map(|sequence| self.messages.get(&sequence))
            .collect()
    }

    /// Something changed that the model does not hold.
    pub(super) fn touch(&mut self) {
        self.revision += 1;
    }

    /// Something that belongs to no message.
    pub(super) fn note(&mut self, level: Level, text: &str, now: OffsetDateTime) {
        self.revision += 1;
        self.activity.add(level, text, now);
    }

    /// The queue changed.
    pub(super) fn transition(&mut self, transition: &Transition, now: OffsetDateTime) {
        self.revision += 1;
        match transition {
            Transition::Accepted(accepted) => {
                self.totals.accepted += 1;
                let message = ShownMessage::new(accepted, now);
                self.messages.insert(accepted.sequence, message);
                self.changed.insert(accepted.sequence);
                if self.messages.len() > MESSAGES_MAX {
                    self.messages.pop_first();
                }
            }
            Transition::Duplicate {
                message_id,
                session_id,
                of,
                same_body,
            } => {
                self.totals.duplicates += 1;
                let session = session_id.as_deref().unwrap_or("-");
                let of = of.map_or("an earlier one".to_owned(), |of| format!("#{of}"));
                let (level, body) = match same_body {
                    Some(true) => (Level::Information, "the same body"),
                    Some(false) => (Level::Warning, "ANOTHER BODY, which is lost"),
                    None => (Level::Warning, "a body that may be another one"),
                };
                let text = format!(
                    "session {session}: a message was swallowed as a duplicate of {of}: it has the \
                     same message id {message_id} and {body}"
                );
                self.activity.add(level, &text, now);
            }
            Transition::Locked {
                sequence,
                delivery_count,
                ..
            } => self.change(*sequence, now, |message| message.locked(*delivery_count)),
            Transition::Completed { sequence } => {
                self.totals.completed += 1;
                self.change(*sequence, now, ShownMessage::completed);
            }
            Transition::Released { sequence, .. } => {
                self.totals.released += 1;
                self.change(*sequence, now, |message| {
                    message.stage = MessageStage::Waiting;
                });
            }
            Transition::DeadLettered {
                sequence, reason, ..
            } => {
                self.totals.dead_lettered += 1;
                let reason = reason.to_string();
                self.change(*sequence, now, |message| message.dead_lettered(reason));
            }
            // It is among the dead as before.
            Transition::LetterHandedOut { .. } => {}
            Transition::LetterCompleted { sequence } => {
                self.change(*sequence, now, |message| {
                    message.stage = MessageStage::Redriven;
                });
            }
        }
    }

    fn change(
        &mut self,
        sequence: u64,
        now: OffsetDateTime,
        change: impl FnOnce(&mut ShownMessage),
    ) {
        let Some(message) = self.messages.get_mut(&sequence) else {
            return;
        };
        change(message);
        message.changed = timestamp(now);
        self.changed.insert(sequence);
    }
}

/// What the host tells: the handler's life, the deliveries' ends and the handler's log.
impl Model {
    /// The host has something to tell.
    pub(super) fn event(&mut self, event: &Event, now: OffsetDateTime) {
        self.revision += 1;
        match event {
            Event::LogLine { level, text } => self.log_line(*level, text, now),
            Event::Delivered(delivered) => self.delivered(delivered, now),
            Event::HandlerStarted { pid } => {
                let text = format!("handler started, process {}", pid.unwrap_or_default());
                self.activity.add(Level::Information, &text, now);
            }
            Event::HandlerReady => {
                self.activity.add(Level::Information, "handler ready", now);
            }
            Event::HandlerExited { exit, next } => {
                self.totals.handler_exits += 1;
                let text = activity::exited(*exit, *next);
                self.activity.add(Level::Warning, &text, now);
            }
            Event::Note { level, text } => self.activity.add(*level, text, now),
            Event::HostStopped { why } => {
                let text = format!("the host stops: {why}");
                self.activity.add(Level::Error, &text, now);
            }
            // The queue's own word on a dead letter is more precise.
            _ => {}
        }
    }

    fn delivered(&mut self, delivered: &Delivered, now: OffsetDateTime) {
        let sequence = delivered.sequence;
        if let DeliveryOutcome::Abandoned { why, .. } = &delivered.outcome {
            let text = format!(
                "#{sequence}: delivery {} abandoned ({why})",
                delivered.delivery_count
            );
            self.activity.add(Level::Warning, &text, now);
        }
        self.change(sequence, now, |message| message.delivered(delivered));
    }

    fn log_line(&mut self, level: Level, text: &str, now: OffsetDateTime) {
        let line = LogLine::read(level, text, now);
        match line.outcome() {
            Some("stored") => self.totals.stored += 1,
            Some("superseded") => self.totals.superseded += 1,
            Some("handed over") => self.totals.handed_over += 1,
            _ => {}
        }
        let known = line
            .sequence()
            .filter(|sequence| self.messages.contains_key(sequence));
        match known.or_else(|| self.in_flight(line.session()?)) {
            Some(sequence) => self.change(sequence, now, |message| message.log_line(line)),
            None => self.activity.add(level, line.text(), now),
        }
    }

    /// The newest message of a session that the function has.
    fn in_flight(&self, session: &str) -> Option<u64> {
        let delivering = self.messages.values().rev();
        let mut delivering = delivering.filter(|message| message.stage == MessageStage::Delivering);
        let of_session =
            delivering.find(|message| message.session_id.as_deref() == Some(session))?;
        Some(of_session.sequence)
    }
}

/// What is seen at the storage, the Logic App and the outbox.
impl Model {
    /// The blob endpoint saw a request.
    pub(super) fn seen(&mut self, seen: &Seen) {
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
        let mut delivering = delivering.filter(|message| message.stage == MessageStage::Delivering);
        let of_this = delivering.find(|message| message.has_requested(&seen.path))?;
        Some(of_this.sequence)
    }

    /// The Logic App took an order.
    pub(super) fn handed_over(&mut self, received: &Received) {
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
        self.runs.with_id(&id).sequence = Some(sequence);
        self.join(&id, received.at);
    }

    /// The e-mail service took a mail: before or after we are told what the Logic App took.
    pub(super) fn mailed(&mut self, mail: &Mail) {
        self.revision += 1;
        let id = mail.operation_id.to_string();
        self.runs.with_id(&id).mail = Some(mail.number);
        self.join(&id, mail.at);
    }

    fn join(&mut self, id: &str, now: OffsetDateTime) {
        if let WorkflowRun {
            sequence: Some(sequence),
            mail: Some(mail),
            ..
        } = *self.runs.with_id(id)
        {
            self.change(sequence, now, |message| message.mail = Some(mail));
        }
    }
}

/// What is known of one run of the Logic App.
#[derive(Debug, Default)]
struct WorkflowRun {
    id: String,
    sequence: Option<u64>,
    mail: Option<u64>,
}

/// The newest runs, oldest first.
#[derive(Debug, Default)]
struct WorkflowRuns(VecDeque<WorkflowRun>);

impl WorkflowRuns {
    /// The run with that id; a new one when there is none.
    fn with_id(&mut self, id: &str) -> &mut WorkflowRun {
        let known = self.0.iter().rposition(|run| run.id == id);
        let place = known.unwrap_or_else(|| {
            if self.0.len() == RUNS_MAX {
                self.0.pop_front();
            }
            self.0.push_back(WorkflowRun {
                id: id.to_owned(),
                ..WorkflowRun::default()
            });
            self.0.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or pushed just now")]
        &mut self.0[place]
    }
}

#[cfg(test)]
mod tests;
