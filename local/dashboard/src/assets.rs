//! The page: its files, compiled in.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::request::{Problem, problem};

/// The modules of the script, by name; the page asks for `main.js`.
const SCRIPTS: [(&str, &str); 9] = [
    ("main.js", include_str!("script/main.js")),
    ("messages.js", include_str!("script/messages.js")),
    ("lists.js", include_str!("script/lists.js")),
    ("dialog.js", include_str!("script/dialog.js")),
    ("way.js", include_str!("script/way.js")),
    ("receivers.js", include_str!("script/receivers.js")),
    ("pulse.js", include_str!("script/pulse.js")),
    ("faults.js", include_str!("script/faults.js")),
    ("dom.js", include_str!("script/dom.js")),
];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// `GET /`.
pub(super) async fn page() -> Response {
    let mut page = asset("text/html; charset=utf-8", include_str!("page.html"));
    let policy = HeaderValue::from_static(POLICY);
    page.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    page
}

/// `GET /style.css`.
pub(super) async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("style.css"))
}

/// `GET /script/{name}`.
pub(super) async fn script(Path(name): Path<String>) -> Result<Response, Problem> {
    let found = SCRIPTS.iter().find(|(known, _)| *known == name);
    let missing = || problem(StatusCode::NOT_FOUND, "there is no such script");
    let (_, content) = found.ok_or_else(missing)?;
    Ok(asset("text/javascript; charset=utf-8", content))
}

/// `GET /favicon.svg`.
pub(super) async fn icon() -> Response {
    asset("image/svg+xml", include_str!("icon.svg"))
}

/// Asked for anew each time: the next stack at this address may be another version.
fn asset(content_type: &'static str, content: &'static str) -> Response {
    let headers = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")];
    (headers, content).into_response()
}
