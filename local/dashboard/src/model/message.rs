//! One message, from the queue to its end, with what `details` keeps of its way.

use bus::{Accepted, DeadLetter, Peeked, Properties};
use bytes::Bytes;
use host::Delivered;
use serde::Serialize;
use stand_in::Seen;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::details::MessageDetails;
use super::log::{LogLine, NextStep};
use crate::text::{ShownBody, Timestamp, contents, serialize_contents};

/// Of the storefront's messages.
const SHOP_LABEL: &str = "CartUpdated";

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

impl MessageStage {
    pub(crate) fn is_settled(self) -> bool {
        matches!(
            self,
            Self::Stored | Self::Superseded | Self::HandedOver | Self::Completed | Self::Redriven
        )
    }
}

/// A message with everything that is known of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShownMessage {
    pub(crate) sequence: u64,
    pub(crate) message_id: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) stage: MessageStage,
    pub(super) changed: Timestamp,
    #[serde(rename = "enqueuedTime")]
    enqueued: Timestamp,
    pub(super) delivery_count: u32,
    #[serde(rename = "contents", serialize_with = "serialize_contents")]
    body: Bytes,
    /// That the publisher has told.
    pub(crate) trace_id: Option<String>,
    /// When the shopper clicked, of a message of the storefront.
    clicked_time: Option<Timestamp>,
    pub(super) mail: Option<u64>,
    pub(super) reason: Option<String>,
    /// How the uploads of the newest delivery were answered.
    uploads: Vec<String>,
    /// What the function waits for, as long as it waits.
    next: Option<NextStep>,
    /// From the queue's acceptance to the end, or to the storage's.
    took_ms: Option<f64>,
    /// Whether that is for good: it was told when the order was stored.
    #[serde(skip)]
    is_timed: bool,
    #[serde(skip)]
    expires: OffsetDateTime,
    #[serde(skip)]
    properties: Properties,
    #[serde(skip)]
    details: MessageDetails,
}

impl ShownMessage {
    pub(super) fn new(accepted: &Accepted, now: OffsetDateTime) -> Self {
        let properties = accepted.message.properties.clone();
        Self {
            sequence: accepted.sequence,
            message_id: properties.message_id.clone(),
            session_id: properties.session_id.clone(),
            stage: MessageStage::Waiting,
            changed: Timestamp(now),
            enqueued: Timestamp(accepted.enqueued),
            delivery_count: 0,
            // It may be a part of a connection's buffer, and would keep the whole of that.
            body: Bytes::copy_from_slice(&accepted.message.body),
            trace_id: trace_id(&properties),
            clicked_time: clicked(&properties, accepted.enqueued).map(Timestamp),
            mail: None,
            reason: None,
            uploads: Vec::new(),
            next: None,
            took_ms: None,
            is_timed: false,
            expires: accepted.expires,
            properties,
            details: MessageDetails::default(),
        }
    }

    /// One that waits, or is handed out, and was not heard of before.
    pub(crate) fn found(peeked: &Peeked, now: OffsetDateTime) -> Self {
        let mut message = Self::new(&peeked.accepted, now);
        message.delivery_count = peeked.delivery_count;
        if peeked.locked_until.is_some() {
            message.locked(peeked.delivery_count, now);
        }
        message
    }

    /// A dead letter that was not heard of before.
    pub(crate) fn found_dead(letter: &DeadLetter) -> Self {
        let mut message = Self::new(&letter.accepted, letter.at);
        message.delivery_count = letter.delivery_count;
        message.dead_lettered(letter.reason.to_string(), letter.at);
        message
    }

    /// Everything, for who opens it.
    pub(crate) fn whole(&self) -> impl Serialize + '_ {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Whole<'a> {
            #[serde(flatten)]
            message: &'a ShownMessage,
            expires_at: Timestamp,
            properties: &'a Properties,
            body: ShownBody,
            #[serde(flatten)]
            details: &'a MessageDetails,
        }
        Whole {
            message: self,
            expires_at: Timestamp(self.expires),
            properties: &self.properties,
            body: ShownBody::from_bytes(&self.body),
            details: &self.details,
        }
    }

    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    pub(super) fn body_length(&self) -> usize {
        self.body.len()
    }

    pub(super) fn locked(&mut self, delivery_count: u32, now: OffsetDateTime) {
        self.stage = MessageStage::Delivering;
        self.delivery_count = delivery_count;
        self.uploads.clear();
        self.next = None;
        self.details.delivery_begins(delivery_count, now);
    }

    /// Given back, or its lock ended.
    pub(super) fn released(&mut self, now: OffsetDateTime) {
        self.stage = MessageStage::Waiting;
        self.next = None;
        self.details.delivery_ends(now);
    }

    /// The function's log may have told more already.
    pub(super) fn completed(&mut self, now: OffsetDateTime) {
        if matches!(self.stage, MessageStage::Waiting | MessageStage::Delivering) {
            self.stage = self.outcome().unwrap_or(MessageStage::Completed);
        }
        self.next = None;
        self.ends(now);
        self.details.delivery_ends(now);
    }

    pub(super) fn dead_lettered(&mut self, reason: String, at: OffsetDateTime) {
        self.stage = MessageStage::DeadLettered;
        self.reason = Some(reason);
        self.next = None;
        self.details.delivery_ends(at);
    }

    pub(super) fn redriven(&mut self, now: OffsetDateTime) {
        self.stage = MessageStage::Redriven;
        self.ends(now);
    }

    /// The first end counts: what the storage took is stored, whenever the queue hears of it.
    fn ends(&mut self, at: OffsetDateTime) {
        if self.took_ms.is_none() {
            self.takes(at);
        }
    }

    fn takes(&mut self, at: OffsetDateTime) -> Duration {
        let took = (at - self.enqueued.0).max(Duration::ZERO);
        self.took_ms = Some((took.as_seconds_f64() * 1e4).round() / 10.0);
        took
    }

    /// The storage took it; how long after the queue, the first time. Among many the wire may be
    /// told of after the queue's end of it. Nothing of a dead letter, whose time was a person's.
    pub(super) fn stored(&mut self, at: OffsetDateTime) -> Option<Duration> {
        // What was mailed had its end then: a write that was applied late is none.
        let is_over = self.stage == MessageStage::HandedOver;
        if is_over || std::mem::replace(&mut self.is_timed, true) {
            return None;
        }
        let took = self.takes(at);
        let was_a_letter = matches!(
            self.stage,
            MessageStage::DeadLettered | MessageStage::Redriven
        );
        (!was_a_letter).then_some(took)
    }

    /// The time to its end, when nobody saw the storage take it: that is elsewhere.
    pub(super) fn took_elsewhere(&mut self) -> Option<Duration> {
        let is_unseen = !self.is_timed && self.details.requests.is_empty();
        let took = self.took_ms.filter(|_| is_unseen)?;
        self.is_timed = true;
        Some(Duration::seconds_f64(took / 1e3))
    }

    pub(super) fn delivered(&mut self, delivered: &Delivered, now: OffsetDateTime) {
        let is_of_this = |line: &&LogLine| line.is_of(delivered.delivery_count);
        let of_this = self.details.log.iter().rfind(is_of_this);
        let record = of_this.and_then(|line| line.said.record.clone());
        self.details.delivered(delivered, record, now);
    }

    pub(super) fn log_line(&mut self, line: LogLine) {
        let outcome = line.outcome().is_some();
        let reason = line.said.reason.clone();
        if let Some(next) = &line.said.next {
            let mut next = next.clone();
            // One that names no delivery is of the one under way.
            if next.delivery == 0 {
                next.delivery = self.delivery_count;
            }
            self.details.steps.push(next.clone());
            if self.stage == MessageStage::Delivering && next.delivery == self.delivery_count {
                self.next = Some(next);
            }
        }
        self.details.log.push(line);
        if outcome && reason.is_some() {
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
        stage_of(of_this.outcome()?)
    }

    /// Whether the function said already how the newest delivery ended.
    pub(super) fn has_ended(&self) -> bool {
        self.outcome().is_some()
    }

    pub(super) fn request(&mut self, seen: &Seen) {
        self.next = None;
        let requests = &mut self.details.requests;
        requests.seen(seen, self.delivery_count);
        self.uploads = requests.uploads(self.delivery_count);
    }

    /// Whether a request of the newest delivery went there.
    pub(super) fn has_requested(&self, path: &str) -> bool {
        self.details.requests.went_to(path, self.delivery_count)
    }

    /// Whether that upload came after the container was made for it.
    pub(super) fn made_the_container_before(&self, number: u64) -> bool {
        self.details.requests.made_the_container_before(number)
    }

    /// Whether a person who looks for `text` means it: by its number, its session, its id, its
    /// trace or what it holds.
    pub(crate) fn is_meant_by(&self, text: &str) -> bool {
        let names = [&self.session_id, &self.message_id, &self.trace_id];
        let names = names.map(Option::as_deref);
        is_meant(text, self.sequence, names, &contents(&self.body))
    }
}

/// The same of a dead letter.
pub(crate) fn is_letter_meant(text: &str, letter: &DeadLetter) -> bool {
    let Accepted {
        sequence, message, ..
    } = &letter.accepted;
    let properties = &message.properties;
    let trace = trace_id(properties);
    let (session, id) = (&properties.session_id, &properties.message_id);
    let names = [session, id, &trace].map(Option::as_deref);
    is_meant(text, *sequence, names, &contents(&message.body))
}

fn is_meant(text: &str, sequence: u64, names: [Option<&str>; 3], contents: &str) -> bool {
    let text = text.to_lowercase();
    if let Some(number) = text.strip_prefix('#') {
        return sequence.to_string() == number;
    }
    let mut all = names.into_iter().flatten().chain([contents]);
    sequence.to_string() == text || all.any(|name| name.to_lowercase().contains(&text))
}

/// The stage that the function's word for an outcome means.
pub(super) fn stage_of(outcome: &str) -> Option<MessageStage> {
    match outcome {
        "stored" => Some(MessageStage::Stored),
        "superseded" => Some(MessageStage::Superseded),
        "handed over" => Some(MessageStage::HandedOver),
        _ => None,
    }
}

/// The trace id of a W3C trace context, under the names that publishers have for it.
fn trace_id(properties: &Properties) -> Option<String> {
    // Sent over REST it is the name of a header, which has lost its case.
    let named = |name: &str| {
        let mut all = properties.application.iter();
        let (_, value) = all.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        value.as_str()
    };
    let all = [
        named("Diagnostic-Id"),
        named("traceparent"),
        properties.correlation_id.as_deref(),
    ];
    all.into_iter().flatten().find_map(|context| {
        let id = context.split('-').nth(1)?;
        let is_hex = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| id.to_owned())
    })
}

/// When the click was taken that a message of the storefront comes from. It is in the message's id:
/// the storefront makes one at the click, a UUID of version 7, which begins with the time (RFC
/// 9562, 5.7), and keeps it however long the bus is away. Of others such an id says when it was
/// made, which is no click.
fn clicked(properties: &Properties, accepted: OffsetDateTime) -> Option<OffsetDateTime> {
    properties
        .label
        .as_deref()
        .filter(|label| *label == SHOP_LABEL)?;
    let id = Uuid::parse_str(properties.message_id.as_deref()?).ok()?;
    let id = Some(id).filter(|id| id.get_version_num() == 7)?;
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    let seconds = OffsetDateTime::from_unix_timestamp(seconds.try_into().ok()?).ok()?;
    let clicked = seconds + Duration::nanoseconds(nanoseconds.into());
    // A clock that is ahead of ours tells nothing that could be drawn.
    (clicked <= accepted).then_some(clicked)
}
