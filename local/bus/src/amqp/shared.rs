//! What every connection meets: the queues by their names, the key, and hints for the developer.

use std::sync::atomic::{AtomicBool, Ordering};

use fe2o3_amqp_types::definitions::AmqpError;
use stand_in::{AccessKey, Clock};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::refusal::AmqpRefusal;
use crate::faults::SenderFaults;
use crate::queue::Queue;

#[derive(Debug, Default)]
pub struct AmqpOptions {
    pub queues: Vec<Queue>,
    /// Checks tokens; without one every token is let in.
    pub key: Option<AccessKey>,
    /// Takes what a developer should read once, such as a client that speaks TLS.
    pub hints: Option<UnboundedSender<String>>,
    /// What is wrong for those who send.
    pub faults: SenderFaults,
}

#[derive(Debug)]
pub(super) struct AmqpShared {
    pub(super) options: AmqpOptions,
    told_about_tokens: AtomicBool,
    told_about_tls: AtomicBool,
}

impl AmqpShared {
    pub(super) fn new(options: AmqpOptions) -> Self {
        Self {
            options,
            told_about_tokens: AtomicBool::new(false),
            told_about_tls: AtomicBool::new(false),
        }
    }

    pub(super) fn queue(&self, name: &str) -> Option<&Queue> {
        let mut queues = self.options.queues.iter();
        queues.find(|queue| queue.name().eq_ignore_ascii_case(name))
    }

    /// Any clock of the stack will do: they are the same.
    pub(super) fn clock(&self) -> Clock {
        let queue = self.options.queues.first();
        queue.map_or_else(Clock::new, Queue::clock)
    }

    /// Wakes at every change of each queue.
    pub(super) fn changes(&self) -> Vec<watch::Receiver<()>> {
        self.options.queues.iter().map(Queue::changes).collect()
    }

    pub(super) fn no_such_queue(&self, name: &str) -> AmqpRefusal {
        let known: Vec<&str> = self.options.queues.iter().map(Queue::name).collect();
        let known = known.join(", ");
        let problem = format!("no queue {name:?} here; there is: {known}");
        AmqpRefusal::new(AmqpError::NotFound, problem)
    }

    pub(super) fn hint_about_tokens(&self) {
        self.hint_once(
            &self.told_about_tokens,
            "an AMQP sender without a token is accepted here; Azure refuses it",
        );
    }

    pub(super) fn hint_about_tls(&self) {
        self.hint_once(
            &self.told_about_tls,
            "a client speaks TLS to the queue, which has none: \
             a connection string needs UseDevelopmentEmulator=true, and a URL http://",
        );
    }

    fn hint_once(&self, told: &AtomicBool, text: &str) {
        if let Some(hints) = &self.options.hints
            && !told.swap(true, Ordering::Relaxed)
        {
            // Nobody listens any more when the stack is going down.
            hints.send(text.to_owned()).ok();
        }
    }
}
