//! `dead-letters list`, `show` and `export`: they look, and give every letter back.

use std::io;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use order_items_ops::bus::Bus;
use order_items_ops::cli::DeadLetters;
use order_items_ops::export::Record;
use order_items_ops::letter::Letter;
use order_items_ops::list::Summary;
use order_items_ops::text::counted;
use order_items_ops::walk::{Filter, Stop, Walk, WalkEnd};
use order_items_ops::{export, list};
use serde_json::json;

use crate::command_error::{CommandError, INCOMPLETE};

/// Runs a command that only looks.
pub(crate) async fn run(
    bus: &Bus,
    wait: Duration,
    command: DeadLetters,
    json: bool,
) -> Result<ExitCode, CommandError> {
    let mut out = io::stdout();
    let end = match command {
        DeadLetters::List { filter } => {
            let mut letters = Vec::new();
            let end = each(bus, wait, filter.into(), async |letter: Letter| {
                letters.push(Summary::from(&letter));
                Ok(true)
            });
            let end = end.await?;
            match json {
                true => list::json_lines(&letters, &mut out)?,
                false => list::table(&letters, &mut out)?,
            }
            end
        }
        DeadLetters::Show { sequence } => return show(bus, wait, sequence, json).await,
        DeadLetters::Export { to, filter } => export(bus, wait, &to, filter.into(), json).await?,
        // Not here: it changes something (`redrive_command`).
        DeadLetters::Redrive { .. } => WalkEnd::Empty,
    };
    Ok(report_end(end))
}

async fn export(
    bus: &Bus,
    wait: Duration,
    to: &Path,
    filter: Filter,
    json: bool,
) -> Result<WalkEnd, CommandError> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", to.display()));
    let (file, path) = export::create(to, bus.queue()).map_err(named)?;
    let mut file = io::BufWriter::new(file);
    let mut written = 0;
    let end = each(bus, wait, filter, async |letter: Letter| {
        let line = serde_json::to_string(&Record::new(&letter, bus))?;
        written += 1;
        writeln!(file, "{line}").map(|()| true)
    });
    let end = end.await;
    let kept = file.into_inner().map_err(io::IntoInnerError::into_error);
    let kept = kept.and_then(|file| file.sync_all()).map_err(named);
    let path = path.display().to_string();
    if end.is_err() || kept.is_err() {
        eprintln!("order-items-ops: {path} is incomplete");
    }
    let (end, ()) = (end?, kept?);
    let told = match json {
        true => json!({"deadLetters": written, "file": path}).to_string(),
        false => format!("{} written to {path}; none deleted", counted(written)),
    };
    writeln!(io::stdout(), "{told}")?;
    Ok(end)
}

async fn show(
    bus: &Bus,
    wait: Duration,
    sequence: u64,
    json: bool,
) -> Result<ExitCode, CommandError> {
    let mut found = None;
    let mut seen = 0;
    let end = each(bus, wait, Filter::default(), async |letter: Letter| {
        seen += 1;
        if letter.sequence == sequence {
            found = Some(letter);
        }
        Ok(found.is_none())
    });
    let end = end.await?;
    if let Some(letter) = found {
        match json {
            true => {
                let record = serde_json::to_string(&Record::new(&letter, bus));
                writeln!(io::stdout(), "{}", record.map_err(io::Error::from)?)?;
            }
            false => list::show(&letter, &mut io::stdout())?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    report_end(end);
    eprintln!(
        "order-items-ops: no dead letter {sequence} among {}",
        counted(seen)
    );
    Ok(ExitCode::from(INCOMPLETE))
}

/// Looks at each letter, and gives all of them back, whatever happens in between.
async fn each(
    bus: &Bus,
    wait: Duration,
    filter: Filter,
    look: impl AsyncFnMut(Letter) -> io::Result<bool>,
) -> Result<WalkEnd, CommandError> {
    let mut walk = Walk::new(bus, wait, Stop::on_interrupt()?).with_progress();
    let end = walk.look(&filter, look).await;
    walk.give_back().await;
    Ok(end?)
}

/// Writes on standard error that not every letter was seen, if so; the exit code.
pub(crate) fn report_end(end: WalkEnd) -> ExitCode {
    let why = match end {
        WalkEnd::Empty | WalkEnd::Limit => return ExitCode::SUCCESS,
        WalkEnd::Interrupted => "interrupted",
        WalkEnd::LocksTooShort => "their locks end sooner than all of them can be looked at",
    };
    eprintln!("order-items-ops: not all dead letters were seen: {why}");
    ExitCode::from(INCOMPLETE)
}
