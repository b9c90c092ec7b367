//! `FALLBACK_URL`: who takes the orders that cannot be stored.

use azure_app::settings::Reader;
use url::{Host, Url};

pub(super) const URL: &str = "FALLBACK_URL";
pub(super) const TOKEN_SCOPE: &str = "FALLBACK_TOKEN_SCOPE";

const EXPECTED: &str = "expected the https URL of the Logic App's trigger (http on loopback only)";

/// Orders hold e-mail addresses: they leave the machine encrypted only.
pub(super) fn url(reader: &mut Reader<'_>) -> Option<Url> {
    let Some(text) = reader.get(URL) else {
        return reader.wrong(URL, format!("missing; {EXPECTED}"));
    };
    match Url::parse(&text) {
        Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => {
            Some(url)
        }
        Ok(url) => reader.wrong(
            URL,
            format!(
                "{}: not allowed; {EXPECTED}",
                url.origin().ascii_serialization()
            ),
        ),
        Err(_) => reader.wrong(URL, format!("not a URL; {EXPECTED}")),
    }
}

/// `Some(None)` when no token is wanted.
pub(super) fn token_scope(reader: &mut Reader<'_>, url: Option<&Url>) -> Option<Option<String>> {
    let (Some(scope), Some(url)) = (reader.get(TOKEN_SCOPE), url) else {
        return Some(None);
    };
    if url.query_pairs().any(|(name, _)| name == "sig") {
        return reader.wrong(
            TOKEN_SCOPE,
            format!("{URL} is signed already (sig=); expected one of them"),
        );
    }
    if url.scheme() != "https" {
        return reader.wrong(
            TOKEN_SCOPE,
            format!("a token goes over https only; expected an https {URL}"),
        );
    }
    Some(Some(scope))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
