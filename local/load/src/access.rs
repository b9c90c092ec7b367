//! Everything that speaks to the stack: over HTTP only, as anyone could who knows where it is.

mod blobs;
mod bus;
mod dashboard;
mod shapes;
mod signature;

use super::LoadError;
use super::target::Places;
pub(super) use blobs::Blobs;
pub(super) use bus::{Answer, Bus};
pub(super) use dashboard::Dashboard;
use stand_in::http_client;

/// One client for all parts of one stack.
#[derive(Debug, Clone)]
pub(super) struct Access {
    /// The queue's door.
    pub(super) bus: Bus,
    /// The dashboard's API.
    pub(super) dashboard: Dashboard,
    /// The storage account.
    pub(super) blobs: Blobs,
    /// For the storefront's pages.
    pub(super) client: reqwest::Client,
    /// Where they all are.
    pub(super) places: Places,
}

impl Access {
    pub(super) fn to(places: &Places) -> Result<Self, LoadError> {
        let problem = |error: &dyn std::error::Error| LoadError::Client(error.to_string());
        let builder = http_client::builder().map_err(|error| problem(&error))?;
        let builder = builder.redirect(reqwest::redirect::Policy::none());
        let client = builder.build().map_err(|error| problem(&error))?;
        let (at, with) = (|| places.clone(), || client.clone());
        Ok(Self {
            bus: Bus {
                places: at(),
                client: with(),
            },
            dashboard: Dashboard {
                places: at(),
                client: with(),
            },
            blobs: Blobs {
                places: at(),
                client: with(),
            },
            client: with(),
            places: at(),
        })
    }
}

/// The innermost cause: the outer ones only repeat the address.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
