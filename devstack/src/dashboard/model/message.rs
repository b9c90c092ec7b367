//! One message, from the queue to its end.

use serde::Serialize;
use time::OffsetDateTime;

use super::log_line::LogLine;
use crate::dashboard::text::{Body, contents, timestamp};
use crate::host::{Delivered, Outcome};
use crate::loopback::{Moment, Seen};
use crate::queue::{Accepted, Properties};

/// Requests, deliveries and log lines that a message keeps: the newest.
const KEPT: usize = 60;

/// Where a message is, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::dashboard) enum Stage {
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

/// A request on the wire.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::dashboard) struct Request {
    #[serde(skip)]
    number: u64,
    delivery: u32,
    method: String,
    path: String,
    at: String,
    /// `None` as long as it is open.
    answer: Option<String>,
    answered_at: Option<String>,
}

/// A delivery that ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::dashboard) struct DeliveryEnd {
    number: u32,
    ended: String,
    took_ms: f64,
}

/// A message with everything that is known of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::dashboard) struct Message {
    pub(in crate::dashboard) sequence: u64,
    pub(in crate::dashboard) message_id: Option<String>,
    pub(in crate::dashboard) session_id: Option<String>,
    pub(in crate::dashboard) stage: Stage,
    pub(super) changed: String,
    enqueued_time: String,
    delivery_count: u32,
    contents: String,
    pub(super) mail: Option<u64>,
    pub(super) reason: Option<String>,
    /// Status codes of the uploads, newest delivery last.
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
    requests: Vec<Request>,
    deliveries: Vec<DeliveryEnd>,
    log: Vec<LogLine>,
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
                requests: Vec::new(),
                deliveries: Vec::new(),
                log: Vec::new(),
            },
        }
    }

    /// Everything, for who opens it.
    pub(in crate::dashboard) fn whole(&self) -> impl Serialize + '_ {
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
        let ended = match &delivered.outcome {
            Outcome::Completed { status, logs } if logs.is_empty() => {
                format!("completed ({status})")
            }
            Outcome::Completed { logs, .. } => logs.join("; "),
            Outcome::Abandoned { why, last: false } => format!("abandoned ({why}): it comes again"),
            Outcome::Abandoned { why, last: true } => {
                format!("abandoned ({why}), for the last time")
            }
            Outcome::LockLost => "the lock was lost: it comes again".to_owned(),
        };
        let delivery = DeliveryEnd {
            number: delivered.delivery_count,
            ended,
            took_ms: (delivered.took.as_secs_f64() * 1e4).round() / 10.0,
        };
        keep(&mut self.details.deliveries, delivery);
    }

    pub(super) fn log_line(&mut self, line: LogLine) {
        let outcome = line.outcome().map(str::to_owned);
        let reason = line.reason().map(str::to_owned);
        keep(&mut self.details.log, line);
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

    /// Whether a request of the newest delivery went there.
    pub(super) fn has_requested(&self, path: &str) -> bool {
        let requests = self.details.requests.iter().rev();
        let mut of_this = requests.take_while(|request| request.delivery == self.delivery_count);
        of_this.any(|request| request.path == path || request.path.starts_with(&format!("{path}/")))
    }

    pub(super) fn request(&mut self, seen: &Seen) {
        let answer = match seen.moment {
            Moment::Arrived => {
                let request = Request {
                    number: seen.number,
                    delivery: self.delivery_count,
                    method: seen.method.to_string(),
                    path: seen.path.clone(),
                    at: timestamp(seen.at),
                    answer: None,
                    answered_at: None,
                };
                keep(&mut self.details.requests, request);
                self.tell_uploads();
                return;
            }
            Moment::Answered(status) => status.as_u16().to_string(),
            Moment::Unanswered => "no answer".to_owned(),
        };
        let requests = &mut self.details.requests;
        let mut open = requests.iter_mut().rev();
        if let Some(request) = open.find(|request| request.number == seen.number) {
            request.answer = Some(answer);
            request.answered_at = Some(timestamp(seen.at));
        }
        self.tell_uploads();
    }

    fn tell_uploads(&mut self) {
        let requests = self.details.requests.iter();
        let uploads = requests
            .filter(|request| request.delivery == self.delivery_count && request.method == "PUT");
        self.uploads = uploads
            .map(|upload| upload.answer.clone().unwrap_or_else(|| "…".to_owned()))
            .collect();
    }
}

fn keep<T>(all: &mut Vec<T>, one: T) {
    if all.len() == KEPT {
        all.remove(0);
    }
    all.push(one);
}
