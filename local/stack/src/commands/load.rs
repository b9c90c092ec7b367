//! `cargo local load`: carts for the running stack, and the verdict; and `cargo local chaos`, which
//! goes further on a stack of its own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use ::load::places::{Addresses, Places};
use ::load::report::{Conclusion, Report};
use ::load::{Faults, LoadError, Pace, Plan, run};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use stack::chaos::{Chaos, ChaosPlan};
use stand_in::{BUS_FAULTS, LOGIC_APP_FAULTS, NamedFault, STORAGE_FAULTS};

use super::interrupt::ABORTED;
use super::{FOLDER, LocalError, interrupt};

/// What `cargo build --release` makes.
const HANDLER: &str = "target/release/order-items-reserver";

/// Not all messages could be sent, or the queue did not come to rest.
const INCOMPLETE: u8 = 2;

/// The queue takes 256 KiB, properties included.
const BODY_MAX: usize = 255 * 1024;

/// How much, how long, and what goes wrong.
#[derive(Debug, Args)]
pub(crate) struct LoadOptions {
    /// Carts a second, or clicks with --shoppers: a number, or max for as many as the stack takes
    #[arg(long, default_value = "200", value_parser = pace)]
    rate: Pace,
    /// The same as --rate max
    #[arg(long, conflicts_with = "rate")]
    max: bool,
    /// Sessions, each with a cart of its own
    #[arg(long, default_value_t = 50, value_parser = at_least_one)]
    carts: usize,
    /// So many shoppers click in the storefront, instead of carts going to the queue's door
    #[arg(long, conflicts_with = "carts", value_parser = at_least_one)]
    shoppers: Option<usize>,
    /// The way of the carts; petstore makes shoppers of them
    #[arg(long, value_enum, default_value_t)]
    through: Through,
    /// How long carts arrive: 30s, 2m
    #[arg(long = "for", value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    duration: Duration,
    #[arg(long, help = faults_help())]
    faults: Option<Faults>,
    /// Decides what is in the carts and when what goes wrong [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// The least size of an order
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = body_bytes)]
    body_bytes: usize,
    /// How long nothing may move at the end before the verdict
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = humantime::parse_duration)]
    settle: Duration,
    /// Write what was sent (sent.jsonl) and the report (report.json) into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    by_hand: Addresses,
}

/// Value of `--through`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Through {
    /// The queue's door
    #[default]
    Queue,
    /// The storefront's pages
    Petstore,
}

/// Runs, prints the report, and fails when the promise was broken.
pub(crate) async fn load(root: &Path, options: LoadOptions) -> Result<ExitCode, LocalError> {
    let file = root.join(FOLDER).join("stack.json");
    let places = Places::find(file, options.by_hand).map_err(LoadError::from)?;
    let plan = Plan {
        pace: if options.max { Pace::Max } else { options.rate },
        carts: options.shoppers.unwrap_or(options.carts),
        through_petstore: options.shoppers.is_some() || options.through == Through::Petstore,
        duration: options.duration,
        faults: options.faults.unwrap_or_default(),
        seed: options.seed.unwrap_or_else(seed),
        body_bytes: options.body_bytes,
        settle: options.settle,
        out: options.out,
    };
    let interrupted = interrupt::listen().map_err(LocalError::Signals)?;
    let insisted = interrupt::insisted().map_err(LocalError::Signals)?;
    let report = tokio::select! {
        report = run(&plan, &places, interrupted) => report?,
        () = insisted => {
            eprintln!("aborted without a verdict; what was broken on purpose stays broken until it is switched off");
            return Ok(ExitCode::from(ABORTED));
        }
    };
    show(&report, options.json);
    Ok(if report.kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How much, and for how long.
#[derive(Debug, Args)]
pub(crate) struct ChaosOptions {
    /// Messages to send: carts, and one poison in 200, which is no order and may only be mailed or
    /// stay in the queue
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
pub(crate) async fn chaos(root: &Path, options: ChaosOptions) -> Result<ExitCode, LocalError> {
    let interrupted = interrupt::listen().map_err(LocalError::Signals)?;
    let plan = ChaosPlan {
        root: root.to_owned(),
        handler: options.handler.unwrap_or_else(|| root.join(HANDLER)),
        messages: options.messages,
        sessions: options.sessions,
        seed: options.seed.unwrap_or_else(seed),
        limit: options.limit,
    };
    let bar = progress(plan.messages);
    let chaos = Chaos::start(plan).await?;
    let tell = |sent| bar.set_position(u64::try_from(sent).unwrap_or(u64::MAX));
    let report = chaos.run(interrupted, tell).await?;
    bar.finish_and_clear();
    show(&report, options.json);
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

fn show(report: &Report, json: bool) {
    if json {
        println!("{}", report.json());
    } else {
        println!("{report}");
    }
}

/// Short enough to be typed again.
fn seed() -> u64 {
    u64::from(uuid::Uuid::new_v4().as_fields().0)
}

/// With the names of all faults.
fn faults_help() -> String {
    let names = |faults: &[NamedFault]| {
        let names: Vec<&str> = faults.iter().map(|fault| fault.name()).collect();
        names.join(", ")
    };
    format!(
        "What goes wrong meanwhile: storage=FAULT, logic-app=FAULT, handler=kills, divided by \
         commas; with --shoppers also bus=FAULT, shop-storage=FAULT, shop=kills. FAULT is any, \
         which is another one each time, or of a storage {}; of the Logic App {}; of the bus {}",
        names(&STORAGE_FAULTS),
        names(&LOGIC_APP_FAULTS),
        names(&BUS_FAULTS)
    )
}

fn pace(text: &str) -> Result<Pace, String> {
    match text.parse::<f64>() {
        _ if text == "max" => Ok(Pace::Max),
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(Pace::Rate(rate)),
        _ => Err("expected a number above 0, or max".to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "expected a whole number above 0".to_owned())
}

fn body_bytes(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number <= BODY_MAX);
    number.ok_or_else(|| {
        format!("expected a number up to {BODY_MAX}: the queue takes no larger messages")
    })
}
