//! The report for people.

use std::fmt;

use super::{Conclusion, Figures, Latency, Report};

/// More breaches are counted, not shown.
const BREACHES_MAX: usize = 20;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.figures {
            Some(figures) => self.what_chaos_did(f, figures)?,
            None => self.what_was_sent(f)?,
        }
        self.how_long_it_took(f)?;
        self.what_went_wrong(f)?;
        self.breaches(f)?;
        self.verdict(f)
    }
}

impl Report {
    fn what_was_sent(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sessions = self.sessions;
        if let Some(clicks) = &self.clicks {
            let (all, confirmed) = (clicks.clicks, clicks.confirmed);
            writeln!(
                f,
                "clicks      {all} by {sessions} shoppers: {confirmed} confirmed, \
                 {} without effect, {} failed",
                clicks.without_effect, clicks.failed
            )?;
            writeln!(
                f,
                "of them     {} aborted, {} made twice at once",
                clicks.aborted, clicks.doubled
            )?;
            writeln!(
                f,
                "not judged  {} sessions that nobody could look at in the end, {} pages after too \
                 many clicks without an answer",
                clicks.unsure, clicks.believed
            )?;
        } else {
            let (due, replaced) = (self.messages.due, self.messages.replaced);
            writeln!(
                f,
                "carts       {due} due in {sessions} sessions, \
                 {replaced} replaced by a newer one before they were sent"
            )?;
            self.answers(f)?;
        }
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
        )?;
        if self.foreign > 0 {
            writeln!(
                f,
                "others      {} blobs of sessions that are not of this run changed meanwhile: \
                 noted, not judged",
                self.foreign
            )?;
        }
        Ok(())
    }

    fn answers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.messages;
        let (sent, accepted, refused, maybe) = (it.sent, it.accepted, it.refused, it.maybe);
        writeln!(
            f,
            "sent        {sent}: {accepted} accepted, {refused} refused, {maybe} unanswered"
        )?;
        writeln!(
            f,
            "retried     {}, {} of them possibly twice at the queue",
            it.retried, it.duplicates
        )
    }

    fn what_chaos_did(&self, f: &mut fmt::Formatter<'_>, figures: &Figures) -> fmt::Result {
        for (name, figure) in rows(figures) {
            writeln!(f, "{name:<40}{figure:>10}")?;
        }
        writeln!(f)?;
        for (kind, count) in &figures.injected {
            writeln!(f, "{kind:<40}{count:>10}")?;
        }
        for (what, missed) in &figures.missed {
            writeln!(f, "not counted: {missed} {what}, this machine was too slow")?;
        }
        writeln!(f)?;
        self.answers(f)
    }

    fn how_long_it_took(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (throughput, seconds) = (self.throughput, self.seconds);
        let settled = self.settled_seconds;
        writeln!(
            f,
            "throughput  {throughput:.0} a second: {seconds:.1} s of sending, \
             quiet after {settled:.1} s"
        )?;
        if self.stored_throughput > 0.0 {
            writeln!(
                f,
                "stored      {:.0} a second, up to the last write",
                self.stored_throughput
            )?;
        }
        writeln!(
            f,
            "from due    {:>9} {:>9} {:>9} {:>9} {:>9}",
            "p50", "p90", "p99", "p99.9", "max"
        )?;
        if let Some(clicks) = &self.clicks {
            latency(f, "  any click", &clicks.to_confirmed)?;
        }
        latency(f, "  to accepted", &self.to_accepted)?;
        latency(f, "  to stored", &self.to_stored)
    }

    fn what_went_wrong(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(faults) = &self.faults {
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
            writeln!(
                f,
                "the shop's  {} spells of the bus, {} of its storage; {} kills of it",
                faults.bus_spells, faults.shop_storage_spells, faults.shop_kills
            )?;
        }
        writeln!(f, "seed        {}", self.seed)?;
        if !self.quiet && self.figures.is_none() {
            writeln!(
                f,
                "warning: the queue was not quiet at the end; raise --settle"
            )?;
        }
        Ok(())
    }

    /// The first of them, and how many more there are.
    fn breaches(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let violations = self.violations.iter().map(ToString::to_string);
        let mut all = self.problems.iter().cloned().chain(violations);
        for breach in all.by_ref().take(BREACHES_MAX) {
            writeln!(f, "  {breach}")?;
        }
        match all.count() {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }

    fn verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accepted = self.messages.accepted;
        let breaches = self.violations.len() + self.problems.len();
        match self.verdict {
            Conclusion::Kept if self.figures.is_some() => write!(
                f,
                "kept: all {accepted} messages are accounted for, no blob went back, \
                 and no poison was stored"
            ),
            Conclusion::Kept if self.clicks.is_some() => write!(
                f,
                "kept: what each shopper's page confirmed is accounted for, and no blob went back"
            ),
            Conclusion::Kept => write!(
                f,
                "kept: all {accepted} accepted carts are accounted for, and no blob went back"
            ),
            Conclusion::Incomplete if !self.quiet => write!(
                f,
                "INCOMPLETE: nothing was lost, but the queue did not come to rest"
            ),
            Conclusion::Incomplete => write!(
                f,
                "INCOMPLETE: nothing was lost, but only {accepted} of {} messages were sent \
                 in time; raise --limit",
                self.messages.due
            ),
            Conclusion::Broken => match &self.replay {
                _ if breaches == 0 => {
                    write!(f, "BROKEN: nothing was accepted, so nothing is proven")
                }
                Some(replay) => write!(f, "BROKEN: {breaches} breaches; once more: {replay}"),
                None => write!(f, "BROKEN: {breaches} breaches of the promise"),
            },
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

fn rows(it: &Figures) -> Vec<(&'static str, String)> {
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
