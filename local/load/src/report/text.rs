//! The report for people.

use std::fmt;

use super::breaches::breaches;
use super::{Latency, Report};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what_was_sent(f)?;
        self.where_it_is(f)?;
        self.how_long_it_took(f)?;
        self.what_went_wrong(f)?;
        breaches(f, self.violations.iter().map(ToString::to_string))?;
        self.verdict(f)
    }
}

impl Report {
    fn what_was_sent(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (messages, sessions) = (&self.messages, self.sessions);
        if let Some(clicks) = &self.clicks {
            let (all, confirmed) = (clicks.clicks, clicks.confirmed);
            writeln!(
                f,
                "clicks      {all} by {sessions} shoppers: {confirmed} confirmed, {} without effect, {} failed",
                clicks.without_effect, clicks.failed
            )?;
            return writeln!(
                f,
                "unsure      {} sessions whose last click got no answer: not judged by what they show",
                clicks.unsure
            );
        }
        let (due, replaced) = (messages.due, messages.replaced);
        writeln!(
            f,
            "carts       {due} due in {sessions} sessions, {replaced} replaced by a newer one before they were sent"
        )?;
        let (sent, accepted, refused, maybe) = (
            messages.sent,
            messages.accepted,
            messages.refused,
            messages.maybe,
        );
        writeln!(
            f,
            "sent        {sent}: {accepted} accepted, {refused} refused, {maybe} unanswered"
        )?;
        writeln!(
            f,
            "retried     {}, {} of them possibly twice at the queue",
            messages.retried, messages.duplicates
        )
    }

    fn where_it_is(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fates = &self.fates;
        write!(
            f,
            "carts are   {} stored, {} superseded, {} mailed, ",
            fates.stored, fates.superseded, fates.mailed
        )?;
        writeln!(
            f,
            "{} queued, {} dead-lettered, {} lost; {} writes, {} mails",
            fates.queued, fates.dead_lettered, fates.lost, self.writes, self.mails
        )
    }

    fn how_long_it_took(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (throughput, seconds, settled) = (self.throughput, self.seconds, self.settled_seconds);
        writeln!(
            f,
            "throughput  {throughput:.0} a second: {seconds:.1} s of sending, quiet after {settled:.1} s"
        )?;
        writeln!(
            f,
            "from due    {:>9} {:>9} {:>9} {:>9} {:>9}",
            "p50", "p90", "p99", "p99.9", "max"
        )?;
        latency(f, "  to accepted", &self.to_accepted)?;
        latency(f, "  to stored", &self.to_stored)
    }

    fn what_went_wrong(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = &self.faults;
        write!(
            f,
            "faults      {} spells of the storage, {} of the Logic App; ",
            faults.storage_spells, faults.logic_app_spells
        )?;
        write!(
            f,
            "{} kills of the handler, {} of them in an upload; ",
            faults.kills, faults.kills_during_upload
        )?;
        writeln!(f, "{} restarts of the stack", self.restarts)?;
        writeln!(f, "seed        {}", self.seed)?;
        if !self.quiet {
            writeln!(
                f,
                "warning: the queue was not quiet at the end; raise --settle"
            )?;
        }
        Ok(())
    }

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
