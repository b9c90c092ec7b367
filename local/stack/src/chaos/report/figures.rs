//! How many of what.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::chaos::injector::Done;
use crate::chaos::verdict::Found;
use load::judge::{Fates, PoisonFates};

/// The figures.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Messages that the queue accepted.
    pub accepted: usize,
    /// Of them, those that are no orders.
    pub poison_accepted: usize,
    /// Sessions that sent them.
    pub sessions: usize,
    /// Hand-outs of messages.
    pub deliveries: u64,
    /// Of them, those after the first.
    pub redeliveries: u64,
    /// Requests that tried to write a blob.
    pub uploads: u64,
    /// Requests that asked for a blob's position.
    pub reads: u64,
    /// Writes that the storage accepted.
    pub writes: usize,
    /// Requests to the Logic App.
    pub fallback_calls: usize,
    /// Mails, each about another message.
    pub mails: usize,
    /// Handlers killed with SIGKILL.
    pub kills: u32,
    /// Of them, those in the middle of an upload.
    pub kills_in_upload: u32,
    /// Handlers started.
    pub starts: u64,
    /// Locks that ended while their message was being worked on.
    pub locks_lost: usize,
    /// Answers that came after that.
    pub late_answers: u64,
    /// Dead letters, those that were stored or mailed all the same included.
    pub dead_letters: usize,
    /// Of them, those that outages made.
    pub dead_in_outages: usize,
    /// How often what happened.
    pub blows: BTreeMap<&'static str, u32>,
    /// Counts that may be too low, by how much at the most.
    pub missed: BTreeMap<&'static str, u64>,
    /// Where the accepted carts are.
    pub fates: Fates,
    /// Where the accepted poison is.
    pub poison: PoisonFates,
}

impl Figures {
    pub(super) fn of(found: &Found, done: Done) -> Self {
        let (evidence, counted) = (&found.evidence, &found.counted);
        let sessions = evidence.sent.iter().map(|sent| sent.session.as_str());
        Self {
            accepted: evidence.accepted().count(),
            poison_accepted: evidence.accepted().filter(|sent| sent.is_poison()).count(),
            sessions: sessions.collect::<HashSet<_>>().len(),
            deliveries: counted.deliveries,
            redeliveries: counted.redeliveries,
            uploads: counted.uploads,
            reads: counted.reads,
            writes: evidence.writes.len(),
            fallback_calls: found.fallback_calls,
            mails: counted.mails.len(),
            kills: done.kills,
            kills_in_upload: done.kills_in_upload,
            starts: counted.starts,
            locks_lost: done.locks_lost,
            late_answers: counted.late_answers,
            dead_letters: evidence.dead.len(),
            dead_in_outages: done.dead_in_outages,
            blows: done.blows,
            missed: counted.missed.clone(),
            fates: found.verdict.fates,
            poison: found.verdict.poison,
        }
    }
}
