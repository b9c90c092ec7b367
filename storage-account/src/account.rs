//! An account's blob endpoint and the way in: connection strings and endpoints.

use std::fmt;

use azure_app::identity::Identity;
use azure_core::credentials::Secret;
use url::Url;

use crate::shared_key::AccountKey;

/// The documented account of the storage emulator: public, the same on every machine.
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";
const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A storage account's blob endpoint and the way in.
#[derive(Clone, PartialEq, Eq)]
pub struct StorageAccount {
    endpoint: Url,
    /// How requests are authorized.
    pub access: Access,
}

/// How requests are authorized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// A token of Entra ID with each request.
    Identity(Identity),
    /// The account's key signs each request ("Authorize with Shared Key").
    Key(AccountKey),
    /// A shared access signature, part of the URL.
    Signed,
}

/// What a shared access signature says of itself; the service holds it to that. Nothing of it is
/// secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// `sp`, a letter each; `None` where a policy of the container says it (`si`).
    permissions: Option<String>,
    /// `se`: when it ends, where no policy says it.
    pub ends: Option<String>,
    /// Whether it can be for the making of a container: it is for an account, and for containers
    /// in it (`srt`).
    of_containers: bool,
}

impl Grant {
    /// Whether it grants one of these, so far as it says.
    fn has(&self, permissions: &[char]) -> bool {
        let granted = self.permissions.as_deref();
        granted.is_none_or(|granted| granted.contains(permissions))
    }

    /// `sp`, as it stands there.
    #[must_use]
    pub fn permissions(&self) -> &str {
        self.permissions.as_deref().unwrap_or("by policy")
    }

    /// Whether blobs can be read, and with them the place of a stored order.
    #[must_use]
    pub fn reads(&self) -> bool {
        self.has(&['r'])
    }

    /// Whether a new blob can be written.
    #[must_use]
    pub fn creates(&self) -> bool {
        self.has(&['c', 'w'])
    }

    /// Whether a blob can be overwritten.
    #[must_use]
    pub fn overwrites(&self) -> bool {
        self.has(&['w'])
    }

    /// Whether the container can be created.
    #[must_use]
    pub fn creates_container(&self) -> bool {
        self.of_containers && self.has(&['c', 'w'])
    }
}

/// What is wrong with a connection string or endpoint. Never quotes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// A part that is no `name=value`.
    #[error("part {0} is not name=value; expected name=value pairs separated by ';'")]
    NoPair(usize),
    /// No URL, or one that nobody can append a container to.
    #[error("{0} is not an http(s) URL such as https://<account>.blob.core.windows.net")]
    NoUrl(&'static str),
    /// Nothing says which account.
    #[error("neither BlobEndpoint nor AccountName is given")]
    NoEndpoint,
    /// Nothing says how to get in.
    #[error("neither AccountKey with AccountName nor SharedAccessSignature is given")]
    NoAccess,
    /// What is left of a shared access signature when a shell read it.
    #[error(
        "SharedAccessSignature has no sig=; a shell ends a command at each & that is not in quotes"
    )]
    NoSignature,
    /// A storage key is base64: this one is cut off, or something else.
    #[error("AccountKey is not base64")]
    KeyNotBase64,
    /// Tokens are never sent in the clear.
    #[error("an identity needs an https URL")]
    InsecureIdentity,
}

impl StorageAccount {
    /// An account opened with an Entra identity, as `X__blobServiceUri` names it.
    ///
    /// # Errors
    /// When `endpoint` is no https URL.
    pub fn with_identity(endpoint: &str, identity: Identity) -> Result<Self, AccountError> {
        let endpoint = base_url(endpoint, "the endpoint")?;
        if endpoint.scheme() != "https" {
            return Err(AccountError::InsecureIdentity);
        }
        Ok(Self {
            endpoint,
            access: Access::Identity(identity),
        })
    }

    /// Reads an Azure Storage connection string; `UseDevelopmentStorage=true` is Azurite.
    ///
    /// # Errors
    /// Names what is missing.
    pub fn from_connection_string(text: &str) -> Result<Self, AccountError> {
        let parts = Parts::read(text)?;
        if parts
            .get("UseDevelopmentStorage")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        {
            return Self::emulator(parts.get("DevelopmentStorageProxyUri"));
        }
        let mut endpoint = match (parts.get("BlobEndpoint"), parts.get("AccountName")) {
            (Some(endpoint), _) => base_url(endpoint, "BlobEndpoint")?,
            (None, Some(account)) => {
                let scheme = parts.get("DefaultEndpointsProtocol").unwrap_or("https");
                let suffix = parts.get("EndpointSuffix").unwrap_or("core.windows.net");
                default_endpoint(scheme, account, suffix)?
            }
            (None, None) => return Err(AccountError::NoEndpoint),
        };
        let access = match (
            parts.get("SharedAccessSignature"),
            parts.get("AccountName"),
            parts.get("AccountKey"),
        ) {
            (Some(signature), ..) => {
                endpoint.set_query(Some(signature.trim_start_matches('?')));
                let mut pairs = endpoint.query_pairs();
                if !pairs.any(|(name, value)| name == "sig" && !value.is_empty()) {
                    return Err(AccountError::NoSignature);
                }
                Access::Signed
            }
            (None, Some(account), Some(key)) => Access::Key(account_key(account, key)?),
            _ => return Err(AccountError::NoAccess),
        };
        Ok(Self { endpoint, access })
    }

    fn emulator(proxy: Option<&str>) -> Result<Self, AccountError> {
        let mut endpoint = base_url(
            proxy.unwrap_or("http://127.0.0.1"),
            "DevelopmentStorageProxyUri",
        )?;
        if endpoint.port().is_none() && endpoint.set_port(Some(10_000)).is_err() {
            return Err(AccountError::NoUrl("DevelopmentStorageProxyUri"));
        }
        endpoint.set_path(EMULATOR_ACCOUNT);
        let access = Access::Key(account_key(EMULATOR_ACCOUNT, EMULATOR_KEY)?);
        Ok(Self { endpoint, access })
    }

    /// The URL of a container, signature and all: not for logs.
    pub(crate) fn container_url(&self, container: &str) -> Url {
        let mut url = self.endpoint.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(container);
        }
        url
    }

    /// What the signature grants, where there is one.
    #[must_use]
    pub fn grant(&self) -> Option<Grant> {
        if self.access != Access::Signed {
            return None;
        }
        let value = |wanted: &str| {
            let mut pairs = self.endpoint.query_pairs();
            let found = pairs.find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.into_owned())
        };
        Some(Grant {
            permissions: value("sp"),
            ends: value("se"),
            of_containers: value("srt").is_some_and(|types| types.contains('c')),
        })
    }

    /// The endpoint as it may be shown: without user, password and query.
    #[must_use]
    pub fn shown(&self) -> String {
        let origin = self.endpoint.origin().ascii_serialization();
        format!("{origin}{}", self.endpoint.path())
    }
}

/// Without the signature, which is part of the URL.
impl fmt::Debug for StorageAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageAccount")
            .field("endpoint", &self.shown())
            .field("access", &self.access)
            .finish()
    }
}

/// The `name=value` pairs of a connection string; names in any case, values may contain `=`.
struct Parts<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parts<'a> {
    fn read(text: &'a str) -> Result<Self, AccountError> {
        let pairs = text.split(';').map(str::trim).enumerate();
        let pairs = pairs.filter(|(_, part)| !part.is_empty());
        pairs
            .map(|(index, part)| part.split_once('=').ok_or(AccountError::NoPair(index + 1)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let mut found = self
            .0
            .iter()
            .filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
        found
            .next()
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }
}

fn base_url(text: &str, name: &'static str) -> Result<Url, AccountError> {
    let url = Url::parse(text.trim()).map_err(|_| AccountError::NoUrl(name))?;
    match url.scheme() {
        "http" | "https" if url.host().is_some() => Ok(url),
        _ => Err(AccountError::NoUrl(name)),
    }
}

/// Each part is nothing but what it is called: a `/` in one of them would send content and
/// signatures to another host.
fn default_endpoint(scheme: &str, account: &str, suffix: &str) -> Result<Url, AccountError> {
    const NAME: &str = "the endpoint of AccountName and EndpointSuffix";
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let is_host = |text: &str| text.bytes().all(|b| legal(b) || b == b'.');
    if !scheme.bytes().all(legal) || !account.bytes().all(legal) || !is_host(suffix) {
        return Err(AccountError::NoUrl(NAME));
    }
    base_url(&format!("{scheme}://{account}.blob.{suffix}"), NAME)
}

fn account_key(account: &str, key: &str) -> Result<AccountKey, AccountError> {
    azure_core::base64::decode(key).map_err(|_| AccountError::KeyNotBase64)?;
    Ok(AccountKey {
        account: account.to_owned(),
        key: Secret::new(key.to_owned()),
    })
}
