//! Settings, telemetry, outbox, serve.

mod parent;
mod serve;

use std::{fmt::Display, process::ExitCode};

use order_items_reserver::{http_client, telemetry};
use petstore::{
    bus::Bus,
    check,
    config::Settings,
    key_file,
    outbox::{Outbox, Pace},
    web::Shop,
};
use serve::serve;
use tokio::net::TcpListener;
use tracing::info;

const USAGE: &str = "\
petstore: the storefront that publishes every cart change

usage: petstore [--attached | --check | --version | --help]

  (none)     serve shoppers on port $PORT
  --attached the same, until the standard input ends: in order after a word, at once without one,
             for then the parent was killed
  --check    validate the settings and reach the bus, send nothing

Settings come from the environment; the README lists them.";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Serve,
    /// Until the standard input closes.
    Attached,
    Check,
}

/// `EX_USAGE`, `EX_SOFTWARE` and `EX_OSERR` of `sysexits.h`.
const EXIT_USAGE: u8 = 64;
const EXIT_SOFTWARE: u8 = 70;
const EXIT_OS: u8 = 71;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mode = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Mode::Serve,
        (Some("--attached"), None) => Mode::Attached,
        (Some("--check"), None) => Mode::Check,
        (Some("--version" | "-V"), None) => {
            println!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        (Some("--help" | "-h"), None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        (Some(argument), _) => {
            return fail(
                EXIT_USAGE,
                format!("unknown argument {argument}\n\n{USAGE}"),
            );
        }
    };
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(mistakes) => return fail(EXIT_USAGE, mistakes),
    };
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(run(settings, mode)),
        Err(error) => fail(EXIT_OS, format!("runtime: {error}")),
    }
}

async fn run(settings: Settings, mode: Mode) -> ExitCode {
    let client = match http_client::build() {
        Ok(client) => client,
        Err(error) => return fail(EXIT_SOFTWARE, error),
    };
    let bus = match Bus::new(settings.queue.clone(), client, settings.publish_timeout) {
        Ok(bus) => bus,
        Err(error) => return fail(EXIT_USAGE, error),
    };
    if mode == Mode::Check {
        return check::run(&bus).await;
    }
    telemetry::init(settings.log_filter.clone());
    let shown = bus.shown().to_owned();
    let folder = settings.data.join("outbox");
    let outbox = match Outbox::open(&folder, settings.outbox_max, bus, Pace::default()) {
        Ok(outbox) => outbox,
        Err(error) => return fail(EXIT_OS, format!("{}: {error}", folder.display())),
    };
    let key = match settings
        .cookie_key
        .map_or_else(|| key_file::key(&settings.data), Ok)
    {
        Ok(key) => key,
        Err(error) => return fail(EXIT_OS, format!("{}: {error}", settings.data.display())),
    };
    let listener = match TcpListener::bind((settings.address, settings.port)).await {
        Ok(listener) => listener,
        Err(error) => return fail(EXIT_OS, format!("port {}: {error}", settings.port)),
    };
    let address = listener.local_addr().map(|address| address.to_string());
    info!(
        version = env!("CARGO_PKG_VERSION"),
        url = format!("http://{}", address.unwrap_or_default()),
        bus = shown,
        waiting = outbox.status().pending,
        "listening"
    );
    let shop = Shop {
        key,
        transport: settings.transport,
        outbox,
    };
    match serve(listener, shop, mode == Mode::Attached).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(EXIT_OS, error),
    }
}

fn fail(code: u8, problem: impl Display) -> ExitCode {
    eprintln!("petstore: {problem}");
    ExitCode::from(code)
}
