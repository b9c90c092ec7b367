//! Counts of this run: messages by what became of them, and what happened on the way.

use serde::Serialize;

use super::message::MessageStage;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    /// Messages and dead letters that were there when the run began.
    pub(crate) found: u64,
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    pub(crate) stored: u64,
    pub(crate) superseded: u64,
    pub(crate) handed_over: u64,
    /// Settled, and nobody said how.
    pub(crate) completed: u64,
    /// Dead letters that came home.
    pub(crate) redriven: u64,
    /// Deliveries, not messages.
    pub(crate) given_back: u64,
    pub(crate) uploads: u64,
    pub(crate) uploads_failed: u64,
    pub(crate) handler_exits: u64,
}

impl Totals {
    /// A message is counted where it is now, and no longer where it was before.
    pub(super) fn moved(&mut self, from: MessageStage, to: MessageStage) {
        if from == to {
            return;
        }
        if let Some(count) = self.of(from) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.of(to) {
            *count += 1;
        }
    }

    /// The count of a stage at which a message stays.
    pub(super) fn of(&mut self, stage: MessageStage) -> Option<&mut u64> {
        match stage {
            MessageStage::Stored => Some(&mut self.stored),
            MessageStage::Superseded => Some(&mut self.superseded),
            MessageStage::HandedOver => Some(&mut self.handed_over),
            MessageStage::Completed => Some(&mut self.completed),
            MessageStage::Redriven => Some(&mut self.redriven),
            MessageStage::Waiting | MessageStage::Delivering | MessageStage::DeadLettered => None,
        }
    }
}
