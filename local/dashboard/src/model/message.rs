//! One message, from the queue to its end.

use serde::Serialize;
use time::OffsetDateTime;

use super::delivery::Delivery;
use super::log_line::LogLine;
use super::newest::Newest;
use super::requests::Requests;
use crate::text::{Body, contents, timestamp};
use bus::{Accepted, Properties};
use host::Delivered;
use stand_in::Seen;

/// Where a message is, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Stage {
    /// In the queue.
    Waiting,
    /// With the function.
    Delivering,
    /// In the session's blob.
    Stored,
    /// The session's blob holds a newer order.
    Superseded,
    /// With a person.
    HandedOver,
    /// Settled, and the function did not say how.
    Completed,
    /// Among the dead letters.
    DeadLettered,
    /// Was a dead letter, and is settled.
    Redriven,
}

/// A message with everything that is known of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    pub(crate) sequence: u64,
    pub(crate) message_id: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) stage: Stage,
    pub(super) changed: String,
    enqueued_time: String,
    delivery_count: u32,
    contents: String,
    pub(super) mail: Option<u64>,
    pub(super) reason: Option<String>,
    /// How the uploads of the newest delivery were answered.
    uploads: Vec<String>,
    #[serde(skip)]
    details: Details,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    expires_at: String,
    properties: Properties,
    body: Body,
    requests: Requests,
    deliveries: Newest<Delivery>,
    log: Newest<LogLine>,
}

impl Message {
    pub(super) fn new(accepted: &Accepted, now: OffsetDateTime) -> Self {
        let properties = accepted.message.properties.clone();
        Self {
            sequence: accepted.sequence,
            message_id: properties.message_id.clone(),
            session_id: properties.session_id.clone(),
            stage: Stage::Waiting,
            changed: timestamp(now),
            enqueued_time: timestamp(accepted.enqueued),
            delivery_count: 0,
            contents: contents(&accepted.message.body),
            mail: None,
            reason: None,
            uploads: Vec::new(),
            details: Details {
                expires_at: timestamp(accepted.expires),
                properties,
                body: Body::of(&accepted.message.body),
                requests: Requests::default(),
                deliveries: Newest::default(),
                log: Newest::default(),
            },
        }
    }

    /// Everything, for who opens it.
    pub(crate) fn whole(&self) -> impl Serialize + '_ {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            message: &'a Message,
            #[serde(flatten)]
            details: &'a Details,
        }
        Whole {
            message: self,
            details: &self.details,
        }
    }

    pub(super) fn locked(&mut self, delivery_count: u32) {
        self.stage = Stage::Delivering;
        self.delivery_count = delivery_count;
        self.uploads.clear();
    }

    /// The function's log may have told more already.
    pub(super) fn completed(&mut self) {
        if matches!(self.stage, Stage::Waiting | Stage::Delivering) {
            self.stage = self.outcome().unwrap_or(Stage::Completed);
        }
    }

    pub(super) fn dead_lettered(&mut self, reason: String) {
        self.stage = Stage::DeadLettered;
        self.reason = Some(reason);
    }

    pub(super) fn delivered(&mut self, delivered: &Delivered) {
        self.details.deliveries.push(Delivery::of(delivered));
    }

    pub(super) fn log_line(&mut self, line: LogLine) {
        let outcome = line.outcome().map(str::to_owned);
        let reason = line.reason().map(str::to_owned);
        self.details.log.push(line);
        if outcome.is_some() && reason.is_some() {
            self.reason = reason;
        }
        if self.stage == Stage::Completed {
            self.stage = self.outcome().unwrap_or(Stage::Completed);
        }
    }

    /// What the function says it did in the newest delivery.
    fn outcome(&self) -> Option<Stage> {
        let mut lines = self.details.log.iter().rev();
        let of_this = lines.find(|line| line.is_of(self.delivery_count))?;
        match of_this.outcome()? {
            "stored" => Some(Stage::Stored),
            "superseded" => Some(Stage::Superseded),
            "handed over" => Some(Stage::HandedOver),
            _ => None,
        }
    }

    pub(super) fn request(&mut self, seen: &Seen) {
        let requests = &mut self.details.requests;
        requests.seen(seen, self.delivery_count);
        self.uploads = requests.uploads(self.delivery_count);
    }

    /// Whether a request of the newest delivery went there.
    pub(super) fn has_requested(&self, path: &str) -> bool {
        self.details.requests.went_to(path, self.delivery_count)
    }
}
