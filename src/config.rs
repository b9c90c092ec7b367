//! The settings of the function. Every mistake is reported at once.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use azure_app::identity::Identity;
use azure_app::settings;
use azure_app::settings::{
    AZURE_CLIENT_ID, IdentitySettings, Mistakes, Reader, Source, is_loopback,
};
use storage_account::StorageAccount;
use storage_account::settings::AccountSettings;
use tracing_subscriber::filter::Targets;
use url::Url;

use crate::reserve::REDELIVERY_WAIT_MAX_SECS;
use crate::retry::Retry;

/// Every setting of the function: its name, and its default or `None` where one must be given.
/// `README.md` and `local.settings.json` list the same; a test compares them.
pub const SETTINGS: [(&str, Option<&str>); 15] = [
    (PORT, Some("7072")),
    (STORAGE, None),
    (STORAGE_SERVICE_URI, None),
    (STORAGE_CREDENTIAL, None),
    (STORAGE_CLIENT_ID, None),
    (AZURE_CLIENT_ID, None),
    (CONTAINER, Some("orders")),
    (FALLBACK_URL, None),
    (FALLBACK_TOKEN_SCOPE, None),
    (FALLBACK_CLIENT_ID, None),
    (ATTEMPT_TIMEOUT, Some("10000")),
    (BACKOFF_BASE, Some("1000")),
    (FALLBACK_TIMEOUT, Some("100000")),
    (SESSIONS_AT_ONCE, Some("64")),
    (LOG_FILTER, Some("info")),
];

const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";
const STORAGE: &str = "OrdersStorage";
const STORAGE_SERVICE_URI: &str = "OrdersStorage__blobServiceUri";
const STORAGE_CREDENTIAL: &str = "OrdersStorage__credential";
const STORAGE_CLIENT_ID: &str = "OrdersStorage__clientId";
/// Not read: an identity is named by its client id.
const STORAGE_OTHER_IDS: [&str; 2] = [
    "OrdersStorage__managedIdentityResourceId",
    "OrdersStorage__managedIdentityObjectId",
];
const CONTAINER: &str = "ORDERS_CONTAINER";
const FALLBACK_URL: &str = "FALLBACK_URL";
const FALLBACK_TOKEN_SCOPE: &str = "FALLBACK_TOKEN_SCOPE";
const FALLBACK_CLIENT_ID: &str = "FALLBACK_CLIENT_ID";
const ATTEMPT_TIMEOUT: &str = "UPLOAD_ATTEMPT_TIMEOUT_MS";
const BACKOFF_BASE: &str = "UPLOAD_BACKOFF_BASE_MS";
const FALLBACK_TIMEOUT: &str = "FALLBACK_TIMEOUT_MS";
/// As many as a batch has, by default: with a store of 5 ms a batch of 64 carts takes 7 ms, and 42
/// with 8 at once, by the same instructions; `benches/RESULTS.md` has the table.
const SESSIONS_AT_ONCE: &str = "BATCH_SESSIONS_AT_ONCE";
const LOG_FILTER: &str = "RUST_LOG";

/// What is left of a trigger's URL when a shell read it.
const UNSIGNED: &str = "the URL of a Logic App's trigger without its signature (sig=), which the workflow refuses; \
     expected the whole URL, or FALLBACK_TOKEN_SCOPE for a token in its place. A shell ends a command at each & \
     that is not in quotes (sh, cmd, PowerShell, az), so that ?api-version=… alone is left of the query: \
     put the URL in quotes there, or set it in the portal or from a file";

/// Where the orders are kept, and who the function is there.
const STORAGE_SETTINGS: AccountSettings = AccountSettings {
    connection: STORAGE,
    service_uri: STORAGE_SERVICE_URI,
    identity: IdentitySettings {
        credential: STORAGE_CREDENTIAL,
        client_id: STORAGE_CLIENT_ID,
        other_ids: STORAGE_OTHER_IDS,
    },
};

const FALLBACK_EXPECTED: &str =
    "expected the https URL of the Logic App's trigger (http on loopback only)";

/// Set by the host for the handlers it starts.
const WORKER_ID: &str = "FUNCTIONS_CUSTOMHANDLER_WORKER_ID";

/// `functionTimeout` of `host.json`.
pub const FUNCTION_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// `maxAutoLockRenewalDuration` of `host.json`: how long the host keeps a message to itself.
pub const LOCK_RENEWAL_MAX: Duration = Duration::from_secs(10 * 60);

const _: () = assert!(
    FUNCTION_TIMEOUT.as_secs() <= LOCK_RENEWAL_MAX.as_secs(),
    "a message must not be delivered again while its invocation still runs"
);

/// `lockDuration` of the queue in `infra/`, the longest that Service Bus allows.
pub const LOCK: Duration = Duration::from_secs(5 * 60);

const _: () = assert!(
    FUNCTION_TIMEOUT.as_secs() <= LOCK.as_secs(),
    "nobody renews the locks of a batch: it must have ended, or been killed, before they do"
);

/// `maxMessageBatchSize` of `host.json`: the messages of a batch at the most.
pub const BATCH_MAX: usize = 64;

/// How long a request may take to arrive: over loopback, and at most a few MB.
pub const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The way there and back: the host counts from before it sends, and one invocation that is late
/// costs all that are under way.
pub const MARGIN: Duration = READ_TIMEOUT.saturating_add(Duration::from_secs(5));

/// From when a request was read to its answer.
pub const INVOCATION_MAX: Duration = FUNCTION_TIMEOUT.saturating_sub(MARGIN);

/// The function's settings, complete and consistent.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Port on 127.0.0.1; 0 for any free one.
    pub port: u16,
    /// Where the orders go.
    pub storage: StorageAccount,
    /// The container in it.
    pub container: String,
    /// The Logic App's trigger. May carry a signature: not for logs.
    pub fallback_url: SecretUrl,
    /// Scope of the Entra token for it, if it wants one.
    pub fallback_token_scope: Option<String>,
    /// Whose token.
    pub fallback_identity: Identity,
    /// How uploads are retried.
    pub retry: Retry,
    /// Time limit of the one call of the fallback.
    pub fallback_timeout: Duration,
    /// Sessions of a batch that are worked on beside each other.
    pub sessions_at_once: NonZeroUsize,
    /// What is logged.
    pub log_filter: Targets,
    /// Started by a Functions host, which it should not outlive.
    pub hosted: bool,
}

/// A URL whose query is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(pub Url);

impl SecretUrl {
    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.origin())
    }
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
        let port = reader.number(PORT, 0..=65_535);
        let identity = reader.identity(STORAGE_SETTINGS.identity);
        let storage = STORAGE_SETTINGS.read(reader, identity.as_ref());
        let container = container(reader);
        let fallback_url = fallback_url(reader);
        let fallback_token_scope = fallback_token_scope(reader, fallback_url.as_ref());
        let fallback_identity = fallback_identity(reader, identity);
        let attempt_timeout = reader.milliseconds(ATTEMPT_TIMEOUT);
        let backoff_base = reader.milliseconds(BACKOFF_BASE);
        let fallback_timeout = reader.milliseconds(FALLBACK_TIMEOUT);
        let sessions_at_once = reader.number(SESSIONS_AT_ONCE, 1..=1_000);
        let log_filter = reader.parsed(
            LOG_FILTER,
            "a log filter such as info or info,order_items_reserver=debug",
        );
        let hosted = reader.get(WORKER_ID).is_some();
        let retry = Retry {
            attempt_timeout: attempt_timeout?,
            backoff_base: backoff_base?,
        };
        let fallback_timeout = fallback_timeout?;
        check_budget(&retry, fallback_timeout, reader);
        Some(Self {
            port: port?.try_into().ok()?,
            storage: storage?,
            container: container?,
            fallback_url: SecretUrl(fallback_url?),
            fallback_token_scope: fallback_token_scope?,
            fallback_identity: fallback_identity?,
            retry,
            fallback_timeout,
            sessions_at_once: usize::try_from(sessions_at_once?).ok()?.try_into().ok()?,
            log_filter: log_filter?,
            hosted,
        })
    }
}

/// "Naming and referencing containers, blobs, and metadata" of the Blob Storage REST API.
fn container(reader: &mut Reader<'_>) -> Option<String> {
    let name = reader.or_default(CONTAINER);
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let legal = (3..=63).contains(&name.len())
        && name.bytes().all(|b| alphanumeric(b) || b == b'-')
        && name.split('-').all(|word| !word.is_empty());
    if legal {
        return Some(name);
    }
    let problem = format!(
        "`{name}` is no container name; \
         expected 3 to 63 lower-case letters, digits and single hyphens"
    );
    reader.wrong(CONTAINER, problem)
}

/// Orders hold e-mail addresses: they leave the machine encrypted only.
fn fallback_url(reader: &mut Reader<'_>) -> Option<Url> {
    let Some(text) = reader.get(FALLBACK_URL) else {
        return reader.wrong(FALLBACK_URL, format!("missing; {FALLBACK_EXPECTED}"));
    };
    match Url::parse(&text) {
        Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => {
            Some(url)
        }
        Ok(url) => reader.wrong(
            FALLBACK_URL,
            format!(
                "{}: not allowed; {FALLBACK_EXPECTED}",
                url.origin().ascii_serialization()
            ),
        ),
        Err(_) => reader.wrong(FALLBACK_URL, format!("not a URL; {FALLBACK_EXPECTED}")),
    }
}

/// `Some(None)` when no token is wanted, which is where the URL itself has to open the workflow: a
/// trigger refuses what is neither signed nor comes with a token, and that would show on the worst
/// day only, when the storage is down.
fn fallback_token_scope(reader: &mut Reader<'_>, url: Option<&Url>) -> Option<Option<String>> {
    let Some(url) = url else {
        return Some(None);
    };
    let Some(scope) = reader.get(FALLBACK_TOKEN_SCOPE) else {
        if is_trigger(url) && !is_loopback(url) && !is_signed(url) {
            return reader.wrong(FALLBACK_URL, UNSIGNED);
        }
        return Some(None);
    };
    if is_signed(url) {
        return reader.wrong(
            FALLBACK_TOKEN_SCOPE,
            format!("{FALLBACK_URL} is signed already (sig=); expected one of them"),
        );
    }
    if url.scheme() != "https" {
        return reader.wrong(
            FALLBACK_TOKEN_SCOPE,
            format!("a token goes over https only; expected an https {FALLBACK_URL}"),
        );
    }
    Some(Some(scope))
}

/// One without any role where there is one, so that the token opens nothing; else the storage's.
fn fallback_identity(reader: &mut Reader<'_>, storage: Option<Identity>) -> Option<Identity> {
    match reader.get(FALLBACK_CLIENT_ID) {
        None => storage,
        Some(_) if reader.get(FALLBACK_TOKEN_SCOPE).is_none() => reader.wrong(
            FALLBACK_CLIENT_ID,
            format!("no token is wanted; expected {FALLBACK_TOKEN_SCOPE} too"),
        ),
        client_id => Some(Identity::Managed { client_id }),
    }
}

fn is_signed(url: &Url) -> bool {
    url.query_pairs()
        .any(|(name, value)| name == "sig" && !value.is_empty())
}

/// Whether it is the trigger of a Logic App: by its host in each of Azure's clouds, or by its path,
/// which a Standard app and the Power Platform have too
/// (`/workflows/x/triggers/manual/paths/invoke`, `/api/x/triggers/manual/invoke`).
fn is_trigger(url: &Url) -> bool {
    const HOSTS: [&str; 3] = [".logic.azure.com", ".logic.azure.us", ".logic.azure.cn"];
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let mut below = url.path_segments().into_iter().flatten();
    let named = below.any(|segment| segment.eq_ignore_ascii_case("triggers"))
        && below.next().is_some_and(|trigger| !trigger.is_empty());
    named || HOSTS.iter().any(|suffix| host.ends_with(suffix))
}

/// One invocation must answer before the host kills the process: all uploads, the fallback and the
/// wait before the answer must fit.
fn check_budget(retry: &Retry, fallback_timeout: Duration, reader: &mut Reader<'_>) {
    let wait = Duration::from_secs(REDELIVERY_WAIT_MAX_SECS);
    let longest = retry.budget() + fallback_timeout + wait;
    let limit = INVOCATION_MAX;
    if longest > limit {
        let problem = format!(
            "the uploads ({:?}), the fallback ({fallback_timeout:?}) and the wait before a redelivery \
             ({wait:?}) may take {longest:?} together; expected at most {limit:?}: \
             functionTimeout ({FUNCTION_TIMEOUT:?}) less {MARGIN:?} of margin",
            retry.budget(),
        );
        reader.wrong::<()>(FALLBACK_TIMEOUT, problem);
    }
}
