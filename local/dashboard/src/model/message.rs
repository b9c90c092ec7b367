//! One message, from the queue to its end, with the newest of its requests, deliveries and log
//! lines.

use std::collections::VecDeque;

use bus::{Accepted, Properties};
use host::{Delivered, DeliveryOutcome, Level};
use serde::Serialize;
use serde_json::{Map, Value};
use stand_in::{Moment, Seen};
use time::OffsetDateTime;

use crate::text::{ShownBody, contents, cut, level_name, timestamp};

/// Requests, deliveries and log lines of a message that are kept: the newest of each.
const DETAILS_MAX: usize = 60;

/// The longest log line that is kept, in characters.
const LINE_MAX: usize = 4_000;

/// The longest of its fields, in characters.
const FIELD_MAX: usize = 1_000;

/// Where a message is, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum MessageStage {
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
pub(crate) struct ShownMessage {
    pub(crate) sequence: u64,
    pub(crate) message_id: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) stage: MessageStage,
    pub(super) changed: String,
    enqueued_time: String,
    delivery_count: u32,
    contents: String,
    pub(super) mail: Option<u64>,
    pub(super) reason: Option<String>,
    /// How the uploads of the newest delivery were answered.
    uploads: Vec<String>,
    #[serde(skip)]
    details: MessageDetails,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageDetails {
    expires_at: String,
    properties: Properties,
    body: ShownBody,
    requests: Requests,
    deliveries: Newest<EndedDelivery>,
    log: Newest<LogLine>,
}

impl ShownMessage {
    pub(super) fn new(accepted: &Accepted, now: OffsetDateTime) -> Self {
        let properties = accepted.message.properties.clone();
        Self {
            sequence: accepted.sequence,
            message_id: properties.message_id.clone(),
            session_id: properties.session_id.clone(),
            stage: MessageStage::Waiting,
            changed: timestamp(now),
            enqueued_time: timestamp(accepted.enqueued),
            delivery_count: 0,
            contents: contents(&accepted.message.body),
            mail: None,
            reason: None,
            uploads: Vec::new(),
            details: MessageDetails {
                expires_at: timestamp(accepted.expires),
                properties,
                body: ShownBody::from_bytes(&accepted.message.body),
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
            message: &'a ShownMessage,
            #[serde(flatten)]
            details: &'a MessageDetails,
        }
        Whole {
            message: self,
            details: &self.details,
        }
    }

    pub(super) fn locked(&mut self, delivery_count: u32) {
        self.stage = MessageStage::Delivering;
        self.delivery_count = delivery_count;
        self.uploads.clear();
    }

    /// The function's log may have told more already.
    pub(super) fn completed(&mut self) {
        if matches!(self.stage, MessageStage::Waiting | MessageStage::Delivering) {
            self.stage = self.outcome().unwrap_or(MessageStage::Completed);
        }
    }

    pub(super) fn dead_lettered(&mut self, reason: String) {
        self.stage = MessageStage::DeadLettered;
        self.reason = Some(reason);
    }

    pub(super) fn delivered(&mut self, delivered: &Delivered) {
        self.details
            .deliveries
            .push(EndedDelivery::from_event(delivered));
    }

    pub(super) fn log_line(&mut self, line: LogLine) {
        let outcome = line.outcome().map(str::to_owned);
        let reason = line.reason().map(str::to_owned);
        self.details.log.push(line);
        if outcome.is_some() && reason.is_some() {
            self.reason = reason;
        }
        if self.stage == MessageStage::Completed {
            self.stage = self.outcome().unwrap_or(MessageStage::Completed);
        }
    }

    /// What the function says it did in the newest delivery.
    fn outcome(&self) -> Option<MessageStage> {
        let mut lines = self.details.log.iter().rev();
        let of_this = lines.find(|line| line.is_of(self.delivery_count))?;
        match of_this.outcome()? {
            "stored" => Some(MessageStage::Stored),
            "superseded" => Some(MessageStage::Superseded),
            "handed over" => Some(MessageStage::HandedOver),
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

/// The newest requests, oldest first.
#[derive(Debug, Clone, Default, Serialize)]
struct Requests(Newest<SeenRequest>);

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct SeenRequest {
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

impl Requests {
    /// A request arrived in this delivery, or came to its end.
    fn seen(&mut self, seen: &Seen, delivery: u32) {
        let answer = match seen.moment {
            Moment::Arrived => return self.0.push(SeenRequest::arrived(seen, delivery)),
            Moment::Answered(status) => status.as_u16().to_string(),
            Moment::Unanswered => "no answer".to_owned(),
        };
        let mut newest_first = self.0.iter_mut().rev();
        if let Some(request) = newest_first.find(|request| request.number == seen.number) {
            request.answer = Some(answer);
            request.answered_at = Some(timestamp(seen.at));
        }
    }

    /// The answers to the uploads of this delivery.
    fn uploads(&self, delivery: u32) -> Vec<String> {
        let of_this = self.0.iter().filter(|it| it.delivery == delivery);
        let uploads = of_this.filter(|request| request.method == "PUT");
        uploads
            .map(|upload| upload.answer.clone().unwrap_or_else(|| "…".to_owned()))
            .collect()
    }

    /// Whether a request of this delivery, which is the newest, went there.
    fn went_to(&self, path: &str, delivery: u32) -> bool {
        let newest_first = self.0.iter().rev();
        let mut of_this = newest_first.take_while(|request| request.delivery == delivery);
        of_this.any(|request| request.path == path || request.path.starts_with(&format!("{path}/")))
    }
}

impl SeenRequest {
    fn arrived(seen: &Seen, delivery: u32) -> Self {
        Self {
            number: seen.number,
            delivery,
            method: seen.method.to_string(),
            path: seen.path.clone(),
            at: timestamp(seen.at),
            answer: None,
            answered_at: None,
        }
    }
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct EndedDelivery {
    number: u32,
    ended: String,
    took_ms: f64,
}

impl EndedDelivery {
    fn from_event(delivered: &Delivered) -> Self {
        Self {
            number: delivered.delivery_count,
            ended: ended(&delivered.outcome),
            took_ms: (delivered.took.as_secs_f64() * 1e4).round() / 10.0,
        }
    }
}

fn ended(outcome: &DeliveryOutcome) -> String {
    match outcome {
        DeliveryOutcome::Completed { status, logs } if logs.is_empty() => {
            format!("completed ({status})")
        }
        DeliveryOutcome::Completed { logs, .. } => logs.join("; "),
        DeliveryOutcome::Abandoned { why, last: false } => {
            format!("abandoned ({why}): it comes again")
        }
        DeliveryOutcome::Abandoned { why, last: true } => {
            format!("abandoned ({why}), for the last time")
        }
        DeliveryOutcome::LockLost => "the lock was lost: it comes again".to_owned(),
    }
}

/// A line of the handler.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogLine {
    at: String,
    level: &'static str,
    text: String,
    #[serde(skip)]
    said: LineFields,
}

/// What it says of its message: the rest of its fields is not kept.
#[derive(Debug, Clone, Default)]
struct LineFields {
    sequence: Option<u64>,
    delivery_count: Option<u64>,
    session: Option<String>,
    outcome: Option<String>,
    reason: Option<String>,
}

impl LineFields {
    fn read(line: &str) -> Self {
        let fields: Map<String, Value> = serde_json::from_str(line).unwrap_or_default();
        let number = |name: &str| fields.get(name).and_then(Value::as_u64);
        let text = |name: &str| Some(cut(fields.get(name)?.as_str()?, FIELD_MAX));
        Self {
            sequence: number("sequence_number"),
            delivery_count: number("delivery_count"),
            session: text("session"),
            outcome: text("outcome"),
            reason: text("reason"),
        }
    }
}

impl LogLine {
    /// Reads a line; one that is no JSON object says nothing of a message.
    pub(super) fn read(level: Level, text: &str, now: OffsetDateTime) -> Self {
        Self {
            at: timestamp(now),
            level: level_name(level),
            text: cut(text, LINE_MAX),
            said: LineFields::read(text),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn sequence(&self) -> Option<u64> {
        self.said.sequence
    }

    pub(super) fn session(&self) -> Option<&str> {
        self.said.session.as_deref()
    }

    pub(super) fn outcome(&self) -> Option<&str> {
        self.said.outcome.as_deref()
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.said.reason.as_deref()
    }

    /// Whether it ends that delivery.
    pub(super) fn is_of(&self, delivery_count: u32) -> bool {
        let count = self.said.delivery_count;
        self.outcome().is_some() && count.is_none_or(|count| count == u64::from(delivery_count))
    }
}

/// The newest of many, oldest first.
#[derive(Debug, Clone, Serialize)]
struct Newest<T>(VecDeque<T>);

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Newest<T> {
    fn push(&mut self, one: T) {
        if self.0.len() == DETAILS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(one);
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.0.iter()
    }

    fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.0.iter_mut()
    }
}
