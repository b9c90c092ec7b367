//! `dead-letters redrive`: what would happen, a question, and then it happens.

use std::io;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use order_items_ops::bus::Bus;
use order_items_ops::letter::Letter;
use order_items_ops::redrive;
use order_items_ops::redrive::plan::Plan;
use order_items_ops::redrive::{SelectiveFallback, Tally, Told};
use order_items_ops::text::{Table, counted};
use order_items_ops::walk::{Filter, Stop, Walk};
use order_items_reserver::config::Settings;
use order_items_reserver::function::Function;
use serde_json::json;

use crate::command_error::{CommandError, INCOMPLETE};
use crate::inspect::report_end;

/// A redrive: of which letters, from which queue, and into which function.
pub(crate) struct RedriveCommand<'a> {
    pub(crate) bus: &'a Bus,
    pub(crate) settings: &'a Settings,
    pub(crate) client: &'a reqwest::Client,
    pub(crate) wait: Duration,
    pub(crate) filter: Filter,
    pub(crate) hand_over: bool,
    pub(crate) json: bool,
    pub(crate) trust_times: bool,
}

impl RedriveCommand<'_> {
    /// Does it when it is wanted, else says what would happen.
    pub(crate) async fn run(&self, yes: bool) -> Result<ExitCode, CommandError> {
        if yes {
            return self.redrive().await;
        }
        let (letters, code) = self.dry_run().await?;
        if letters == 0 || self.json {
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
        let mut plan = Plan::new(
            function.store.blobs(),
            self.settings.retry,
            self.trust_times,
        );
        let mut table = Table::new(&["SEQUENCE", "SESSION", "WOULD BE", "BECAUSE"]);
        let (mut letters, mut clean) = (0, true);
        let walk = Walk::new(self.bus, self.wait, Stop::on_interrupt()?);
        let mut walk = walk.with_progress();
        let dry_run = async |letter: Letter| {
            let forecast = plan.forecast(&letter).await;
            letters += 1;
            clean &= forecast.settles();
            let (verdict, why) = (forecast.verdict().to_owned(), forecast.to_string());
            let session = letter.delivery.session_id;
            if self.json {
                let line = json!({
                    "sequenceNumber": letter.sequence,
                    "sessionId": session,
                    "wouldBe": verdict.to_lowercase(),
                    "because": why,
                });
                writeln!(io::stdout(), "{line}")?;
                return Ok(true);
            }
            let session = session.unwrap_or_default();
            table.row([letter.sequence.to_string(), session, verdict, why]);
            Ok(true)
        };
        let end = walk.look(&self.filter, dry_run).await;
        walk.give_back().await;
        let end = end?;
        let mut out = io::stdout().lock();
        if self.json {
            let line = json!({"deadLetters": letters, "changed": false});
            writeln!(out, "{line}")?;
        } else {
            let lines = if letters > 0 {
                table.lines()
            } else {
                Vec::new()
            };
            for line in lines {
                writeln!(out, "{line}")?;
            }
            writeln!(out, "{}", counted(letters))?;
        }
        let code = report_end(end);
        let code = if clean {
            code
        } else {
            ExitCode::from(INCOMPLETE)
        };
        Ok((letters, code))
    }

    async fn redrive(&self) -> Result<ExitCode, CommandError> {
        let mut function = Function::from(self.settings, self.client)?;
        if !self.trust_times {
            function.store = function.store.by_numbers_alone();
        }
        let reserver = function.with_fallback(|fallback| SelectiveFallback {
            fallback,
            unstored_too: self.hand_over,
        });
        let mut walk = Walk::new(self.bus, self.wait, Stop::on_interrupt()?);
        let (mut out, mut err) = (io::stdout(), io::stderr());
        let mut told = match self.json {
            true => Told::Json(&mut out),
            false => Told::Lines(&mut err),
        };
        let run = redrive::run(self.bus, &mut walk, &self.filter, &reserver, &mut told);
        let tally = Box::pin(run).await;
        walk.give_back().await;
        let tally = tally?;
        let others = self.locked_by_others(&tally).await;
        let told = match self.json {
            true => tally.record(others).to_string(),
            false => tally.to_string(),
        };
        // Who closed the output still gets the exit code of what was done.
        writeln!(io::stdout(), "{told}").ok();
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
            // A redrive takes fewer rights than counting.
            Err(_) => 0,
        }
    }
}
