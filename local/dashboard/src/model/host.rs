//! What the host tells: the handler's life, the deliveries' ends and the handler's log.

use time::OffsetDateTime;

use super::log_line::LogLine;
use super::{Model, Stage, activity};
use host::{Delivered, DeliveryOutcome, Event, Level};

impl Model {
    /// The host has something to tell.
    pub(crate) fn event(&mut self, event: &Event, now: OffsetDateTime) {
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
        let mut delivering = delivering.filter(|message| message.stage == Stage::Delivering);
        let of_session =
            delivering.find(|message| message.session_id.as_deref() == Some(session))?;
        Some(of_session.sequence)
    }
}
