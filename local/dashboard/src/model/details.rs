//! What is kept of a message's way: its newest deliveries, requests, steps and log lines.

use std::collections::VecDeque;

use host::{Delivered, DeliveryOutcome};
use serde::Serialize;
use stand_in::{Method, Moment, Seen};
use time::OffsetDateTime;

use super::log::{LogLine, NextStep};
use crate::text::Timestamp;

/// Of each: the newest.
const DETAILS_MAX: usize = 60;

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageDetails {
    pub(super) requests: Requests,
    deliveries: Newest<ShownDelivery>,
    /// What the handler said that it was about to do.
    pub(super) steps: Newest<NextStep>,
    pub(super) log: Newest<LogLine>,
}

/// One delivery, from its lock to its end.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownDelivery {
    number: u32,
    at: Timestamp,
    /// `None` as long as the function has it.
    ended_at: Option<Timestamp>,
    /// The host's word on it.
    ended: Option<String>,
    took_ms: Option<f64>,
}

impl MessageDetails {
    pub(super) fn delivery_begins(&mut self, number: u32, now: OffsetDateTime) {
        self.deliveries.push(ShownDelivery {
            number,
            at: Timestamp(now),
            ended_at: None,
            ended: None,
            took_ms: None,
        });
    }

    /// The queue has it back, or has settled it.
    pub(super) fn delivery_ends(&mut self, now: OffsetDateTime) {
        let newest = self.deliveries.iter_mut().next_back();
        if let Some(delivery) = newest.filter(|delivery| delivery.ended_at.is_none()) {
            delivery.ended_at = Some(Timestamp(now));
        }
    }

    /// The host's word, which may come after the queue's. Of a lock that was lost it comes when
    /// the function is done, and the message may be with it again.
    /// Of a batch the answer's `record` of the message is apart.
    pub(super) fn delivered(
        &mut self,
        delivered: &Delivered,
        record: Option<String>,
        now: OffsetDateTime,
    ) {
        let number = delivered.delivery_count;
        let known = |delivery: &&mut ShownDelivery| delivery.number == number;
        if !self.deliveries.iter().any(|it| it.number == number) {
            self.delivery_begins(number, now - delivered.took);
        }
        if let Some(delivery) = self.deliveries.iter_mut().rev().find(known) {
            delivery.ended = Some(ended(&delivered.outcome, record));
            delivery.took_ms = Some((delivered.took.as_secs_f64() * 1e4).round() / 10.0);
            delivery.ended_at.get_or_insert(Timestamp(now));
        }
    }
}

fn ended(outcome: &DeliveryOutcome, record: Option<String>) -> String {
    match outcome {
        DeliveryOutcome::Completed { status, logs } if logs.is_empty() => {
            record.unwrap_or_else(|| format!("completed ({status})"))
        }
        DeliveryOutcome::Completed { logs, .. } => logs.join("; "),
        DeliveryOutcome::Abandoned { why, last: false } => {
            format!("abandoned ({why}): it comes again")
        }
        DeliveryOutcome::Abandoned { why, last: true } => {
            format!("abandoned ({why}), for the last time")
        }
        DeliveryOutcome::LockLost => "the lock was lost: it comes again".to_owned(),
        DeliveryOutcome::Released => "given back by a host that gave up, uncounted".to_owned(),
        DeliveryOutcome::LeftLocked => "not done when the host stopped: it comes again".to_owned(),
    }
}

/// What a request to the storage is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestKind {
    Upload,
    /// The container is made.
    Creation,
    Other,
}

impl RequestKind {
    /// `/{account}/{container}/{blob}` is a blob, and `/{account}/{container}` a container.
    pub(super) fn of(method: &Method, path: &str) -> Self {
        match (method, path.matches('/').count()) {
            (&Method::PUT, 3..) => Self::Upload,
            (&Method::PUT, 2) => Self::Creation,
            _ => Self::Other,
        }
    }
}

/// The newest requests, oldest first.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Requests(Newest<SeenRequest>);

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct SeenRequest {
    #[serde(skip)]
    number: u64,
    #[serde(skip)]
    kind: RequestKind,
    delivery: u32,
    method: String,
    path: String,
    at: Timestamp,
    /// `None` as long as it is open.
    answer: Option<String>,
    answered_at: Option<Timestamp>,
}

impl Requests {
    /// A request arrived in this delivery, or came to its end.
    pub(super) fn seen(&mut self, seen: &Seen, delivery: u32) {
        let answer = match seen.moment {
            Moment::Arrived => return self.0.push(SeenRequest::arrived(seen, delivery)),
            Moment::Answered(status) => status.as_u16().to_string(),
            Moment::Unanswered => "no answer".to_owned(),
        };
        let mut newest_first = self.0.iter_mut().rev();
        if let Some(request) = newest_first.find(|request| request.number == seen.number) {
            request.answer = Some(answer);
            request.answered_at = Some(Timestamp(seen.at));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().next().is_none()
    }

    /// The answers to the uploads of this delivery. One that found no container, and after which
    /// the container was made, is the beginning of the one that follows.
    pub(super) fn uploads(&self, delivery: u32) -> Vec<String> {
        let mut uploads: Vec<&SeenRequest> = Vec::new();
        for request in self.0.iter().filter(|it| it.delivery == delivery) {
            match request.kind {
                RequestKind::Upload => uploads.push(request),
                RequestKind::Creation => {
                    uploads.pop_if(|upload| upload.answer.as_deref() == Some("404"));
                }
                RequestKind::Other => {}
            }
        }
        let answer = |upload: &SeenRequest| upload.answer.clone();
        let answers = uploads.into_iter().map(answer);
        answers
            .map(|answer| answer.unwrap_or_else(|| "…".to_owned()))
            .collect()
    }

    /// Whether a request of this delivery, which is the newest, went there.
    pub(super) fn went_to(&self, path: &str, delivery: u32) -> bool {
        let newest_first = self.0.iter().rev();
        let mut of_this = newest_first.take_while(|request| request.delivery == delivery);
        of_this.any(|request| request.path == path || request.path.starts_with(&format!("{path}/")))
    }

    /// Whether the request before that one made the container.
    pub(super) fn made_the_container_before(&self, number: u64) -> bool {
        let mut newest_first = self.0.iter().rev();
        let found = newest_first.find(|request| request.number == number);
        let before = newest_first.next();
        found.is_some() && before.is_some_and(|before| before.kind == RequestKind::Creation)
    }
}

impl SeenRequest {
    fn arrived(seen: &Seen, delivery: u32) -> Self {
        Self {
            number: seen.number,
            kind: RequestKind::of(&seen.method, &seen.path),
            delivery,
            method: seen.method.to_string(),
            path: seen.path.clone(),
            at: Timestamp(seen.at),
            answer: None,
            answered_at: None,
        }
    }
}

/// The newest of many, oldest first.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Newest<T>(VecDeque<T>);

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Newest<T> {
    pub(super) fn push(&mut self, one: T) {
        if self.0.len() == DETAILS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(one);
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.0.iter()
    }

    fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.0.iter_mut()
    }
}
