//! `dead-letters redrive`: what would happen, a question, and then it happens.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
    time::Duration,
};

use order_items_ops::{
    bus::Bus,
    letter::Letter,
    redrive::{self, SelectiveFallback, Tally, plan::Plan},
    text::{Table, counted},
    walk::{Filter, Stop, Walk},
};
use order_items_reserver::{config::Settings, function::Function};

use crate::{
    command_error::{CommandError, INCOMPLETE},
    inspect::report_end,
};

/// A redrive: of which letters, from which queue, and into which function.
pub(crate) struct RedriveCommand<'a> {
    pub(crate) bus: &'a Bus,
    pub(crate) settings: &'a Settings,
    pub(crate) client: &'a reqwest::Client,
    pub(crate) wait: Duration,
    pub(crate) filter: Filter,
    pub(crate) hand_over: bool,
}

impl RedriveCommand<'_> {
    /// Does it when it is wanted, else says what would happen.
    pub(crate) async fn run(&self, yes: bool) -> Result<ExitCode, CommandError> {
        if yes {
            return self.redrive().await;
        }
        let (letters, code) = self.dry_run().await?;
        if letters == 0 {
            return Ok(code);
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            writeln!(io::stdout(), "nothing was changed; --yes does it")?;
            return Ok(code);
        }
        eprint!("Redrive {}? Type yes: ", counted(letters));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        if answer.trim() == "yes" {
            return self.redrive().await;
        }
        writeln!(io::stdout(), "nothing was changed")?;
        Ok(code)
    }

    /// Reads, and changes nothing.
    async fn dry_run(&self) -> Result<(usize, ExitCode), CommandError> {
        let function = Function::from(self.settings, self.client)?;
        let mut plan = Plan::new(function.store.blobs(), self.settings.retry);
        let mut table = Table::new(&["SEQUENCE", "SESSION", "WOULD BE", "BECAUSE"]);
        let (mut letters, mut clean) = (0, true);
        let mut walk = Walk::new(self.bus, self.wait, Stop::on_interrupt()?);
        let dry_run = async |letter: Letter| {
            let forecast = plan.forecast(&letter).await;
            letters += 1;
            clean &= forecast.settles();
            let session = letter.delivery.session_id.unwrap_or_default();
            let (verdict, why) = (forecast.verdict().to_owned(), forecast.to_string());
            table.row([letter.sequence.to_string(), session, verdict, why]);
            Ok(true)
        };
        let end = walk.look(&self.filter, dry_run).await;
        walk.give_back().await;
        let end = end?;
        let mut out = io::stdout().lock();
        if letters > 0 {
            for line in table.lines() {
                writeln!(out, "{line}")?;
            }
        }
        writeln!(out, "{}", counted(letters))?;
        let code = report_end(end);
        let code = if clean {
            code
        } else {
            ExitCode::from(INCOMPLETE)
        };
        Ok((letters, code))
    }

    async fn redrive(&self) -> Result<ExitCode, CommandError> {
        let function = Function::from(self.settings, self.client)?;
        let reserver = function.with_fallback(|fallback| SelectiveFallback {
            fallback,
            unstored_too: self.hand_over,
        });
        let mut walk = Walk::new(self.bus, self.wait, Stop::on_interrupt()?);
        let mut progress = io::stderr();
        let run = redrive::run(self.bus, &mut walk, &self.filter, &reserver, &mut progress);
        let tally = Box::pin(run).await;
        walk.give_back().await;
        let tally = tally?;
        // Who closed the output still gets the exit code of what was done.
        writeln!(io::stdout(), "{tally}").ok();
        let others = self.locked_by_others(&tally).await;
        if tally.is_clean() && others == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        if others > 0 {
            eprintln!(
                "order-items-ops: {} more in the queue: locked by somebody else, or by a run that was cut off; \
                 run again when their locks have ended",
                counted(usize::try_from(others).unwrap_or(usize::MAX))
            );
        }
        Ok(ExitCode::from(INCOMPLETE))
    }

    /// Letters that a whole run has not seen, as far as we may count.
    async fn locked_by_others(&self, tally: &Tally) -> u64 {
        if !self.filter.is_everything() || tally.end.is_none() {
            return 0;
        }
        let left = u64::try_from(tally.left).unwrap_or(u64::MAX);
        match self.bus.counts().await {
            Ok(counts) => counts.dead_lettered.saturating_sub(left),
            // RedriveCommand takes fewer rights than counting.
            Err(_) => 0,
        }
    }
}
