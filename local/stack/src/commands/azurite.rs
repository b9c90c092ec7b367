//! The real Azurite: for the orders (`--azurite`), and for a host that needs a storage of its own.

use std::path::Path;

use blob::{Azurite, AzuriteError, AzuriteOptions};
use host::app::{FunctionApp, Settings};
use stack::ports::Place;
use stack::{Ports, StackError, storage_port};

use super::run_folder::RunFolder;
use super::{LocalError, screen};

/// Pinned for the tests too.
const PACKAGE: &str = "tests/azurite";
const INSTALLED: &str = "target/azurite";

/// `--azurite`: a real Azurite where `OrdersStorage` points.
pub(super) async fn of_the_orders(
    root: &Path,
    ports: Ports,
    folder: &RunFolder,
) -> Result<Azurite, LocalError> {
    let app = FunctionApp::load(root, Settings::new()).map_err(StackError::from)?;
    let port = storage_port(&app).ok_or(LocalError::StorageElsewhere)?;
    let port = match ports {
        Ports::Auto => 0,
        Ports::FromSettings => port,
    };
    let place = Place {
        part: "storage (Azurite)",
        setting: "OrdersStorage",
        port,
    };
    // It would say so too, but not who has it.
    drop(place.bind().await.map_err(StackError::from)?);
    Ok(start(root, port, folder, "azurite").await?)
}

/// One on that port, which keeps what it has under `name` in the folder of the run.
pub(super) async fn start(
    root: &Path,
    port: u16,
    folder: &RunFolder,
    name: &str,
) -> Result<Azurite, AzuriteError> {
    let options = AzuriteOptions {
        package: root.join(PACKAGE),
        installed: root.join(INSTALLED),
        port,
        data: folder.lasting().map(|folder| folder.join(name)),
    };
    if !options.installed.is_dir() {
        // A closed output ends the stack at its summary.
        screen::print("npm installs Azurite, once").ok();
    }
    Azurite::start(&options).await
}
