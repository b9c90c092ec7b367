//! The requests of one message on the wire, and which delivery each belongs to.

use serde::Serialize;

use super::newest::Newest;
use crate::text::timestamp;
use stand_in::{Moment, Seen};

/// The newest requests, oldest first.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Requests(Newest<Request>);

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Request {
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
    pub(super) fn seen(&mut self, seen: &Seen, delivery: u32) {
        let answer = match seen.moment {
            Moment::Arrived => return self.0.push(Request::arrived(seen, delivery)),
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
    pub(super) fn uploads(&self, delivery: u32) -> Vec<String> {
        let of_this = self.0.iter().filter(|it| it.delivery == delivery);
        let uploads = of_this.filter(|request| request.method == "PUT");
        uploads
            .map(|upload| upload.answer.clone().unwrap_or_else(|| "…".to_owned()))
            .collect()
    }

    /// Whether a request of this delivery, which is the newest, went there.
    pub(super) fn went_to(&self, path: &str, delivery: u32) -> bool {
        let newest_first = self.0.iter().rev();
        let mut of_this = newest_first.take_while(|request| request.delivery == delivery);
        of_this.any(|request| request.path == path || request.path.starts_with(&format!("{path}/")))
    }
}

impl Request {
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
