//! What a run has shown: figures, and the verdict in one line.
//!
//! One report for every kind of run. Some have sections that others lack: [`Clicks`] of shoppers,
//! [`FaultCounts`] of what was switched from outside, and the [`Figures`] of a chaos run, which has
//! the instances in its own process.

mod latency;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::Serialize;

use crate::evidence::{Evidence, Fate, blob_name};
use crate::injector::FaultCounts;
use crate::judge::{Fates, PoisonFates, Verdict, Violation};
use crate::{LoadError, Pace, Plan};
pub use latency::Latency;

/// How a run went, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Conclusion {
    /// Everything is accounted for, no blob went back, and no poison was stored.
    Kept,
    /// So it is, but not all messages that were asked for could be sent, or some still wait.
    Incomplete,
    /// The promise was broken, or nothing was accepted, which proves nothing.
    Broken,
}

/// What a run knows of itself: what was asked for, and how long it took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ran {
    pub seed: u64,
    /// Carts asked for a second; none at the highest rate.
    pub rate: Option<f64>,
    /// Sessions or shoppers.
    pub sessions: usize,
    /// Messages that were due.
    pub due: u64,
    /// Of them, those that a newer one replaced before they were sent.
    pub replaced: u64,
    /// The time of sending.
    pub took: Duration,
    /// The time until the queue was at rest.
    pub settled: Duration,
    /// What went wrong on purpose, switched from outside.
    pub faults: Option<FaultCounts>,
    /// How often the stack began anew.
    pub restarts: usize,
    /// Whether the queue was at rest at the end.
    pub quiet: bool,
}

impl Ran {
    pub(crate) fn planned(plan: &Plan) -> Self {
        Self {
            seed: plan.seed,
            rate: match plan.pace {
                Pace::Rate(rate) => Some(rate),
                Pace::Max => None,
            },
            sessions: plan.carts,
            ..Self::default()
        }
    }
}

/// A run from its seed to its verdict.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub verdict: Conclusion,
    /// Whether the promise was kept, be the run complete or not.
    pub kept: bool,
    /// `--seed` for the same messages and the same faults again.
    pub seed: u64,
    /// The command that does it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
    /// Carts asked for a second; none at the highest rate.
    pub rate: Option<f64>,
    /// Sessions or shoppers.
    pub sessions: usize,
    /// What was sent.
    pub messages: Messages,
    /// Clicks in the storefront, when it was driven.
    pub clicks: Option<Clicks>,
    /// Where the accepted carts are.
    pub fates: Fates,
    /// Writes of their blobs.
    pub writes: usize,
    /// Blobs of sessions that are not of this run, and changed meanwhile: noted, not judged.
    pub foreign: usize,
    /// E-mails about them, also where a later cart was stored afterwards.
    pub mails: usize,
    /// Seconds in which messages were sent.
    pub seconds: f64,
    /// Seconds until the queue was at rest.
    pub settled_seconds: f64,
    /// Accepted messages, or confirmed clicks, a second while they were sent.
    pub throughput: f64,
    /// Carts stored, or made needless by a later one, a second: from the first that was due to the
    /// last write. What the stack does; while `throughput` is what its queue takes. Not of clicks.
    pub stored_throughput: f64,
    /// From the moment a cart was due until the queue had accepted it. Of shoppers, each session's
    /// last change until the page had confirmed it, where it was stored: what every click took is
    /// with the [`Clicks`].
    pub to_accepted: Latency,
    /// From the moment a cart was due until it was accepted and its session's blob held it or a
    /// later one. Of shoppers, of the very changes that are in `to_accepted`.
    pub to_stored: Latency,
    /// What went wrong on purpose, when it was switched from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<FaultCounts>,
    /// How often the stack began anew.
    pub restarts: usize,
    /// What only those can count who have the instances in hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
    /// Whether the queue was at rest at the end.
    pub quiet: bool,
    /// Every breach of the promise, as the judge found it.
    pub violations: Vec<Violation>,
    /// What else is wrong.
    pub problems: Vec<String>,
}

/// Messages by what the queue said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Messages {
    /// Messages that were due.
    pub due: u64,
    /// Of them, those that a newer one replaced before they were sent.
    pub replaced: u64,
    /// Those whose sending has come to an end.
    pub sent: usize,
    /// 201.
    pub accepted: usize,
    /// No.
    pub refused: usize,
    /// The answer never came.
    pub maybe: usize,
    /// Sent more than once.
    pub retried: usize,
    /// Accepted after a try without a clear answer: the queue may have had them twice.
    pub duplicates: usize,
}

/// Clicks by what the page said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Clicks {
    /// All of them.
    pub clicks: u64,
    /// Those that changed a cart.
    pub confirmed: u64,
    /// Those that changed nothing, as the rules of the cart have it.
    pub without_effect: u64,
    /// Those turned away, or without an answer.
    pub failed: u64,
    /// Those whose connection was closed as soon as they were sent; they may be done or not.
    pub aborted: u64,
    /// Those that were made twice at once.
    pub doubled: u64,
    /// Pages that were believed, because more was possible than the judge tells apart.
    pub believed: u64,
    /// Sessions whose cart nobody could look at in the end: it is not judged.
    pub unsure: usize,
    /// From the moment a click was due until the page had confirmed it.
    pub to_confirmed: Latency,
}

/// The figures of a chaos run.
#[derive(Debug, Clone, Default, Serialize)]
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
    /// How often what was injected, by its name.
    #[serde(rename = "blows")]
    pub injected: BTreeMap<&'static str, u32>,
    /// Counts that may be too low, by how much at the most.
    pub missed: BTreeMap<&'static str, u64>,
    /// Where the accepted carts are.
    pub fates: Fates,
    /// Where the accepted poison is.
    pub poison: PoisonFates,
}

impl Figures {
    /// What evidence and verdict say; the rest is for those who counted it.
    #[must_use]
    pub fn new(evidence: &Evidence, verdict: &Verdict) -> Self {
        let sessions = evidence.sent.iter().map(|sent| sent.session.as_str());
        Self {
            accepted: evidence.accepted().count(),
            poison_accepted: evidence.accepted().filter(|sent| sent.is_poison()).count(),
            sessions: sessions.collect::<HashSet<_>>().len(),
            writes: writes(evidence),
            dead_letters: evidence.dead.len(),
            fates: verdict.fates,
            poison: verdict.poison,
            ..Self::default()
        }
    }
}

impl Report {
    /// Of messages that went to the queue's door.
    #[must_use]
    pub fn new(ran: Ran, evidence: &Evidence, verdict: Verdict) -> Self {
        let messages = Messages::count(evidence, &ran);
        let accepted = u64::try_from(messages.accepted).unwrap_or(u64::MAX);
        Self {
            messages,
            writes: writes(evidence),
            mails: mails(evidence),
            to_accepted: latency::to_accepted(evidence),
            to_stored: latency::to_stored(evidence),
            stored_throughput: latency::stored_throughput(evidence),
            ..Self::without_messages(ran, accepted, verdict)
        }
        .concluded()
    }

    /// Of clicks in the storefront.
    pub(crate) fn of_shoppers(ran: Ran, clicks: Clicks, verdict: Verdict) -> Self {
        Self {
            clicks: Some(clicks),
            ..Self::without_messages(ran, clicks.confirmed, verdict)
        }
        .concluded()
    }

    /// With the section of a chaos run: its figures, what else is wrong, and how to do it again.
    #[must_use]
    pub fn with_figures(self, figures: Figures, problems: Vec<String>, replay: String) -> Self {
        Self {
            figures: Some(figures),
            problems,
            replay: Some(replay),
            ..self
        }
        .concluded()
    }

    fn without_messages(ran: Ran, accepted: u64, verdict: Verdict) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let throughput = accepted as f64 / ran.took.as_secs_f64().max(0.001);
        Self {
            verdict: Conclusion::Broken,
            kept: false,
            seed: ran.seed,
            replay: None,
            rate: ran.rate,
            sessions: ran.sessions,
            messages: Messages::default(),
            clicks: None,
            fates: verdict.fates,
            writes: 0,
            foreign: verdict.foreign.len(),
            mails: 0,
            seconds: ran.took.as_secs_f64(),
            settled_seconds: ran.settled.as_secs_f64(),
            throughput,
            stored_throughput: 0.0,
            to_accepted: Latency::default(),
            to_stored: Latency::default(),
            faults: ran.faults,
            restarts: ran.restarts,
            figures: None,
            quiet: ran.quiet,
            violations: verdict.violations,
            problems: Vec::new(),
        }
    }

    /// A chaos run is to send a number of messages, and may do so another time; any other run lasts
    /// as long as it lasts, and when nothing was accepted in it, nothing is proven.
    fn concluded(mut self) -> Self {
        let Messages { due, accepted, .. } = self.messages;
        let clicked = self.clicks.is_some_and(|clicks| clicks.confirmed > 0);
        let all_sent = u64::try_from(accepted).unwrap_or(u64::MAX) >= due;
        let broken = !self.violations.is_empty() || !self.problems.is_empty();
        self.verdict = match self.figures {
            _ if broken => Conclusion::Broken,
            Some(_) if self.quiet && all_sent => Conclusion::Kept,
            Some(_) => Conclusion::Incomplete,
            None if accepted > 0 || clicked => Conclusion::Kept,
            None => Conclusion::Broken,
        };
        self.kept = self.verdict != Conclusion::Broken;
        self
    }

    /// Writes `report.json` into the folder of `--out`.
    pub(crate) fn keep(&self, plan: &Plan) -> Result<(), LoadError> {
        let Some(folder) = &plan.out else {
            return Ok(());
        };
        let path = folder.join("report.json");
        let written =
            std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, self.json()));
        written.map_err(|source| LoadError::File {
            path: path.display().to_string(),
            source,
        })
    }

    /// For other tools.
    #[must_use]
    pub fn json(&self) -> String {
        // These types have no state that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl Messages {
    fn count(evidence: &Evidence, ran: &Ran) -> Self {
        let sent = &evidence.sent;
        let count = |is: fn(&Fate) -> bool| sent.iter().filter(|sent| is(&sent.fate)).count();
        Self {
            // After an interrupt nobody has counted.
            due: ran.due.max(u64::try_from(sent.len()).unwrap_or(u64::MAX)),
            replaced: ran.replaced,
            sent: sent.len(),
            accepted: evidence.accepted().count(),
            refused: count(|fate| matches!(fate, Fate::Refused(_))),
            maybe: count(|fate| *fate == Fate::Maybe),
            retried: sent.iter().filter(|sent| sent.tries > 1).count(),
            duplicates: evidence.accepted().filter(|sent| sent.unclear).count(),
        }
    }
}

/// Writes of the blobs of those who sent here.
fn writes(evidence: &Evidence) -> usize {
    let sent = evidence.sent.iter();
    let ours: HashSet<String> = sent.map(|sent| blob_name(&sent.session)).collect();
    let writes = evidence.writes.iter();
    writes.filter(|write| ours.contains(&write.name)).count()
}

/// E-mails about what was sent here; there may be older ones of other runs.
fn mails(evidence: &Evidence) -> usize {
    let sent = evidence.sent.iter();
    let ours: HashSet<&str> = sent.map(|sent| sent.message_id.as_str()).collect();
    let ids = evidence.mailed.iter().map(|mailed| &mailed.message_id);
    ids.filter(|id| id.as_deref().is_some_and(|id| ours.contains(id)))
        .count()
}
