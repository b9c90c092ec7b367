//! The bare `cargo local`: build, start everything, tell what happens until it is asked to end.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use host::app::{FunctionApp, Settings};
use stack::ports::Place;
use stack::running::Running;
use stack::storefront::{Storefront, StorefrontOptions};
use stack::{Ports, Stack, StackError, StackOptions, Storage};
use tokio::time::Instant;

use super::azurite::{self, Azurite};
use super::cli::Options;
use super::folder::Kept;
use super::tell::{self, Scene};
use super::watch::Watch;
use super::{LocalError, build, interrupt, summary, text};

/// Where the storefront listens when no setting says otherwise.
const PETSTORE_PORT: u16 = 8080;

/// How long the summary waits for the storefront's address.
const PETSTORE_START: Duration = Duration::from_secs(5);

/// Runs until it is interrupted (success) or the host gives up.
pub(super) async fn run(root: PathBuf, options: Options) -> Result<ExitCode, LocalError> {
    let root = std::path::absolute(&root).unwrap_or(root);
    let kept = Kept::claim(&root, options.in_memory)?;
    if !options.no_build
        && let Some(failed) = build::run(&root)?
    {
        return Ok(failed);
    }
    let started = Instant::now();
    let interrupted = interrupt::listen().map_err(LocalError::Signals)?;
    let watch = options.watch.then(|| Watch::start(&root)).transpose()?;
    let azurite = match options.azurite {
        true => Some(azurite::start(&root, options.ports.into(), &kept).await?),
        false => None,
    };
    let stack = start_stack(root, &options, &kept, azurite.as_ref()).await?;
    let storefront = match options.no_petstore {
        true => None,
        false => start_petstore(&stack, options.ports.into(), &kept).await?,
    };
    let mut scene = Scene::new(stack, storefront, watch, options.verbose);
    let petstore = scene.petstore_url(PETSTORE_START).await;
    let azurite_url = azurite.as_ref().map(|azurite| azurite.url().to_owned());
    if let Some(petstore) = &petstore {
        scene.stack.dashboard.add_link("petstore", petstore);
    }
    let running = running(&scene.stack, petstore, azurite_url);
    kept.publish(&running)?;
    let summary = summary::of(&scene.stack, &running, &kept, started.elapsed());
    // A closed output, as in `cargo local | head`, ends the stack like an interrupt does.
    let end = match text::print(&summary) {
        Ok(()) => tokio::select! {
            () = interrupted => ExitCode::SUCCESS,
            end = tell::until_the_end(&mut scene) => end.unwrap_or(ExitCode::SUCCESS),
        },
        Err(_) => ExitCode::SUCCESS,
    };
    scene.stop().await;
    if let Some(azurite) = azurite {
        azurite.stop().await;
    }
    Ok(end)
}

async fn start_stack(
    root: PathBuf,
    options: &Options,
    kept: &Kept,
    azurite: Option<&Azurite>,
) -> Result<Stack, StackError> {
    let mut overrides = Settings::new();
    if let Some(azurite) = azurite {
        overrides.insert("OrdersStorage".to_owned(), azurite.connection_string());
    }
    Stack::start_with(StackOptions {
        root,
        ports: options.ports.into(),
        overrides,
        keep: kept.keep(),
        storage: match azurite {
            Some(_) => Storage::Elsewhere,
            None => Storage::Embedded,
        },
    })
    .await
}

/// `None` when it is not built, after saying so.
async fn start_petstore(
    stack: &Stack,
    ports: Ports,
    kept: &Kept,
) -> Result<Option<Storefront>, LocalError> {
    let Some(program) = Storefront::program() else {
        text::print("warning: PetStore is not built and is left out; run without --no-build")?;
        return Ok(None);
    };
    let port = match ports {
        Ports::Auto => 0,
        Ports::FromSettings => petstore_port(&stack.app)?,
    };
    let place = Place {
        part: "storefront (PetStore)",
        setting: "PETSTORE_PORT (8080 unless it is set)",
        port,
    };
    // It would say so too, but not who has it.
    drop(place.bind().await.map_err(StackError::from)?);
    let options = StorefrontOptions {
        settings: stack.app.settings.clone(),
        port,
        data: kept.folder().join("petstore"),
    };
    Ok(Some(Storefront::start(program, options)))
}

fn petstore_port(app: &FunctionApp) -> Result<u16, LocalError> {
    let Some(text) = app.settings.get("PETSTORE_PORT") else {
        return Ok(PETSTORE_PORT);
    };
    let port = text.trim().parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| LocalError::PetstorePort(text.clone()))
}

fn running(stack: &Stack, petstore: Option<String>, azurite: Option<String>) -> Running {
    let setting = |name: &str| stack.app.settings.get(name).cloned();
    let container = setting("ORDERS_CONTAINER").unwrap_or_else(|| "orders".to_owned());
    Running {
        pid: std::process::id(),
        dashboard: Some(stack.dashboard.url()),
        queue: Some(format!("{}/{}", stack.door.url(), stack.queue.name())),
        blobs: stack
            .blob
            .as_ref()
            .map(|blob| blob.url().to_owned())
            .or(azurite),
        container: Some(container),
        connection: setting("ServiceBusConnection"),
        fallback: setting("FALLBACK_URL"),
        outbox: stack.outbox(),
        petstore,
    }
}
