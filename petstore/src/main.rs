//! Settings, log, store, outbox, serve.

mod serve;

use std::process::ExitCode;
use std::sync::Arc;

use azure_app::export::{Export, Exporter, LAST_SPANS};
use azure_app::program::{Program, exit};
use azure_app::{http_client, log, settings};
use petstore::bus::Bus;
use petstore::carts::{Carts, SystemClock};
use petstore::check;
use petstore::config::Settings;
use petstore::cookie::Transport;
use petstore::outbox::Outbox;
use petstore::store::azure::AzureCarts;
use petstore::web::Shop;
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
  --check    validate the settings, reach the bus and the store, send and write nothing

Settings come from the environment; the README lists them.",
};

/// Who we are to the bus, the store and Entra ID.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

const ATTACHED: &str = "--attached";
const CHECK: &str = "--check";

fn main() -> ExitCode {
    let option = match PROGRAM.option(&[ATTACHED, CHECK]) {
        Ok(option) => option,
        Err(code) => return code,
    };
    let read = settings::both(Settings::from_env(), Export::from_env(&PROGRAM));
    let (settings, export) = match read {
        Ok(read) => read,
        Err(mistakes) => return PROGRAM.fail(exit::USAGE, mistakes),
    };
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(run(settings, export, option)),
        Err(error) => PROGRAM.fail(exit::OS, format!("runtime: {error}")),
    }
}

async fn run(settings: Settings, export: Option<Export>, option: Option<&'static str>) -> ExitCode {
    let client = match http_client::for_properties(USER_AGENT) {
        Ok(client) => client,
        Err(error) => return PROGRAM.fail(exit::SOFTWARE, error),
    };
    let store = match AzureCarts::new(&settings.storage, &client) {
        Ok(store) => store,
        Err(error) => return PROGRAM.fail(exit::USAGE, format!("store: {error}")),
    };
    let bus = match Bus::new(
        settings.queue.clone(),
        client.clone(),
        settings.publish_timeout,
    ) {
        Ok(bus) => bus,
        Err(error) => return PROGRAM.fail(exit::USAGE, error),
    };
    if option == Some(CHECK) {
        let spans = Export::told(export.as_ref());
        return check::run(&spans, &bus, &store, &settings.storage.shown()).await;
    }
    log::init(settings.log_filter.clone());
    let listener = match TcpListener::bind((settings.address, settings.port)).await {
        Ok(listener) => listener,
        Err(error) => return PROGRAM.fail(exit::OS, format!("port {}: {error}", settings.port)),
    };
    let address = match listener.local_addr() {
        Ok(address) => address,
        Err(error) => return PROGRAM.fail(exit::OS, error),
    };
    info!(
        version = PROGRAM.version,
        url = format!("http://{address}"),
        bus = bus.shown(),
        store = settings.storage.shown(),
        spans = export.as_ref().map(Export::shown),
        "listening"
    );
    let exporter = export.map(|export| Exporter::start(export, client));
    let carts = Arc::new(Carts::new(store, SystemClock, settings.publish_timeout));
    let outbox = Outbox::start(Arc::clone(&carts), bus, settings.outbox_max);
    let transport = match settings.in_azure {
        true => Transport::Secure,
        false => Transport::plain(&settings.storage.shown()),
    };
    let shop = Shop::new(carts, outbox, transport);
    let served = serve(listener, shop, option == Some(ATTACHED)).await;
    if let Some(exporter) = exporter {
        exporter.finish(LAST_SPANS).await;
    }
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => PROGRAM.fail(exit::OS, error),
    }
}
