//! Settings, log, the function, serve.
#![cfg_attr(
    not(test),
    forbid(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use azure_app::export::{Export, Exporter, LAST_SPANS};
use azure_app::program::{Program, exit};
use azure_app::{http_client, log, settings};
use order_items_reserver::config::Settings;
use order_items_reserver::function::{Function, USER_AGENT};
use order_items_reserver::telemetry::span;
use order_items_reserver::{check, http};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

/// Faster than musl's own by half; see `ARCHITECTURE.md`.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROGRAM: Program = Program {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    usage: "\
order-items-reserver: Azure Functions custom handler that reserves order items

usage: order-items-reserver [--check | --version | --help]

  (none)     serve the Functions host on 127.0.0.1:$FUNCTIONS_CUSTOMHANDLER_PORT
  --check    validate the settings, reach storage and fallback, write nothing

Settings come from the environment; the README lists them.",
};

const CHECK: &str = "--check";

/// The setting of the trigger that names the queue: for the spans, if there are any.
const QUEUE: &str = "ORDERS_QUEUE_NAME";

/// How often to look whether the host is still there.
const ORPHAN_CHECK: Duration = Duration::from_secs(2);

/// Never ends with 0 while the host lives: it would not start the handler again.
fn main() -> ExitCode {
    // First of all: a host that dies while we start leaves us to another parent.
    let parent = std::os::unix::process::parent_id();
    let checking = match PROGRAM.option(&[CHECK]) {
        Ok(option) => option == Some(CHECK),
        Err(code) => return code,
    };
    let read = settings::both(Settings::from_env(), Export::from_env(&PROGRAM));
    let (settings, export) = match read {
        Ok(read) => read,
        Err(mistakes) => return PROGRAM.fail(exit::USAGE, mistakes),
    };
    // One thread: an instance has one or two cores, and its host needs more of them than we do.
    match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(run(settings, export, checking, parent)),
        Err(error) => PROGRAM.fail(exit::OS, format!("runtime: {error}")),
    }
}

async fn run(settings: Settings, export: Option<Export>, checking: bool, parent: u32) -> ExitCode {
    let client = match http_client::build(USER_AGENT) {
        Ok(client) => client,
        Err(error) => return PROGRAM.fail(exit::SOFTWARE, error),
    };
    let function = match Function::from(&settings, &client) {
        Ok(function) => function,
        Err(error) => return PROGRAM.fail(error.exit_code(), error),
    };
    if checking {
        let spans = Export::told(export.as_ref());
        return check::run(
            &settings,
            &spans,
            function.store.blobs(),
            &function.fallback,
        )
        .await;
    }
    log::init(settings.log_filter.clone());
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).await {
        Ok(listener) => listener,
        Err(error) => return PROGRAM.fail(exit::OS, format!("port {}: {error}", settings.port)),
    };
    info!(
        version = PROGRAM.version,
        port = listener
            .local_addr()
            .map_or(settings.port, |address| address.port()),
        storage = settings.storage.shown(),
        container = settings.container,
        fallback = settings.fallback_url.origin(),
        spans = export.as_ref().map(Export::shown),
        "listening"
    );
    let exporter = export.map(|export| {
        settings::from_env(QUEUE)
            .into_iter()
            .for_each(span::of_queue);
        Exporter::start(export, client)
    });
    let end = match exporter.as_ref().map(|_| signal(SignalKind::terminate())) {
        Some(Err(error)) => return PROGRAM.fail(exit::OS, error),
        Some(Ok(end)) => Some(end),
        None => None,
    };
    let code = tokio::select! {
        served = http::serve(listener, Arc::new(function)) => {
            let why = served.err().map(|error| error.to_string());
            PROGRAM.fail(exit::OS, why.as_deref().unwrap_or("the listener ended"))
        }
        () = gone(parent), if settings.hosted => {
            PROGRAM.fail(exit::SOFTWARE, "the Functions host is gone")
        }
        () = told(end) => ExitCode::from(exit::TERMINATED),
    };
    if let Some(exporter) = exporter {
        exporter.finish(LAST_SPANS).await;
    }
    code
}

/// Ended by a signal, the process leaves at once, and what is under way comes again. With spans
/// that wait it leaves a little later, and goes on meanwhile with what is under way.
async fn told(end: Option<Signal>) {
    match end {
        Some(mut end) => drop(end.recv().await),
        None => std::future::pending().await,
    }
}

/// A host that crashed leaves its handler behind, which would hold the port for ever.
async fn gone(parent: u32) {
    while std::os::unix::process::parent_id() == parent {
        tokio::time::sleep(ORPHAN_CHECK).await;
    }
}
