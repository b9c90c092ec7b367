//! Everything that speaks to the stack: over HTTP only, as anyone could who knows where it is.

mod blobs;
mod bus;
mod dashboard;

use std::error::Error;

use stand_in::http_client;

use crate::LoadError;
use crate::places::Places;
pub(crate) use blobs::Blobs;
pub(crate) use bus::{Answer, Bus, Counts};
pub(crate) use dashboard::{Breakable, Dashboard};

/// One client for all parts of one stack.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) bus: Bus,
    pub(crate) dashboard: Dashboard,
    pub(crate) blobs: Blobs,
    /// For the storefront's pages.
    pub(crate) client: reqwest::Client,
    pub(crate) places: Places,
}

impl Access {
    pub(crate) fn to(places: &Places) -> Result<Self, LoadError> {
        let problem = |error: &dyn Error| LoadError::Client(error.to_string());
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
pub(crate) fn cause(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
