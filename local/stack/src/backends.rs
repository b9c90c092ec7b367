//! What the handler reaches, and where the queue's door will be: all that must be known before the handler starts.

use tokio::net::TcpListener;

use super::options::{Ports, StackOptions, Storage};
use super::places::Places;
use super::wiring::redirect;
use super::{StackError, fallback};
use crate::ports::Place;
use blob::BlobEndpoint;
use host::app::FunctionApp;
use logic_app::LogicApp;
use logic_app::mail::MailService;

/// The storage and the fallback, those of them that are on this machine, and a listener for the door.
#[derive(Debug)]
pub(super) struct Backends {
    pub(super) blob: Option<BlobEndpoint>,
    pub(super) logic_app: Option<LogicApp>,
    pub(super) mail: Option<MailService>,
    pub(super) door: TcpListener,
}

impl Backends {
    /// Starts them; on free ports, the app's settings follow.
    pub(super) async fn start(
        options: &StackOptions,
        app: &mut FunctionApp,
    ) -> Result<Self, StackError> {
        let places = match options.ports {
            Ports::FromSettings => Places::of(app)?,
            Ports::Auto => Places::of(app)?.on_free_ports(),
        };
        let blob = match (options.storage, places.blob) {
            (Storage::Embedded, Some(place)) => Some(blobs(place, options).await?),
            _ => None,
        };
        let (logic_app, mail) = match places.logic_app {
            Some(place) => {
                let listener = place.bind().await?;
                let (logic_app, mail) =
                    fallback::start(&options.root, listener, &options.keep).await?;
                (Some(logic_app), mail)
            }
            None => (None, None),
        };
        let door = places.door.bind().await?;
        if options.ports == Ports::Auto {
            let door = door.local_addr()?;
            redirect(&mut app.settings, blob.as_ref(), logic_app.as_ref(), door);
        }
        Ok(Self {
            blob,
            logic_app,
            mail,
            door,
        })
    }
}

async fn blobs(place: Place, options: &StackOptions) -> Result<BlobEndpoint, StackError> {
    let listener = place.bind().await?;
    let storage = options.keep.blobs()?;
    Ok(BlobEndpoint::start_with(listener, storage)?)
}
