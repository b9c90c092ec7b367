//! The report for people.

use std::fmt;

use super::{Latency, Report};

/// More breaches than that are counted, not shown.
const SHOWN: usize = 20;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            messages,
            clicks,
            fates,
            faults,
            ..
        } = self;
        match clicks {
            Some(clicks) => writeln!(
                f,
                "clicks      {} by {} shoppers: {} confirmed, {} without effect, {} failed; {} sessions unsure",
                clicks.clicks,
                self.sessions,
                clicks.confirmed,
                clicks.without_effect,
                clicks.failed,
                clicks.unsure
            )?,
            None => writeln!(
                f,
                "carts       {} due in {} sessions, {} replaced by a newer one before they were sent\n\
                 sent        {}: {} accepted, {} refused, {} unanswered; {} retried, {} of them possibly twice in the queue",
                messages.due,
                self.sessions,
                messages.replaced,
                messages.sent,
                messages.accepted,
                messages.refused,
                messages.maybe,
                messages.retried,
                messages.duplicates
            )?,
        }
        writeln!(
            f,
            "carts are   {} stored, {} superseded, {} mailed, {} queued, {} dead-lettered, {} lost; {} writes",
            fates.stored,
            fates.superseded,
            fates.mailed,
            fates.queued,
            fates.dead_lettered,
            fates.lost,
            self.writes
        )?;
        writeln!(
            f,
            "throughput  {:.0} a second: {:.1} s of sending, quiet after {:.1} s",
            self.throughput, self.seconds, self.settled_seconds
        )?;
        writeln!(
            f,
            "from due    {:>9} {:>9} {:>9} {:>9} {:>9}",
            "p50", "p90", "p99", "p99.9", "max"
        )?;
        latency(f, "  to accepted", &self.to_accepted)?;
        latency(f, "  to stored", &self.to_stored)?;
        writeln!(
            f,
            "faults      {} spells of the storage, {} of the Logic App; {} kills of the handler, {} of them in an upload; {} restarts of the stack",
            faults.storage_spells,
            faults.logic_app_spells,
            faults.kills,
            faults.kills_during_upload,
            self.restarts
        )?;
        writeln!(f, "seed        {}", self.seed)?;
        if !self.quiet {
            writeln!(
                f,
                "warning: the queue was not quiet at the end; raise --settle"
            )?;
        }
        for violation in self.violations.iter().take(SHOWN) {
            writeln!(f, "  {violation}")?;
        }
        if self.violations.len() > SHOWN {
            writeln!(f, "  and {} more", self.violations.len() - SHOWN)?;
        }
        self.verdict(f)
    }
}

impl Report {
    fn verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accepted = self.messages.accepted;
        match (self.kept, &self.clicks) {
            (true, Some(_)) => write!(
                f,
                "kept: what each shopper's page confirmed is accounted for, and no blob went back"
            ),
            (true, None) => write!(
                f,
                "kept: all {accepted} accepted carts are accounted for, and no blob went back"
            ),
            (false, _) if self.violations.is_empty() => {
                write!(f, "BROKEN: nothing was accepted, so nothing is proven")
            }
            (false, _) => write!(
                f,
                "BROKEN: {} breaches of the promise",
                self.violations.len()
            ),
        }
    }
}

fn latency(f: &mut fmt::Formatter<'_>, name: &str, latency: &Latency) -> fmt::Result {
    let Latency {
        count,
        p50,
        p90,
        p99,
        p999,
        max,
    } = latency;
    if *count == 0 {
        return writeln!(f, "{name:<13}(none)");
    }
    writeln!(
        f,
        "{name:<13}{p50:>7.1}ms {p90:>7.1}ms {p99:>7.1}ms {p999:>7.1}ms {max:>7.1}ms"
    )
}
