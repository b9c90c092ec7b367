//! The settings of the storefront. Every mistake is reported at once.

use std::net::Ipv4Addr;
use std::time::Duration;

use azure_app::settings;
use azure_app::settings::{AZURE_CLIENT_ID, IdentitySettings, Mistakes, Reader, Source};
use service_bus::{Queue, settings as bus};
use storage_account::StorageAccount;
use storage_account::settings::AccountSettings;
use tracing_subscriber::filter::Targets;

/// Every setting: its name, and its default or `None` where there is none.
pub const SETTINGS: [(&str, Option<&str>); 14] = [
    (PORT, Some("8080")),
    (bus::CONNECTION, None),
    (bus::NAMESPACE, None),
    (bus::CREDENTIAL, None),
    (bus::CLIENT_ID, None),
    (AZURE_CLIENT_ID, None),
    (bus::QUEUE, Some(bus::DEFAULT_QUEUE)),
    (PUBLISH_TIMEOUT, Some("10000")),
    (STORAGE, None),
    (STORAGE_SERVICE_URI, None),
    (STORAGE_CREDENTIAL, None),
    (STORAGE_CLIENT_ID, None),
    (OUTBOX_MAX, Some("10000")),
    (LOG_FILTER, Some("info")),
];

const PORT: &str = "PORT";
const PUBLISH_TIMEOUT: &str = "PUBLISH_TIMEOUT_MS";
const STORAGE: &str = "PetStoreStorage";
const STORAGE_SERVICE_URI: &str = "PetStoreStorage__blobServiceUri";
const STORAGE_CREDENTIAL: &str = "PetStoreStorage__credential";
const STORAGE_CLIENT_ID: &str = "PetStoreStorage__clientId";
const OUTBOX_MAX: &str = "PETSTORE_OUTBOX_MAX";
const LOG_FILTER: &str = "RUST_LOG";

/// Set by App Service.
const SITE_NAME: &str = "WEBSITE_SITE_NAME";

/// Where the carts are kept, and who the storefront is there.
const STORAGE_SETTINGS: AccountSettings = AccountSettings {
    connection: STORAGE,
    service_uri: STORAGE_SERVICE_URI,
    identity: IdentitySettings {
        credential: STORAGE_CREDENTIAL,
        client_id: STORAGE_CLIENT_ID,
        // Not read: an identity is named by its client id.
        other_ids: [
            "PetStoreStorage__managedIdentityResourceId",
            "PetStoreStorage__managedIdentityObjectId",
        ],
    },
};

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
    /// Where the carts are kept.
    pub storage: StorageAccount,
    /// Behind App Service's front end, which speaks TLS.
    pub in_azure: bool,
    /// The most shoppers whose orders may wait for the bus.
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
        let identity = reader.identity(STORAGE_SETTINGS.identity);
        let storage = STORAGE_SETTINGS.read(reader, identity.as_ref());
        let outbox_max = reader.number(OUTBOX_MAX, 1..=1_000_000);
        let log_filter = reader.parsed(
            LOG_FILTER,
            "a log filter such as info or info,petstore=debug",
        );
        let address = match in_azure {
            true => Ipv4Addr::UNSPECIFIED,
            false => Ipv4Addr::LOCALHOST,
        };
        Some(Self {
            address,
            port: port?.try_into().ok()?,
            queue: queue?,
            publish_timeout: publish_timeout?,
            storage: storage?,
            in_azure,
            outbox_max: outbox_max?.try_into().ok()?,
            log_filter: log_filter?,
        })
    }
}
