//! The report for people.

use std::fmt;

use super::{Report, Verdict};
use load::report::breaches::breaches;

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
        breaches(f, self.problems.iter().cloned().chain(violations))?;
        self.verdict(f)
    }
}

impl Report {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let it = &self.figures;
        let (fates, poison) = (&it.fates, &it.poison);
        vec![
            ("messages accepted", it.accepted.to_string()),
            ("  of them poison", it.poison_accepted.to_string()),
            ("sessions", it.sessions.to_string()),
            ("deliveries", it.deliveries.to_string()),
            ("  of them redeliveries", it.redeliveries.to_string()),
            ("uploads on the wire", it.uploads.to_string()),
            ("  of them applied", it.writes.to_string()),
            ("reads of a blob's position", it.reads.to_string()),
            ("calls of the Logic App", it.fallback_calls.to_string()),
            ("  messages mailed", it.mails.to_string()),
            ("handlers killed (-9)", it.kills.to_string()),
            ("  of them in an upload", it.kills_in_upload.to_string()),
            ("locks lost", it.locks_lost.to_string()),
            ("  answers that came too late", it.late_answers.to_string()),
            ("dead letters", it.dead_letters.to_string()),
            ("  of them in outages", it.dead_in_outages.to_string()),
            ("a cart is: stored", fates.stored.to_string()),
            ("  superseded by a later one", fates.superseded.to_string()),
            ("  only mailed", fates.mailed.to_string()),
            ("  only dead-lettered", fates.dead_lettered.to_string()),
            ("  still queued", fates.queued.to_string()),
            ("  lost", fates.lost.to_string()),
            ("poison is: mailed", poison.mailed.to_string()),
            ("  only dead-lettered", poison.dead_lettered.to_string()),
            ("  still queued", poison.queued.to_string()),
            ("  lost", poison.lost.to_string()),
        ]
    }

    fn verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accepted = self.figures.accepted;
        match self.verdict {
            Verdict::Kept => write!(
                f,
                "kept: all {accepted} messages are accounted for, no blob went back, and no poison was stored"
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
