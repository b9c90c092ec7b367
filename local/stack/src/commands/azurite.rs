//! `--azurite`: a real Azurite where `OrdersStorage` points.

use std::path::Path;

use blob::AzuriteOptions;
use host::app::{FunctionApp, Settings};
use stack::ports::Place;
use stack::{Ports, StackError, storage_port};

pub(super) use blob::Azurite;

use super::folder::Kept;
use super::{LocalError, text};

/// Pinned for the tests too.
const PACKAGE: &str = "tests/azurite";
const INSTALLED: &str = "target/azurite";

/// Starts it for the app in `root`.
pub(super) async fn start(root: &Path, ports: Ports, kept: &Kept) -> Result<Azurite, LocalError> {
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
    let installed = root.join(INSTALLED);
    if !installed.is_dir() {
        text::print("npm installs Azurite, once")?;
    }
    let options = AzuriteOptions {
        package: root.join(PACKAGE),
        installed,
        port,
        data: kept.lasting().map(|folder| folder.join("azurite")),
    };
    Ok(Azurite::start(&options).await?)
}
