//! The outbox for people: a list, and each mail as its reader would see it.
//!
//! What a mail says comes from strangers. Its HTML is shown in a frame that runs nothing and loads
//! nothing.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Mail, Shared};

const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const MAIL_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Response {
    let mails = shared.outbox.mails();
    let mut entries = String::new();
    for mail in mails.iter().rev() {
        let Mail {
            number, at, email, ..
        } = mail.as_ref();
        let (subject, to, at) = (
            escaped(&email.content.subject),
            escaped(&email.to()),
            readable(*at),
        );
        // Writing to a String cannot fail.
        write!(
            entries,
            "<li><a href=\"/{number}\">{subject}</a><br><small>to {to}, {at}</small>"
        )
        .ok();
    }
    let content = match mails.is_empty() {
        true => "<p>No mail yet.</p>".to_owned(),
        false => format!("<ol>{entries}</ol>"),
    };
    page("Outbox", &format!("<h1>Outbox</h1>{content}"))
}

pub(super) async fn mail(State(shared): State<Arc<Shared>>, Path(number): Path<u64>) -> Response {
    let Some(mail) = shared.outbox.mail(number) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Mail {
        at,
        operation_id,
        email,
        ..
    } = mail.as_ref();
    let subject = escaped(&email.content.subject);
    let (from, to, at) = (
        escaped(&email.sender_address),
        escaped(&email.to()),
        readable(*at),
    );
    let plain = escaped(email.content.plain_text.as_deref().unwrap_or("(none)"));
    let content = format!(
        "<p><a href=\"/\">Outbox</a></p><h1>{subject}</h1>\
         <dl><dt>From</dt><dd>{from}</dd><dt>To</dt><dd>{to}</dd><dt>At</dt><dd>{at}</dd>\
         <dt>Operation</dt><dd>{operation_id}</dd><dt>File</dt><dd><a href=\"/{number}/eml\">{number}.eml</a></dd></dl>\
         <iframe sandbox src=\"/{number}/html\" title=\"The mail as HTML\"></iframe>\
         <details><summary>As plain text</summary><pre>{plain}</pre></details>"
    );
    page(&subject, &content)
}

pub(super) async fn html(State(shared): State<Arc<Shared>>, Path(number): Path<u64>) -> Response {
    let mail = shared.outbox.mail(number);
    match mail
        .as_ref()
        .and_then(|mail| mail.email.content.html.as_deref())
    {
        Some(html) => with_policy(MAIL_POLICY, html.to_owned()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn eml(State(shared): State<Arc<Shared>>, Path(number): Path<u64>) -> Response {
    match shared.outbox.mail(number) {
        Some(mail) => ([(CONTENT_TYPE, "message/rfc822")], mail.eml.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css")], include_str!("style.css")).into_response()
}

/// A whole page; `title` is escaped already.
fn page(title: &str, content: &str) -> Response {
    let head = "<meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
                <link rel=\"stylesheet\" href=\"/style.css\">";
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head>{head}<title>{title}</title></head><body>{content}</body></html>\n"
    );
    with_policy(PAGE_POLICY, page)
}

fn with_policy(policy: &'static str, html: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, html).into_response()
}

fn readable(at: OffsetDateTime) -> String {
    let seconds = at.replace_nanosecond(0).unwrap_or(at);
    seconds.format(&Rfc3339).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            _ => escaped.push(character),
        }
    }
    escaped
}
