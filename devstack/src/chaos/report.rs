//! The figures of a run, and the verdict in one line.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::injector::Done;
use super::verdict::Found;
use crate::load::evidence::Fate;
use crate::load::judge::{Fates, Violation};

/// More breaches than that are counted, not shown.
const SHOWN: usize = 20;

/// What a run has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Every message is accounted for, and no blob went back.
    Kept,
    /// So it is, but not all messages could be sent, or some still wait.
    Incomplete,
    /// The promise was broken.
    Broken,
}

/// The figures.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Carts that the queue accepted.
    pub accepted: usize,
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
    /// How often what happened.
    pub blows: BTreeMap<&'static str, u32>,
    /// Counts that may be too low, by how much at the most.
    pub missed: BTreeMap<&'static str, u64>,
    /// Where the accepted carts are.
    pub fates: Fates,
}

/// A run from its seed to its verdict.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// `--seed` for the same carts and the same schedule again.
    pub seed: u64,
    /// What does it again.
    pub replay: String,
    /// Carts asked for.
    pub messages: usize,
    /// The figures.
    pub figures: Figures,
    /// Seconds of sending.
    pub seconds: f64,
    /// Seconds until the queue was at rest.
    pub settled_seconds: f64,
    /// Whether it came to rest.
    pub quiet: bool,
    /// Breaches of the promise, as the judge found them.
    pub violations: Vec<Violation>,
    /// What else is wrong.
    pub problems: Vec<String>,
}

impl Report {
    pub(super) fn of(found: Found, done: Done, sending: Duration, settled: Duration) -> Self {
        let Found {
            plan,
            evidence,
            verdict,
            counted,
            fallback_calls,
            problems,
            quiet,
        } = found;
        let sessions: HashSet<&str> = evidence
            .sent
            .iter()
            .map(|sent| sent.session.as_str())
            .collect();
        let sent = evidence.sent.iter();
        let accepted = sent.filter(|sent| sent.fate == Fate::Accepted).count();
        let figures = Figures {
            accepted,
            sessions: sessions.len(),
            deliveries: counted.deliveries,
            redeliveries: counted.redeliveries,
            uploads: counted.uploads,
            reads: counted.reads,
            writes: evidence.writes.len(),
            fallback_calls,
            mails: counted.mails.len(),
            kills: done.kills,
            kills_in_upload: done.kills_in_upload,
            starts: counted.starts,
            locks_lost: done.locks_lost,
            late_answers: counted.late_answers,
            dead_letters: evidence.dead.len(),
            blows: done.blows,
            missed: counted.missed,
            fates: verdict.fates,
        };
        let broken = !verdict.kept() || !problems.is_empty();
        let complete = quiet && accepted >= plan.messages;
        Self {
            verdict: match (broken, complete) {
                (true, _) => Verdict::Broken,
                (false, true) => Verdict::Kept,
                (false, false) => Verdict::Incomplete,
            },
            seed: plan.seed,
            replay: format!(
                "just chaos --seed {} --messages {} --sessions {} --limit {}",
                plan.seed,
                plan.messages,
                plan.sessions,
                humantime::format_duration(plan.limit)
                    .to_string()
                    .replace(' ', "")
            ),
            messages: plan.messages,
            figures,
            seconds: sending.as_secs_f64(),
            settled_seconds: settled.as_secs_f64(),
            quiet,
            violations: verdict.violations,
            problems,
        }
    }

    /// For other tools.
    #[must_use]
    pub fn json(&self) -> String {
        // These types have no state that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.figures;
        for (name, figure) in self.rows() {
            writeln!(f, "{name:<40}{figure:>10}")?;
        }
        writeln!(f)?;
        for (kind, count) in &it.blows {
            writeln!(f, "{kind:<40}{count:>10}")?;
        }
        for (what, missed) in &it.missed {
            writeln!(f, "not counted: {missed} {what}, this machine was too slow")?;
        }
        writeln!(f)?;
        let (seconds, settled) = (self.seconds, self.settled_seconds);
        writeln!(
            f,
            "{seconds:.1} s of sending, at rest after {settled:.1} s; seed {}",
            self.seed
        )?;
        let violations = self.violations.iter().map(ToString::to_string);
        for breach in self.problems.iter().cloned().chain(violations).take(SHOWN) {
            writeln!(f, "  {breach}")?;
        }
        self.verdict(f)
    }
}

impl Report {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let it = &self.figures;
        let fates = &it.fates;
        vec![
            ("messages accepted", it.accepted.to_string()),
            ("sessions", it.sessions.to_string()),
            ("deliveries", it.deliveries.to_string()),
            ("  of them redeliveries", it.redeliveries.to_string()),
            ("uploads on the wire", it.uploads.to_string()),
            ("  of them applied", it.writes.to_string()),
            ("reads of a blob's position", it.reads.to_string()),
            ("calls of the Logic App", it.fallback_calls.to_string()),
            ("  orders mailed", it.mails.to_string()),
            ("handlers killed (-9)", it.kills.to_string()),
            ("  of them in an upload", it.kills_in_upload.to_string()),
            ("locks lost", it.locks_lost.to_string()),
            ("  answers that came too late", it.late_answers.to_string()),
            ("dead letters", it.dead_letters.to_string()),
            ("a message is: stored", fates.stored.to_string()),
            ("  superseded by a later one", fates.superseded.to_string()),
            ("  only mailed", fates.mailed.to_string()),
            ("  only dead-lettered", fates.dead_lettered.to_string()),
            ("  still queued", fates.queued.to_string()),
            ("  lost", fates.lost.to_string()),
        ]
    }

    fn verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accepted = self.figures.accepted;
        match self.verdict {
            Verdict::Kept => write!(
                f,
                "kept: all {accepted} messages are accounted for, and no blob went back"
            ),
            Verdict::Incomplete if !self.quiet => write!(
                f,
                "INCOMPLETE: nothing was lost, but the queue did not come to rest"
            ),
            Verdict::Incomplete => write!(
                f,
                "INCOMPLETE: nothing was lost, but only {accepted} of {} messages were sent in time; raise --limit",
                self.messages
            ),
            Verdict::Broken => write!(
                f,
                "BROKEN: {} breaches; once more: {}",
                self.violations.len() + self.problems.len(),
                self.replay
            ),
        }
    }
}
