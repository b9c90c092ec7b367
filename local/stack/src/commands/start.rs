//! The bare `cargo local`: build, start everything, tell what happens until it is asked to end.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use blob::{Account, Azurite};
use host::app::{FunctionApp, Settings};
use stack::ports::Place;
use stack::running::Running;
use stack::storefront::{Storefront, StorefrontOptions};
use stack::{Hosting, Ports, Stack, StackError, StackOptions, Storage};
use tokio::time::Instant;

use super::azurite::of_the_orders;
use super::build::{Watch, build};
use super::cli::{HostChoice, StartOptions};
use super::interrupt::ABORTED;
use super::other_host::HostStorage;
use super::run_folder::RunFolder;
use super::summary::{blobs_url, summary};
use super::tell::{End, RunningParts, until_the_end};
use super::{LocalError, interrupt, other_host, screen};

/// Where the storefront listens when no setting says otherwise.
const PETSTORE_PORT: u16 = 8080;

/// How long the summary waits for the storefront's address.
const PETSTORE_START: Duration = Duration::from_secs(5);

/// Runs until it is interrupted (success) or the host gives up.
pub(super) async fn run(root: PathBuf, options: StartOptions) -> Result<ExitCode, LocalError> {
    let root = std::path::absolute(&root).unwrap_or(root);
    other_host::check(options.host())?;
    let folder = RunFolder::claim(&root, options.in_memory)?;
    if !options.no_build
        && let Some(failed) = build(&root)?
    {
        return Ok(failed);
    }
    let mut interrupted = pin!(interrupt::listen().map_err(LocalError::Signals)?);
    let insisted = interrupt::insisted().map_err(LocalError::Signals)?;
    let running = async {
        let mut watch = options.watch.then(|| Watch::start(&root)).transpose()?;
        loop {
            let end = once(&root, &options, &folder, watch, interrupted.as_mut()).await?;
            match end {
                End::Over(code) => return Ok(code),
                End::Again(and_on) => watch = Some(and_on),
            }
        }
    };
    tokio::select! {
        code = running => code,
        // Whoever repeats it does not want to wait: what is dropped is killed.
        () = insisted => Ok(ExitCode::from(ABORTED)),
    }
}

/// One life of the stack, from its start to its end.
async fn once(
    root: &Path,
    options: &StartOptions,
    folder: &RunFolder,
    watch: Option<Watch>,
    interrupted: impl Future<Output = ()>,
) -> Result<End, LocalError> {
    let started = Instant::now();
    let azurite = match options.azurite {
        true => Some(of_the_orders(root, options.ports.into(), folder).await?),
        false => None,
    };
    let host_storage = match options.host() {
        HostChoice::Local => None,
        HostChoice::Func | HostChoice::None => {
            let orders = azurite.as_ref();
            let ports = options.ports.into();
            Some(HostStorage::start(root, ports, folder, orders).await?)
        }
    };
    let stack = start_stack(root, options, folder, azurite.as_ref()).await?;
    let settings = host_storage.as_ref();
    let settings = settings.map(|storage| other_host::settings(&stack, storage));
    let storefronts = match options.no_petstore {
        true => Vec::new(),
        false => {
            let elsewhere = azurite.as_ref().map(Azurite::petstore_connection_string);
            start_petstores(&stack, options, elsewhere).await?
        }
    };
    let keeps = folder.lasting().is_some();
    let mut parts = RunningParts::new(stack, storefronts, watch, options.verbose, keeps);
    let petstores = parts.petstore_urls(PETSTORE_START).await;
    link_petstores(&parts.stack, &petstores);
    let running = running(&parts.stack, petstores, azurite.as_ref());
    if azurite.is_some()
        && let Some(url) = blobs_url(&running)
    {
        parts.stack.dashboard.add_link("blobs", &url);
    }
    folder.publish(&running)?;
    let mut summary = summary(&parts.stack, &running, folder, started.elapsed());
    if let Some(settings) = settings {
        match options.host() {
            HostChoice::Func => {
                let func = other_host::func_options(&parts.stack, options, settings)?;
                parts.start_func(func)?;
            }
            _ => summary.extend(other_host::told(&settings, folder)?),
        }
    }
    summary.extend([String::new(), "Ctrl+C ends it.".to_owned(), String::new()]);
    // A closed output, as in `cargo local | head`, ends the stack like an interrupt does.
    let end = match screen::print(&summary.join("\n")) {
        Ok(()) => tokio::select! {
            () = interrupted => {
                let word = "ending: what is in flight goes back to the queue; once more ends at once";
                // A closed output hears no last word.
                screen::tell(word).ok();
                End::Over(ExitCode::SUCCESS)
            }
            end = until_the_end(&mut parts) => end.unwrap_or(End::Over(ExitCode::SUCCESS)),
        },
        Err(_) => End::Over(ExitCode::SUCCESS),
    };
    parts.stop().await;
    if let Some(storage) = host_storage {
        storage.stop().await;
    }
    if let Some(azurite) = azurite {
        azurite.stop().await;
    }
    Ok(end)
}

/// The dashboard lists the links in the opposite order.
fn link_petstores(stack: &Stack, petstores: &[String]) {
    for (number, petstore) in petstores.iter().enumerate().rev() {
        let name = match number {
            0 => "petstore".to_owned(),
            _ => format!("petstore {}", number + 1),
        };
        stack.dashboard.add_link(&name, petstore);
    }
}

async fn start_stack(
    root: &Path,
    options: &StartOptions,
    folder: &RunFolder,
    azurite: Option<&Azurite>,
) -> Result<Stack, StackError> {
    let mut overrides = Settings::new();
    if let Some(azurite) = azurite {
        overrides.insert("OrdersStorage".to_owned(), azurite.connection_string());
    }
    Stack::start_with(StackOptions {
        root: root.to_owned(),
        ports: options.ports.into(),
        overrides,
        keep: folder.keep(),
        storage: match azurite {
            Some(_) => Storage::Elsewhere,
            None => Storage::Embedded,
        },
        hosting: match options.host() {
            HostChoice::Local => Hosting::Embedded,
            HostChoice::Func | HostChoice::None => Hosting::Elsewhere,
        },
    })
    .await
}

/// None when it is not built, after saying so.
async fn start_petstores(
    stack: &Stack,
    options: &StartOptions,
    storage: Option<String>,
) -> Result<Vec<Storefront>, LocalError> {
    let ports = options.ports.into();
    let Some(program) = Storefront::program() else {
        screen::print("warning: PetStore is not built and is left out; run without --no-build")?;
        return Ok(Vec::new());
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
    let settings = stack.shop_settings(ports, storage);
    let others = (1..options.shops.unwrap_or(1)).map(|_| 0);
    let storefronts = std::iter::once(port).chain(others).map(|port| {
        let settings = settings.clone();
        Storefront::start(program.clone(), StorefrontOptions { settings, port })
    });
    let storefronts: Vec<_> = storefronts.collect();
    for storefront in &storefronts {
        stack.dashboard.add_shop(storefront.kills());
    }
    Ok(storefronts)
}

fn petstore_port(app: &FunctionApp) -> Result<u16, LocalError> {
    let Some(text) = app.settings.get("PETSTORE_PORT") else {
        return Ok(PETSTORE_PORT);
    };
    let port = text.trim().parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| LocalError::PetstorePort(text.clone()))
}

fn running(stack: &Stack, petstores: Vec<String>, azurite: Option<&Azurite>) -> Running {
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
            .or(azurite.map(|azurite| azurite.url().to_owned())),
        look_query: azurite.map(|_| Account::ORDERS.look_query()),
        container: Some(container),
        connection: setting("ServiceBusConnection"),
        fallback: setting("FALLBACK_URL"),
        outbox: stack.outbox(),
        petstore: petstores.first().cloned(),
        petstores,
    }
}
