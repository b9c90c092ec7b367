//! The settings of the storefront. Every mistake is reported at once.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use azure_app::settings;
use azure_app::settings::{AZURE_CLIENT_ID, Mistakes, Reader, Source};
use service_bus::{Queue, settings as bus};
use tracing_subscriber::filter::Targets;

use crate::cookie::{Key, Transport};

/// Every setting: its name, and its default or `None` where there is none.
pub const SETTINGS: [(&str, Option<&str>); 12] = [
    (PORT, Some("8080")),
    (bus::CONNECTION, None),
    (bus::NAMESPACE, None),
    (bus::CREDENTIAL, None),
    (bus::CLIENT_ID, None),
    (AZURE_CLIENT_ID, None),
    (bus::QUEUE, Some(bus::DEFAULT_QUEUE)),
    (PUBLISH_TIMEOUT, Some("10000")),
    (COOKIE_KEY, None),
    (DATA, None),
    (OUTBOX_MAX, Some("10000")),
    (LOG_FILTER, Some("info")),
];

const PORT: &str = "PORT";
const PUBLISH_TIMEOUT: &str = "PUBLISH_TIMEOUT_MS";
/// Signs the cookies.
pub const COOKIE_KEY: &str = "PETSTORE_COOKIE_KEY";
const DATA: &str = "PETSTORE_DATA";
const OUTBOX_MAX: &str = "PETSTORE_OUTBOX_MAX";
const LOG_FILTER: &str = "RUST_LOG";

/// Set by App Service.
const SITE_NAME: &str = "WEBSITE_SITE_NAME";

/// Shorter keys can be guessed.
const KEY_LENGTH_MIN: usize = 32;

/// The storefront's settings, complete and consistent.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen: loopback on a laptop, everywhere in Azure.
    pub address: Ipv4Addr,
    /// The port; 0 for any free one.
    pub port: u16,
    /// Where orders go.
    pub queue: Queue,
    /// Time limit of one attempt to send.
    pub publish_timeout: Duration,
    /// Signs the cookies; `None` for one of our own in the data folder.
    pub cookie_key: Option<Key>,
    /// How the cookie travels.
    pub transport: Transport,
    /// Outbox and key.
    pub data: PathBuf,
    /// The most sessions that may wait in the outbox.
    pub outbox_max: usize,
    /// What is logged.
    pub log_filter: Targets,
}

impl Settings {
    /// Reads the environment of the process.
    ///
    /// # Errors
    /// Lists everything that is missing or wrong.
    pub fn from_env() -> Result<Self, Mistakes> {
        Self::read(&settings::from_env)
    }

    /// Reads the settings from `source`; an empty value counts as unset.
    ///
    /// # Errors
    /// Lists everything that is missing or wrong.
    pub fn read(source: Source<'_>) -> Result<Self, Mistakes> {
        settings::read(&SETTINGS, source, Self::assemble)
    }

    /// Reads everything before it gives up on anything: the mistakes are in the reader.
    fn assemble(reader: &mut Reader<'_>) -> Option<Self> {
        let in_azure = reader.get(SITE_NAME).is_some();
        let port = reader.number(PORT, 0..=65_535);
        let queue = Queue::read(reader);
        let publish_timeout = reader.milliseconds(PUBLISH_TIMEOUT);
        let cookie_key = cookie_key(reader, in_azure);
        let outbox_max = reader.number(OUTBOX_MAX, 1..=1_000_000);
        let log_filter = reader.parsed(
            LOG_FILTER,
            "a log filter such as info or info,petstore=debug",
        );
        let (address, transport, data) = if in_azure {
            // App Service keeps /home over restarts.
            (Ipv4Addr::UNSPECIFIED, Transport::Secure, "/home/petstore")
        } else {
            (Ipv4Addr::LOCALHOST, Transport::Plain, ".local/petstore")
        };
        Some(Self {
            address,
            port: port?.try_into().ok()?,
            queue: queue?,
            publish_timeout: publish_timeout?,
            cookie_key: cookie_key?,
            transport,
            data: reader.get(DATA).unwrap_or_else(|| data.to_owned()).into(),
            outbox_max: outbox_max?.try_into().ok()?,
            log_filter: log_filter?,
        })
    }
}

/// `Some(None)` when the data folder's own key will do.
fn cookie_key(reader: &mut Reader<'_>, in_azure: bool) -> Option<Option<Key>> {
    let expected = format!(
        "expected a secret text of at least {KEY_LENGTH_MIN} characters, the same for every instance"
    );
    match reader.get(COOKIE_KEY) {
        Some(text) if text.len() < KEY_LENGTH_MIN => {
            reader.wrong(COOKIE_KEY, format!("too short; {expected}"))
        }
        Some(text) => Some(Key::new(&text)),
        None if in_azure => reader.wrong(COOKIE_KEY, format!("missing; {expected}")),
        None => Some(None),
    }
}
