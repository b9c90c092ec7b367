//! Settings, telemetry, adapters, serve.

use std::{fmt::Display, net::Ipv4Addr, process::ExitCode, sync::Arc, time::Duration};

use order_items_reserver::{
    check,
    config::Settings,
    fallback::logic_app::{Authorization, LogicApp},
    http, http_client,
    reserve::Reserver,
    store::{azure::AzureBlobs, blob::BlobStore},
    telemetry,
};
use tokio::net::TcpListener;
use tracing::info;

/// Faster than musl's own by half; see `ARCHITECTURE.md`.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "\
order-items-reserver: Azure Functions custom handler that reserves order items

usage: order-items-reserver [--check | --version | --help]

  (none)     serve the Functions host on 127.0.0.1:$FUNCTIONS_CUSTOMHANDLER_PORT
  --check    validate the settings, reach storage and fallback, write nothing

Settings come from the environment; the README lists them.";

/// `EX_USAGE`, `EX_SOFTWARE` and `EX_OSERR` of `sysexits.h`. Never 0 while the host lives: it
/// would not start the handler again.
const EXIT_USAGE: u8 = 64;
const EXIT_SOFTWARE: u8 = 70;
const EXIT_OS: u8 = 71;

/// How often to look whether the host is still there.
const ORPHAN_CHECK: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    // First of all: a host that dies while we start leaves us to another parent.
    let parent = std::os::unix::process::parent_id();
    let mut arguments = std::env::args().skip(1);
    let checking = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => false,
        (Some("--check"), None) => true,
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
    // One thread: an instance has one or two cores, and its host needs more of them than we do.
    match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(run(settings, checking, parent)),
        Err(error) => fail(EXIT_OS, format!("runtime: {error}")),
    }
}

async fn run(settings: Settings, checking: bool, parent: u32) -> ExitCode {
    let client = match http_client::build() {
        Ok(client) => client,
        Err(error) => return fail(EXIT_SOFTWARE, error),
    };
    let timeout = settings.retry.attempt_timeout;
    let blobs = match AzureBlobs::new(&settings.storage, &settings.container, &client, timeout) {
        Ok(blobs) => blobs,
        Err(error) => return fail(EXIT_USAGE, error),
    };
    let for_retries = match http_client::unpooled().map(|client| blobs.through(&client)) {
        Ok(Ok(blobs)) => blobs,
        Ok(Err(error)) => return fail(EXIT_USAGE, error),
        Err(error) => return fail(EXIT_SOFTWARE, error),
    };
    if checking {
        return check::run(&settings, &blobs, &client).await;
    }
    telemetry::init(settings.log_filter.clone());
    let fallback = match fallback(&settings, client) {
        Ok(fallback) => fallback,
        Err(error) => return fail(EXIT_USAGE, format!("fallback: {error}")),
    };
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).await {
        Ok(listener) => listener,
        Err(error) => return fail(EXIT_OS, format!("port {}: {error}", settings.port)),
    };
    info!(
        version = env!("CARGO_PKG_VERSION"),
        port = listener
            .local_addr()
            .map_or(settings.port, |address| address.port()),
        storage = settings.storage.shown(),
        container = settings.container,
        fallback = settings.fallback_url.origin(),
        "listening"
    );
    let reserver = Reserver {
        store: BlobStore::new(blobs).retrying_through(for_retries),
        fallback,
        retry: settings.retry,
        fallback_timeout: settings.fallback_timeout,
    };
    tokio::select! {
        served = http::serve(listener, Arc::new(reserver)) => {
            fail(EXIT_OS, served.err().map_or("the listener ended".to_owned(), |error| error.to_string()))
        }
        () = gone(parent), if settings.hosted => fail(EXIT_SOFTWARE, "the Functions host is gone"),
    }
}

fn fallback(settings: &Settings, client: reqwest::Client) -> azure_core::Result<LogicApp> {
    let authorization = match &settings.fallback_token_scope {
        Some(scope) => Some(Authorization {
            credential: settings.identity.credential(&client)?,
            scope: scope.clone(),
        }),
        None => None,
    };
    Ok(LogicApp {
        url: settings.fallback_url.0.clone(),
        client,
        authorization,
    })
}

/// A host that crashed leaves its handler behind, which would hold the port for ever.
async fn gone(parent: u32) {
    while std::os::unix::process::parent_id() == parent {
        tokio::time::sleep(ORPHAN_CHECK).await;
    }
}

fn fail(code: u8, problem: impl Display) -> ExitCode {
    eprintln!("order-items-reserver: {problem}");
    ExitCode::from(code)
}
