//! From a command line to the command: settings, adapters, and what it needs of them.

use std::io;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::CommandFactory as _;
use order_items_ops::bus::{Bus, Counts, CountsError};
use order_items_ops::cli::{Cli, Command, DeadLetters};
use order_items_ops::local_settings::LocalSettings;
use order_items_ops::text::Progress;
use order_items_ops::{settings, status};
use order_items_reserver::azure_app::http_client;
use order_items_reserver::azure_app::program::exit;
use order_items_reserver::azure_app::settings::{Mistakes, from_env};
use order_items_reserver::config::Settings;
use order_items_reserver::function::{Function, USER_AGENT};
use service_bus::Queue;

use crate::command_error::{CommandError, INCOMPLETE};
use crate::redrive_command::RedriveCommand;
use crate::{inspect, orders_command};

/// Runs the command.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode, CommandError> {
    let file = cli.settings_file().map(LocalSettings::read).transpose()?;
    // One source or the other: with both, the dead letters of a laptop could end in production.
    let source = |name: &str| match &file {
        Some(file) => file.get(name),
        None => from_env(name),
    };
    let hinted = |mistakes: Mistakes| match &file {
        Some(_) => mistakes,
        None => settings::hint_at_local(mistakes),
    };
    let json = cli.json;
    let client = http_client::build(USER_AGENT)?;
    let bus = |queue: &Queue| Bus::new(&client, queue);
    let wait = Duration::from_secs(cli.wait);
    match cli.command {
        Command::Completions { shell } => {
            let mut command = Cli::command();
            let name = command.get_name().to_owned();
            clap_complete::generate(shell, &mut command, name, &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Orders(command) => {
            let settings = settings::storage(&source)?;
            Box::pin(orders_command::run(&settings, &client, command, json)).await
        }
        Command::Status { limit } => {
            let (queue, settings) = settings::all(&source).map_err(hinted)?;
            status(&bus(&queue)?, &settings, &client, limit, json).await
        }
        Command::DeadLetters(DeadLetters::Redrive {
            yes,
            hand_over,
            trust_times,
            filter,
        }) => {
            let (queue, settings) = settings::all(&source).map_err(hinted)?;
            let redrive = RedriveCommand {
                bus: &bus(&queue)?,
                settings: &settings,
                client: &client,
                wait,
                filter: filter.into(),
                hand_over,
                json,
                trust_times,
            };
            Box::pin(redrive.run(yes)).await
        }
        Command::DeadLetters(command) => {
            let bus = bus(&settings::queue(&source).map_err(hinted)?)?;
            inspect::run(&bus, wait, command, json).await
        }
    }
}

/// Both halves are shown, whichever of them fails.
async fn status(
    bus: &Bus,
    settings: &Settings,
    client: &reqwest::Client,
    limit: usize,
    json: bool,
) -> Result<ExitCode, CommandError> {
    let function = Function::from(settings, client)?;
    let (counts, newest) = tokio::join!(
        bus.counts(),
        Box::pin(status::newest(
            function.store.blobs().client(),
            limit,
            Progress::on_terminal("orders"),
        ))
    );
    let mut out = io::stdout().lock();
    let mut code = ExitCode::SUCCESS;
    match counts {
        Ok(counts) if json => {
            let line = serde_json::to_string(&counts.of(bus.queue())).map_err(io::Error::from)?;
            writeln!(out, "{line}")?;
        }
        Ok(Counts {
            active,
            dead_lettered,
            scheduled,
        }) => writeln!(
            out,
            "queue {}: {active} active, {dead_lettered} dead-lettered, {scheduled} scheduled",
            bus.queue()
        )?,
        Err(error) => {
            code = ExitCode::from(match error {
                CountsError::NotAllowed => INCOMPLETE,
                _ => exit::UNAVAILABLE,
            });
            eprintln!("order-items-ops: queue {}: {error}", bus.queue());
        }
    }
    match newest {
        Ok(newest) if json => newest.write_json(&settings.container, &mut out)?,
        Ok(newest) => newest.write(&settings.container, &mut out)?,
        Err(error) => {
            code = ExitCode::from(exit::UNAVAILABLE);
            eprintln!("order-items-ops: container {}: {error}", settings.container);
        }
    }
    Ok(code)
}
