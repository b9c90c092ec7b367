//! Who may ask: the page itself, and programs on this machine. No other site in a browser.
//!
//! A page from elsewhere can send requests to 127.0.0.1. What it may not do is tell its browser to
//! keep quiet about it: `Sec-Fetch-Site` and `Origin` are the browser's own words. And a name that
//! an attacker lets point to 127.0.0.1 (DNS rebinding) makes the two sites one for the browser, but
//! stands in `Host`, where we expect a name of this machine.

use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::request::problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets a request in, or says why not.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = match refusal(&request) {
        None => next.run(request).await,
        Some((status, text)) => problem(status, text).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}

fn refusal(request: &Request) -> Option<(StatusCode, &'static str)> {
    let headers = request.headers();
    let host = text(headers, HOST).unwrap_or_default();
    if !is_of_this_machine(host) {
        let why = "the Host header names another machine; expected localhost or 127.0.0.1";
        return Some((StatusCode::FORBIDDEN, why));
    }
    // A link from elsewhere may lead to the page, but to nothing else.
    if request.uri().path() == "/" && request.method().is_safe() {
        return None;
    }
    if !is_same_site(headers, host) {
        return Some((StatusCode::FORBIDDEN, "the request comes from another site"));
    }
    let has_body = !request.method().is_safe() && headers.contains_key(CONTENT_TYPE);
    let is_json = || {
        let given = text(headers, CONTENT_TYPE).and_then(|given| given.split(';').next());
        given.is_some_and(|given| given.trim().eq_ignore_ascii_case("application/json"))
    };
    // Whatever a form of another site can send is not JSON by its type.
    (has_body && !is_json()).then_some((
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "expected the content type application/json",
    ))
}

fn is_same_site(headers: &HeaderMap, host: &str) -> bool {
    let by_site = match headers.get(SEC_FETCH_SITE) {
        Some(site) => matches!(site.as_bytes(), b"same-origin" | b"none"),
        // No browser, or an old one.
        None => true,
    };
    let by_origin = match headers.get(ORIGIN) {
        Some(origin) => origin.as_bytes() == format!("http://{host}").as_bytes(),
        None => true,
    };
    by_site && by_origin
}

fn is_of_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn verdict(method: &str, path: &str, headers: &[(&str, &str)]) -> Option<StatusCode> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        refusal(&request.body(Body::empty()).unwrap()).map(|(status, _)| status)
    }

    const HERE: (&str, &str) = ("host", "127.0.0.1:5310");
    const KILL: &str = "/api/handler/kill";

    #[test]
    fn programs_and_the_page_itself_are_let_in() {
        let origin = ("origin", "http://127.0.0.1:5310");
        let json = ("content-type", "application/json; charset=utf-8");
        assert_eq!(verdict("POST", KILL, &[HERE]), None);
        let page = [HERE, origin, ("sec-fetch-site", "same-origin"), json];
        assert_eq!(verdict("PUT", "/api/faults", &page), None);
        for host in ["localhost:5310", "LOCALHOST", "[::1]:5310", "127.0.0.1"] {
            assert_eq!(verdict("GET", "/", &[("host", host)]), None, "{host}");
        }
        let link = [HERE, ("sec-fetch-site", "cross-site")];
        assert_eq!(verdict("GET", "/", &link), None);
    }

    #[test]
    fn other_sites_are_not() {
        let forbidden = Some(StatusCode::FORBIDDEN);
        for header in [
            ("sec-fetch-site", "cross-site"),
            // Another port of this machine is the same site for the browser, and not ours.
            ("sec-fetch-site", "same-site"),
            ("origin", "https://example.org"),
            ("origin", "http://127.0.0.1:8080"),
            ("origin", "null"),
        ] {
            assert_eq!(
                verdict("POST", KILL, &[HERE, header]),
                forbidden,
                "{header:?}"
            );
            assert_eq!(
                verdict("GET", "/api/state", &[HERE, header]),
                forbidden,
                "{header:?}"
            );
        }
        let form = [HERE, ("content-type", "text/plain")];
        let refused = Some(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(verdict("POST", "/api/messages", &form), refused);
    }

    #[test]
    fn a_foreign_name_for_this_machine_is_not_either() {
        for host in [
            "example.org",
            "127.0.0.1.example.org:5310",
            "localhost.example",
            "",
            "10.0.0.1",
        ] {
            assert_eq!(
                verdict("GET", "/", &[("host", host)]),
                Some(StatusCode::FORBIDDEN),
                "{host}"
            );
        }
        assert_eq!(verdict("GET", "/", &[]), Some(StatusCode::FORBIDDEN));
    }
}
