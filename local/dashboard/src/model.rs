//! What the dashboard knows of the messages: the parts' own words, joined by the message's number.
//!
//! Pure: it is told what there is, and then what happens and when, and waits for nothing. Of the
//! messages those stay that changed last; of the others only the counters are left.

mod activity;
mod details;
mod handed_over;
mod known;
mod log;
mod message;
mod pulse;
mod totals;

use std::collections::{BTreeMap, BTreeSet};

use bus::{DeadLetter, Peeked, Transition};
use host::{Delivered, DeliveryOutcome, Event, Level};
use logic_app::Received;
use logic_app::mail::Mail;
use stand_in::{Moment, Seen, StatusCode};
use time::OffsetDateTime;

use self::activity::Activity;
use self::details::RequestKind;
pub(super) use self::handed_over::MailedOrder;
use self::handed_over::{HandedOver, WorkflowRuns};
use self::known::{KnownMessages, MESSAGES_MAX};
use self::log::{LogLine, LogTail};
use self::message::{MessageStage, stage_of};
pub(super) use self::message::{ShownMessage, is_letter_meant};
use self::pulse::Pulse;
use self::totals::Totals;
use super::text::Timestamp;

/// Requests without an answer that are waited for.
const OPEN_REQUESTS_MAX: usize = 1_000;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) totals: Totals,
    pub(super) activity: Activity,
    pub(super) log: LogTail,
    pub(super) pulse: Pulse,
    messages: KnownMessages,
    /// Which message a request that has no answer yet belongs to.
    open: BTreeMap<u64, u64>,
    runs: WorkflowRuns,
    changed: BTreeSet<u64>,
    revision: u64,
}

impl Model {
    /// A message that can be opened.
    pub(super) fn message(&self, sequence: u64) -> Option<&ShownMessage> {
        self.messages.get(sequence)
    }

    /// Those that changed last, and those that the function has: `limit` of each at the most.
    pub(super) fn newest(&self, limit: usize) -> impl Iterator<Item = &ShownMessage> {
        let last_changed = self.messages.last_changed_first().take(limit);
        let mut at_work: BTreeSet<u64> = last_changed.map(|it| it.sequence).collect();
        let delivering = self.messages.delivering().take(limit);
        at_work.extend(delivering.map(|it| it.sequence));
        let newest_first = self.messages.newest_first();
        newest_first.filter(move |message| at_work.contains(&message.sequence))
    }

    /// Every one that is known, the highest number first.
    pub(super) fn all(&self) -> impl Iterator<Item = &ShownMessage> {
        self.messages.newest_first()
    }

    /// Rises with every change.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// The messages that changed since the last call, of those that [`Model::newest`] has.
    pub(super) fn take_changed(&mut self, limit: usize) -> Vec<&ShownMessage> {
        let changed = std::mem::take(&mut self.changed);
        let newest = self.newest(limit);
        newest
            .filter(|message| changed.contains(&message.sequence))
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

    /// Another program than the handler wrote a line.
    pub(super) fn line(&mut self, writer: &'static str, text: &str, now: OffsetDateTime) {
        self.revision += 1;
        self.log.add(LogLine::of(writer, text, now));
    }

    /// The time goes on, and so many messages are in the queue.
    pub(super) fn tick(&mut self, now: OffsetDateTime, waiting: usize) -> bool {
        let is_another_second = self.pulse.tick(now, waiting);
        self.revision += u64::from(is_another_second);
        is_another_second
    }

    /// The mailed order that is newer than what a blob holds.
    pub(super) fn newer_mail(
        &self,
        name: &str,
        stored: Option<u64>,
        modified: OffsetDateTime,
    ) -> Option<MailedOrder> {
        self.runs.newer_than(name, stored, modified)
    }

    fn change(
        &mut self,
        sequence: u64,
        now: OffsetDateTime,
        change: impl FnOnce(&mut ShownMessage),
    ) {
        let Some(message) = self.messages.change(sequence) else {
            return;
        };
        let before = message.stage;
        change(message);
        message.changed = Timestamp(now);
        self.totals.moved(before, message.stage);
        if message.stage.is_settled() && !before.is_settled() {
            self.pulse.settled();
        }
        if message.stage == MessageStage::Stored
            && before != MessageStage::Stored
            && let Some(took) = message.took_elsewhere()
        {
            self.pulse.stored(took);
        }
        self.changed.insert(sequence);
    }
}

/// What there was before anything is told.
impl Model {
    /// The queue's messages and dead letters, and what the Logic App took, oldest first each.
    pub(super) fn found(
        &mut self,
        messages: &[Peeked],
        letters: &[DeadLetter],
        handed_over: &[Received],
        now: OffsetDateTime,
    ) {
        self.totals.found = (messages.len() + letters.len()) as u64;
        let newest = |count: usize| count.saturating_sub(MESSAGES_MAX);
        for letter in letters.iter().skip(newest(letters.len())) {
            self.messages.insert(ShownMessage::found_dead(letter));
        }
        for peeked in messages.iter().skip(newest(messages.len())) {
            self.messages.insert(ShownMessage::found(peeked, now));
        }
        for handed_over in handed_over.iter().filter_map(HandedOver::read) {
            self.runs.took(&handed_over);
        }
    }

    /// A mail that was there.
    pub(super) fn found_mail(&mut self, mail: &Mail) {
        self.runs.with_id(&mail.operation_id.to_string()).mail = Some(mail.number);
    }

    /// Whether the function's next message is one to ask the queue for.
    pub(super) fn knows(&self, sequence: u64) -> bool {
        self.messages.contains(sequence)
    }

    /// A message that was forgotten among many, and is with the function now.
    pub(super) fn recall(&mut self, peeked: &Peeked, now: OffsetDateTime) {
        self.revision += 1;
        self.changed.insert(peeked.accepted.sequence);
        self.messages.insert(ShownMessage::found(peeked, now));
    }
}

/// What the queue tells.
impl Model {
    pub(super) fn transition(&mut self, transition: &Transition, now: OffsetDateTime) {
        self.revision += 1;
        match transition {
            Transition::Accepted(accepted) | Transition::Due { accepted, .. } => {
                self.totals.accepted += 1;
                self.pulse.accepted();
                self.messages.insert(ShownMessage::new(accepted, now));
                self.changed.insert(accepted.sequence);
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
            } => self.change(*sequence, now, |it| it.locked(*delivery_count, now)),
            Transition::Completed { sequence } => {
                self.change(*sequence, now, |it| it.completed(now));
            }
            Transition::Released { sequence, .. } => {
                self.totals.given_back += 1;
                self.change(*sequence, now, |it| it.released(now));
            }
            Transition::DeadLettered {
                sequence,
                reason,
                at,
                ..
            } => {
                self.pulse.failed();
                let reason = reason.to_string();
                self.change(*sequence, now, |it| it.dead_lettered(reason, *at));
            }
            // It is left aside until a receiver asks for it by its number.
            Transition::Deferred { sequence } => {
                self.change(*sequence, now, |it| it.released(now));
            }
            Transition::Expired { sequence } => {
                let text = format!("#{sequence} has expired and was dropped");
                self.activity.add(Level::Warning, &text, now);
                self.change(*sequence, now, |it| it.completed(now));
            }
            // What is scheduled is shown when it is due; a letter is among the dead as before.
            Transition::Scheduled(_)
            | Transition::Cancelled { .. }
            | Transition::Changed { .. }
            | Transition::SessionState { .. }
            | Transition::LetterDeferred { .. }
            | Transition::LetterHandedOut { .. } => {}
            Transition::LetterCompleted { sequence } => match self.knows(*sequence) {
                true => self.change(*sequence, now, |it| it.redriven(now)),
                false => self.totals.redriven += 1,
            },
        }
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
        // The line of the same, if there is one, came before: the handler writes it first.
        let has_line = self
            .messages
            .get(sequence)
            .is_some_and(ShownMessage::has_ended);
        if let Some(line) = LogLine::of_answer(delivered, now).filter(|_| !has_line) {
            self.said(Level::Information, line, now);
        }
        self.change(sequence, now, |it| it.delivered(delivered, now));
    }

    fn log_line(&mut self, level: Level, text: &str, now: OffsetDateTime) {
        let line = LogLine::read(level, text, now);
        self.log.add(line.clone());
        self.said(level, line, now);
    }

    fn said(&mut self, level: Level, line: LogLine, now: OffsetDateTime) {
        let named = line.said.sequence;
        let known = named.filter(|sequence| self.knows(*sequence));
        let of_session = || self.in_flight(line.said.session.as_deref()?);
        if let Some(sequence) = known.or_else(of_session) {
            return self.change(sequence, now, |it| it.log_line(line));
        }
        // Of a message that was settled before it could be asked for.
        let stage = line.outcome().and_then(stage_of);
        match stage.and_then(|stage| self.totals.of(stage)) {
            Some(count) if named.is_some() => *count += 1,
            _ => self.activity.add(level, line.text(), now),
        }
    }

    /// The newest message of a session that the function has.
    fn in_flight(&self, session: &str) -> Option<u64> {
        let mut delivering = self.messages.delivering();
        let is_of_session = |it: &&ShownMessage| it.session_id.as_deref() == Some(session);
        Some(delivering.find(is_of_session)?.sequence)
    }
}

/// What is seen at the storage, the Logic App and the outbox.
impl Model {
    /// The blob endpoint saw a request.
    pub(super) fn seen(&mut self, seen: &Seen) {
        self.revision += 1;
        let sequence = match seen.moment {
            Moment::Arrived => self.message_of(seen),
            Moment::Answered(_) | Moment::Unanswered => self.open.remove(&seen.number),
        };
        self.count(seen, sequence);
        let Some(sequence) = sequence else { return };
        if seen.moment == Moment::Arrived {
            self.open.insert(seen.number, sequence);
            if self.open.len() > OPEN_REQUESTS_MAX {
                self.open.pop_first();
            }
        }
        self.change(sequence, seen.at, |message| message.request(seen));
    }

    fn count(&mut self, seen: &Seen, of: Option<u64>) {
        let kind = RequestKind::of(&seen.method, &seen.path);
        match (seen.moment, kind) {
            (Moment::Arrived, _) | (_, RequestKind::Other) => {}
            (Moment::Answered(status), RequestKind::Upload) if status.is_success() => {
                self.totals.uploads += 1;
                let message = of.and_then(|sequence| self.messages.change(sequence));
                if let Some(took) = message.and_then(|message| message.stored(seen.at)) {
                    self.pulse.stored(took);
                }
            }
            (Moment::Answered(status), RequestKind::Creation) if status.is_success() => {}
            // A condition that does not hold is an answer of the protocol: nothing failed. So is
            // a container that somebody else has made meanwhile.
            (Moment::Answered(StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED), _) => {}
            // The container is made next; should that fail, that is the failure.
            (Moment::Answered(StatusCode::NOT_FOUND), RequestKind::Upload)
                if !self.made_the_container_before(of, seen.number) => {}
            (Moment::Answered(_) | Moment::Unanswered, _) => {
                self.totals.uploads_failed += 1;
                self.pulse.failed();
            }
        }
    }

    fn made_the_container_before(&self, sequence: Option<u64>, number: u64) -> bool {
        let message = sequence.and_then(|sequence| self.messages.get(sequence));
        message.is_some_and(|message| message.made_the_container_before(number))
    }

    /// An upload says whose it is; a read or a container's creation is of whom the uploads are.
    fn message_of(&self, seen: &Seen) -> Option<u64> {
        let number = seen.metadata.iter().find(|(name, _)| name == "sequence");
        if let Some((_, number)) = number {
            return number.parse().ok();
        }
        let mut delivering = self.messages.delivering();
        let is_of = |message: &&ShownMessage| message.has_requested(&seen.path);
        let settled = || self.messages.last_changed_first().find(is_of);
        // Where much happens the queue's word, that it is settled, may be heard before the wire's.
        Some(delivering.find(is_of).or_else(settled)?.sequence)
    }

    /// The Logic App took an order.
    pub(super) fn handed_over(&mut self, received: &Received) {
        self.revision += 1;
        let Some(handed_over) = HandedOver::read(received) else {
            return;
        };
        self.runs.took(&handed_over);
        if let Some(sequence) = handed_over.sequence {
            let reason = handed_over.reason.clone();
            self.change(sequence, received.at, |message| message.reason = reason);
        }
        self.join(&handed_over.operation_id, received.at);
    }

    /// The e-mail service took a mail: before or after we are told what the Logic App took.
    pub(super) fn mailed(&mut self, mail: &Mail) {
        self.revision += 1;
        self.found_mail(mail);
        self.join(&mail.operation_id.to_string(), mail.at);
    }

    fn join(&mut self, id: &str, now: OffsetDateTime) {
        let run = self.runs.with_id(id);
        if let (Some(sequence), Some(mail)) = (run.sequence, run.mail) {
            self.change(sequence, now, |message| message.mail = Some(mail));
        }
    }
}

#[cfg(test)]
mod tests;
