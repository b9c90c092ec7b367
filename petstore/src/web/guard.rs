//! Posts come from our own pages, or they are refused.
//!
//! Three fences, each enough in most browsers: the cookie is SameSite=Lax, the browser's own word
//! on where the request comes from, and a token in the form that only this
//! shopper's pages have.

use axum::http::{HeaderMap, header};
use url::Url;

use super::Shop;
use super::problem::Problem;
use crate::cookie::ShopperKey;

/// The key that a request shows, if it shows one. It opens whatever it opens: only who has it can
/// name the record.
pub(super) fn key(shop: &Shop, headers: &HeaderMap) -> Option<ShopperKey> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    // A cookie of another program on this host may be in any bytes, and must not hide ours.
    let mut keys = cookies.filter_map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        shop.transport.find(&text)
    });
    keys.next()
}

/// Lets a post in, with its shopper's key.
pub(super) fn post(shop: &Shop, headers: &HeaderMap, token: &str) -> Result<ShopperKey, Problem> {
    if !is_same_site(headers) {
        return Err(Problem::CROSS_SITE);
    }
    let key = key(shop, headers).ok_or(Problem::NO_KEY)?;
    match key.is_form_token(token) {
        true => Ok(key),
        false => Err(Problem::STRANGE_FORM),
    }
}

/// What the browser says. One that says nothing is left to the token.
fn is_same_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else {
        return true;
    };
    let host = text("host").unwrap_or_default();
    // TLS ends before us, so the scheme is not ours to judge.
    let authority = |url: Url| {
        let port = url.port().map(|port| format!(":{port}"));
        Some(format!("{}{}", url.host_str()?, port.unwrap_or_default()))
    };
    let origin = Url::parse(origin).ok().and_then(authority);
    origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}
