//! Two instances of one function on one queue, and all that is around them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::app::Settings;
use host::{Event, Host, HostOptions};
use load::LoadError;
use load::places::{Addresses, Places};
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

use super::ChaosError;
use crate::parts::nothing;
use crate::{Ports, Stack};

/// For a handler's start; it takes milliseconds.
pub(super) const START: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Instances {
    handler: PathBuf,
    /// The stack with the first instance.
    pub(super) stack: Stack,
    /// The second instance's host.
    pub(super) second: Host,
}

impl Instances {
    /// Beside the instances it returns what each of the two hosts tells, from its start on.
    pub(super) async fn start(
        root: &Path,
        handler: &Path,
    ) -> Result<(Self, [Receiver<Event>; 2]), ChaosError> {
        let handler = std::path::absolute(handler).unwrap_or_else(|_| handler.to_owned());
        if !handler.is_file() {
            return Err(ChaosError::NoHandler(handler));
        }
        let mut stack = Stack::start(root, Ports::Auto, settings(&handler)).await?;
        let options = HostOptions {
            app: stack.app.clone(),
            handler_url: None,
            traces: true,
        };
        let (second, events_of_second) = Host::start(options, stack.queue.clone())?;
        let from_now_on = stack.host.as_ref().map_or_else(nothing, Host::events);
        let events_of_first = std::mem::replace(&mut stack.events, from_now_on);
        let instances = Self {
            handler,
            stack,
            second,
        };
        Ok((instances, [events_of_first, events_of_second]))
    }

    /// Waits until both take messages.
    pub(super) async fn ready(&self) -> Result<(), ChaosError> {
        let first = async {
            if let Some(host) = &self.stack.host {
                host.ready().await;
            }
        };
        let ready = async { tokio::join!(first, self.second.ready()) };
        match timeout(START, ready).await {
            Ok(_) => Ok(()),
            Err(_) => Err(ChaosError::NotReady(self.handler.clone())),
        }
    }

    /// Where its parts are.
    pub(super) fn places(&self) -> Result<Places, LoadError> {
        let stack = &self.stack;
        let by_hand = Addresses {
            queue: Some(format!("{}/{}", stack.door.url(), stack.queue.name())),
            blobs: stack.blob.as_ref().map(|blob| blob.url().to_owned()),
            look_query: None,
            container: stack.app.settings.get("ORDERS_CONTAINER").cloned(),
            dashboard: Some(stack.dashboard.url()),
            petstore: None,
            petstores: Vec::new(),
            connection: stack.app.settings.get("ServiceBusConnection").cloned(),
        };
        Ok(Places::find(PathBuf::new(), by_hand)?)
    }
}

/// Short limits: what the function waits for in Azure would make a long run of few messages.
fn settings(handler: &Path) -> Settings {
    let handler = handler.display().to_string();
    let all = [
        (
            "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath",
            handler.as_str(),
        ),
        ("UPLOAD_ATTEMPT_TIMEOUT_MS", "1000"),
        ("UPLOAD_BACKOFF_BASE_MS", "10"),
        ("FALLBACK_TIMEOUT_MS", "2000"),
        ("RUST_LOG", "error"),
    ];
    all.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}
