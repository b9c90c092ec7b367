//! `cargo local chaos`: everything goes wrong at once, and the verdict.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use load::report::Conclusion;
use stack::chaos::{Chaos, ChaosPlan};

use super::{LocalError, interrupt};

/// What `cargo build --release` makes.
const HANDLER: &str = "target/release/order-items-reserver";

/// Not all messages could be sent, or the queue did not come to rest.
const INCOMPLETE: u8 = 2;

/// How much, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Messages to send: carts, and one poison in 200, which is no order and may only be mailed or stay in the queue
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = at_least_one)]
    messages: usize,
    /// Sessions that send at a time
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = at_least_one)]
    sessions: usize,
    /// Decides what is sent and what goes wrong when [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// Send nothing after this time: 30s, 8m
    #[arg(long, value_name = "TIME", default_value = "8m", value_parser = humantime::parse_duration)]
    limit: Duration,
    /// The handler's binary [default: target/release/order-items-reserver below the root]
    #[arg(long, value_name = "FILE")]
    handler: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Runs, prints the report, and fails when the promise was broken.
pub(crate) async fn run(root: &Path, options: Options) -> Result<ExitCode, LocalError> {
    let interrupted = interrupt::listen().map_err(LocalError::Signals)?;
    let plan = ChaosPlan {
        root: root.to_owned(),
        handler: options.handler.unwrap_or_else(|| root.join(HANDLER)),
        messages: options.messages,
        sessions: options.sessions,
        seed: options.seed.unwrap_or_else(super::load::seed),
        limit: options.limit,
    };
    let bar = progress(plan.messages);
    let chaos = Chaos::start(plan).await?;
    let tell = |sent| bar.set_position(u64::try_from(sent).unwrap_or(u64::MAX));
    let report = chaos.run(interrupted, tell).await?;
    bar.finish_and_clear();
    if options.json {
        println!("{}", report.json());
    } else {
        println!("{report}");
    }
    Ok(match report.verdict {
        Conclusion::Kept => ExitCode::SUCCESS,
        Conclusion::Incomplete => ExitCode::from(INCOMPLETE),
        Conclusion::Broken => ExitCode::FAILURE,
    })
}

/// Hidden when there is no terminal.
fn progress(messages: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(messages).unwrap_or(u64::MAX));
    match ProgressStyle::with_template("{bar:30} {pos} of {len} messages sent, {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "expected a whole number above 0".to_owned())
}
