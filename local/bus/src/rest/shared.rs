//! What every request meets: the queue it names, the check of its token, and hints for the
//! developer.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{HeaderMap, StatusCode, header};
use stand_in::{AccessKey, Clock};
use tokio::sync::mpsc::UnboundedSender;

use crate::faults::SenderFaults;
use crate::queue::Queue;
use crate::sas;

#[derive(Debug, Default)]
pub struct RestOptions {
    pub queues: Vec<Queue>,
    /// Checks signatures; without one every token is let in.
    pub key: Option<AccessKey>,
    /// Names and addresses of the other parts, shown at `/`.
    pub links: Vec<(String, String)>,
    /// Takes what a developer should read once, such as a property Azure would refuse.
    pub hints: Option<UnboundedSender<String>>,
    /// What is wrong for those who send.
    pub faults: SenderFaults,
}

/// What a request is refused with: a status, and the reason in words.
pub(super) type RestRefusal = (StatusCode, String);

#[derive(Debug)]
pub(super) struct RestShared {
    pub(super) options: RestOptions,
    pub(super) url: String,
    /// Not the queue's, which may run ahead of the senders' when the machine's clock was set back.
    clock: Clock,
    told_about_tokens: AtomicBool,
}

impl RestShared {
    pub(super) fn new(options: RestOptions, url: String) -> Self {
        Self {
            options,
            url,
            clock: Clock::new(),
            told_about_tokens: AtomicBool::new(false),
        }
    }

    /// The queue of that name, in any case.
    pub(super) fn queue(&self, name: &str) -> Result<&Queue, RestRefusal> {
        let queues = &self.options.queues;
        queues
            .iter()
            .find(|queue| queue.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                let known: Vec<&str> = queues.iter().map(Queue::name).collect();
                (
                    StatusCode::NOT_FOUND,
                    format!("no queue {name:?} here; there is: {}", known.join(", ")),
                )
            })
    }

    pub(super) fn authorize(&self, headers: &HeaderMap, queue: &Queue) -> Result<(), RestRefusal> {
        let Some(header) = headers.get(header::AUTHORIZATION) else {
            if !self.told_about_tokens.swap(true, Ordering::Relaxed) {
                self.hint(
                    "a request without an Authorization header is accepted here; Azure answers 401"
                        .to_owned(),
                );
            }
            return Ok(());
        };
        let Some(key) = &self.options.key else {
            return Ok(());
        };
        let text = String::from_utf8_lossy(header.as_bytes());
        sas::check(&text, key, queue.name(), self.clock.now())
            .map_err(|refused| (StatusCode::UNAUTHORIZED, refused.to_string()))
    }

    pub(super) fn hint(&self, text: String) {
        if let Some(hints) = &self.options.hints {
            // Nobody listens any more when the stack is going down.
            hints.send(text).ok();
        }
    }
}
