//! Who may do what: Shared Key signatures, checked exactly.
//!
//! The string to sign is the one of *Authorize with Shared Key* (Microsoft Learn) for versions
//! from 2015-02-21 on. The account stands twice in the resource, as it is part of the path here.

use axum::http::header::{AUTHORIZATION, DATE};
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use stand_in::http_date;
use time::{Duration, OffsetDateTime};

use crate::account::Account;
use crate::answer::Failure;
use crate::target::query;

/// How old a signed request may be, in either direction.
const AGE_MAX: Duration = Duration::minutes(15);

/// The headers that are signed by their value alone, in this order.
const SIGNED_HEADERS: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// Lets pass what is signed with the account's key, and reads without any signature.
pub(crate) fn authorize(
    account: Account,
    request: &Request<Bytes>,
    now: OffsetDateTime,
) -> Result<(), Failure> {
    if query(request.uri(), "sig").is_some() {
        let message = "Shared access signatures are not supported here; use the account key.";
        return Err(Failure::authentication(message));
    }
    let Some(header) = request.headers().get(AUTHORIZATION) else {
        return match *request.method() {
            Method::GET | Method::HEAD => Ok(()),
            _ => Err(unauthenticated()),
        };
    };
    let credentials = header.to_str().ok().and_then(|text| {
        let (name, signature) = text.strip_prefix("SharedKey ")?.split_once(':')?;
        Some((name, STANDARD.decode(signature).ok()?))
    });
    let Some((name, signature)) = credentials else {
        let message =
            "The Authorization header is not of the form SharedKey {account}:{signature}.";
        return Err(Failure::bad_request("InvalidAuthenticationInfo", message));
    };
    let signed = string_to_sign(account, request);
    if name != account.name || !is_signature(account, &signed, &signature) {
        return Err(Failure::authentication(format!(
            "The account is not {}, or the signature is not the one computed here. \
             Server used following string to sign: '{signed}'.",
            account.name
        )));
    }
    let date = date(request.headers()).and_then(http_date::parse);
    if date.is_none_or(|date| (now - date).abs() > AGE_MAX) {
        let message = "The date in x-ms-date or Date is missing, unreadable or not close to now.";
        return Err(Failure::authentication(message));
    }
    Ok(())
}

/// The emulator says 403 here; this is what the service says.
fn unauthenticated() -> Failure {
    let message = "The request has no Authorization header; only reads go without.";
    let status = StatusCode::UNAUTHORIZED;
    Failure::new(status, "NoAuthenticationInformation", message)
}

fn is_signature(account: Account, signed: &str, signature: &[u8]) -> bool {
    let mac = STANDARD
        .decode(account.key)
        .ok()
        .and_then(|key| Hmac::<Sha256>::new_from_slice(&key).ok());
    mac.is_some_and(|mac| {
        // Takes the same time wherever the two differ.
        mac.chain_update(signed).verify_slice(signature).is_ok()
    })
}

fn date(headers: &HeaderMap) -> Option<&str> {
    let date = headers.get("x-ms-date").or_else(|| headers.get(DATE))?;
    date.to_str().ok()
}

fn string_to_sign(account: Account, request: &Request<Bytes>) -> String {
    let headers = request.headers();
    let mut text = format!("{}\n", request.method());
    for name in SIGNED_HEADERS {
        let value = joined(headers, name);
        let omitted = match name {
            "content-length" => value == "0",
            "date" => headers.contains_key("x-ms-date"),
            _ => false,
        };
        if !omitted {
            text += &value;
        }
        text.push('\n');
    }
    let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    names.retain(|name| name.starts_with("x-ms-"));
    names.sort_unstable();
    for name in names {
        text += &format!("{name}:{}\n", joined(headers, name));
    }
    text + &canonical_resource(account, request)
}

/// The values of a header as one; more than one are joined by commas.
fn joined(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter();
    let values: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
        .collect();
    values.join(",")
}

fn canonical_resource(account: Account, request: &Request<Bytes>) -> String {
    let query = request.uri().query().unwrap_or_default();
    let mut parameters: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.to_lowercase(), value.into_owned()))
        .collect();
    parameters.sort();
    let mut text = format!("/{}{}", account.name, request.uri().path());
    let mut previous = None;
    for (name, value) in &parameters {
        // The values of a repeated parameter stand in one line.
        if previous == Some(name) {
            text += &format!(",{value}");
        } else {
            text += &format!("\n{name}:{value}");
        }
        previous = Some(name);
    }
    text
}

#[cfg(test)]
mod tests;
