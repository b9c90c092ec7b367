//! From a command line to the command: settings, adapters, and what it needs of them.

use std::{io::Write as _, process::ExitCode, time::Duration};

use order_items_ops::{
    bus::{Bus, Counts, CountsError},
    cli::{Cli, Command, DeadLetters},
    local_settings::LocalSettings,
    settings, status,
};
use order_items_reserver::{
    azure_app::{http_client, program::exit, settings::from_env},
    config::Settings,
    function::{Function, USER_AGENT},
};
use service_bus::Queue;

use crate::{
    command_error::{CommandError, INCOMPLETE},
    inspect,
    redrive_command::RedriveCommand,
};

/// Runs the command.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode, CommandError> {
    let file = cli.settings_file().map(LocalSettings::read).transpose()?;
    // One source or the other: with both, the dead letters of a laptop could end in production.
    let source = |name: &str| match &file {
        Some(file) => file.get(name),
        None => from_env(name),
    };
    let client = http_client::build(USER_AGENT)?;
    let bus = |queue: &Queue| Bus::new(&client, queue);
    let wait = Duration::from_secs(cli.wait);
    match cli.command {
        Command::Status { limit } => {
            let (queue, settings) = settings::all(&source)?;
            status(&bus(&queue)?, &settings, &client, limit).await
        }
        Command::DeadLetters(DeadLetters::Redrive {
            yes,
            hand_over,
            filter,
        }) => {
            let (queue, settings) = settings::all(&source)?;
            let redrive = RedriveCommand {
                bus: &bus(&queue)?,
                settings: &settings,
                client: &client,
                wait,
                filter: filter.into(),
                hand_over,
            };
            Box::pin(redrive.run(yes)).await
        }
        Command::DeadLetters(command) => {
            let bus = bus(&settings::queue(&source)?)?;
            inspect::run(&bus, wait, command).await
        }
    }
}

/// Both halves are shown, whichever of them fails.
async fn status(
    bus: &Bus,
    settings: &Settings,
    client: &reqwest::Client,
    limit: usize,
) -> Result<ExitCode, CommandError> {
    let function = Function::from(settings, client)?;
    let (counts, newest) = tokio::join!(
        bus.counts(),
        Box::pin(status::newest(function.store.blobs().client(), limit))
    );
    let mut out = std::io::stdout().lock();
    let mut code = ExitCode::SUCCESS;
    match counts {
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
        Ok(newest) => newest.write(&settings.container, &mut out)?,
        Err(error) => {
            code = ExitCode::from(exit::UNAVAILABLE);
            eprintln!("order-items-ops: container {}: {error}", settings.container);
        }
    }
    Ok(code)
}
