//! Connection strings, of the storage and of the bus: no reader of them shows a secret, and a
//! string written from what was read says the same.

mod bus;
mod storage;

use std::fmt::{Debug, Display};

use url::Url;

/// In the place of every secret. Base64, as account keys are.
const SECRET: &str = "c2VjcmV0LW9mLXRoZS1vcmFjbGU=";

/// Parts whose value nobody may see.
const SECRETS: [&str; 2] = ["AccountKey", "SharedAccessKey"];

/// Parts whose value is a URL, in which a secret may stand too.
const URLS: [&str; 3] = ["BlobEndpoint", "DevelopmentStorageProxyUri", "Endpoint"];

/// The input is a connection string.
pub fn check(data: &[u8]) {
    let text = with_secrets(&String::from_utf8_lossy(data));
    storage::check(&text);
    bus::check(&text);
}

/// The same string with [`SECRET`] wherever a secret may stand.
fn with_secrets(text: &str) -> String {
    let pairs = text.split(';').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_one_of(name, &["SharedAccessSignature"]) => {
            format!("{name}=sig={SECRET}")
        }
        Some((name, _)) if is_one_of(name, &SECRETS) => format!("{name}={SECRET}"),
        Some((name, value)) if is_one_of(name, &URLS) => {
            format!(
                "{name}={}",
                secret_url(value).unwrap_or_else(|| value.to_owned())
            )
        }
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join(";")
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names
        .iter()
        .any(|known| name.trim().eq_ignore_ascii_case(known))
}

/// With a signature and a password, when it has a query or a user.
fn secret_url(text: &str) -> Option<String> {
    let mut url = Url::parse(text.trim()).ok()?;
    if url.query().is_some() {
        url.set_query(Some(&format!("sig={SECRET}")));
    }
    if !url.username().is_empty() {
        url.set_password(Some("c2VjcmV0LW9mLXRoZS1vcmFjbGU")).ok()?;
    }
    Some(url.into())
}

/// What is shown of a result says nothing of the secret.
fn assert_hidden<T: Debug, E: Debug + Display>(result: &Result<T, E>) {
    let shown = match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    let secret = SECRET.trim_end_matches('=');
    assert!(!shown.contains(secret), "{shown}");
}
