//! Who hears that something happened: receivers that wait, those who follow every transition, and a person.

use std::sync::OnceLock;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{broadcast, watch};

use super::transition::Transition;

/// More than a test or a screen ever lags behind.
const TRANSITIONS_KEPT: usize = 16 * 1024;

/// Tells what happens in one queue.
#[derive(Debug)]
pub(super) struct News {
    // Marked at every transition, also a hand-out: a receiver that waits must learn when that lock would end.
    changed: watch::Sender<()>,
    transitions: broadcast::Sender<Transition>,
    troubles: OnceLock<UnboundedSender<String>>,
}

impl News {
    pub(super) fn new() -> Self {
        Self {
            changed: watch::Sender::new(()),
            transitions: broadcast::Sender::new(TRANSITIONS_KEPT),
            troubles: OnceLock::new(),
        }
    }

    /// Wakes at every change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Wakes those who wait for a change.
    pub(super) fn wake(&self) {
        self.changed.send_replace(());
    }

    /// Every transition from now on, in order.
    pub(super) fn transitions(&self) -> broadcast::Receiver<Transition> {
        self.transitions.subscribe()
    }

    /// Tells these to those who follow, and wakes nobody yet.
    pub(super) fn tell(&self, transitions: Vec<Transition>) {
        for transition in transitions {
            // An error means that nobody listens.
            self.transitions.send(transition).ok();
        }
    }

    /// Where troubles go; the first caller's place counts.
    pub(super) fn tell_troubles_to(&self, place: UnboundedSender<String>) {
        self.troubles.set(place).ok();
    }

    /// Tells a person.
    pub(super) fn tell_trouble(&self, trouble: String) {
        if let Some(place) = self.troubles.get() {
            // Nobody listens any more when the stack is going down.
            place.send(trouble).ok();
        }
    }
}
