//! Settings, log, outbox, serve.

mod parent;
mod serve;

use std::process::ExitCode;

use azure_app::program::{Program, exit};
use azure_app::{http_client, log};
use petstore::bus::Bus;
use petstore::config::Settings;
use petstore::outbox::{Outbox, Pace};
use petstore::web::Shop;
use petstore::{check, key_file};
use tokio::net::TcpListener;
use tracing::info;

use serve::serve;

const PROGRAM: Program = Program {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    usage: "\
petstore: the storefront that publishes every cart change

usage: petstore [--attached | --check | --version | --help]

  (none)     serve shoppers on port $PORT
  --attached the same, until the standard input ends: in order after a word, at once without one,
             for then the parent was killed
  --check    validate the settings and reach the bus, send nothing

Settings come from the environment; the README lists them.",
};

/// Who we are to the bus and to Entra ID.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

const ATTACHED: &str = "--attached";
const CHECK: &str = "--check";

fn main() -> ExitCode {
    let option = match PROGRAM.option(&[ATTACHED, CHECK]) {
        Ok(option) => option,
        Err(code) => return code,
    };
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(mistakes) => return PROGRAM.fail(exit::USAGE, mistakes),
    };
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(run(settings, option)),
        Err(error) => PROGRAM.fail(exit::OS, format!("runtime: {error}")),
    }
}

async fn run(settings: Settings, option: Option<&'static str>) -> ExitCode {
    let client = match http_client::build(USER_AGENT) {
        Ok(client) => client,
        Err(error) => return PROGRAM.fail(exit::SOFTWARE, error),
    };
    let bus = match Bus::new(settings.queue.clone(), client, settings.publish_timeout) {
        Ok(bus) => bus,
        Err(error) => return PROGRAM.fail(exit::USAGE, error),
    };
    if option == Some(CHECK) {
        return check::run(&bus).await;
    }
    log::init(settings.log_filter.clone());
    let shown = bus.shown().to_owned();
    let folder = settings.data.join("outbox");
    let outbox = match Outbox::open(&folder, settings.outbox_max, bus, Pace::default()) {
        Ok(outbox) => outbox,
        Err(error) => return PROGRAM.fail(exit::OS, format!("{}: {error}", folder.display())),
    };
    let key = match settings
        .cookie_key
        .map_or_else(|| key_file::key(&settings.data), Ok)
    {
        Ok(key) => key,
        Err(error) => {
            return PROGRAM.fail(exit::OS, format!("{}: {error}", settings.data.display()));
        }
    };
    let listener = match TcpListener::bind((settings.address, settings.port)).await {
        Ok(listener) => listener,
        Err(error) => return PROGRAM.fail(exit::OS, format!("port {}: {error}", settings.port)),
    };
    let address = listener.local_addr().map(|address| address.to_string());
    info!(
        version = PROGRAM.version,
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
    match serve(listener, shop, option == Some(ATTACHED)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => PROGRAM.fail(exit::OS, error),
    }
}
