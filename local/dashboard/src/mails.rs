//! `/api/mails` and `/api/handed-over`: what a person gets.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use logic_app::mail::Mail;
use serde_json::{Value, json};

use super::request::{After, NewestOnly, Problem, problem};
use super::state::DashboardState;
use super::text::timestamp;

/// What a mail says comes from strangers: it runs nothing and loads nothing.
const MAIL_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; \
                           base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// `GET /api/mails`, oldest first.
pub(super) async fn list(
    State(state): State<Arc<DashboardState>>,
    Query(part): Query<NewestOnly>,
) -> Json<Vec<Value>> {
    let Some(outbox) = &state.outbox else {
        return Json(Vec::new());
    };
    let entry = |mail: &Arc<Mail>| described(mail, outbox.url());
    Json(part.take_from(&outbox.mails()).iter().map(entry).collect())
}

/// `GET /api/mails/{number}`.
pub(super) async fn one(
    State(state): State<Arc<DashboardState>>,
    Path(number): Path<u64>,
) -> Result<Json<Value>, Problem> {
    let (mail, url) = mail(&state, number)?;
    let mut value = described(&mail, &url);
    if let Value::Object(value) = &mut value {
        let plain = mail.email.content.plain_text.clone();
        value.insert("from".to_owned(), mail.email.sender_address.clone().into());
        value.insert(
            "hasHtml".to_owned(),
            mail.email.content.html.is_some().into(),
        );
        value.insert("plainText".to_owned(), plain.into());
    }
    Ok(Json(value))
}

/// `GET /api/mails/{number}/html`: for a frame.
pub(super) async fn html(
    State(state): State<Arc<DashboardState>>,
    Path(number): Path<u64>,
) -> Result<Response, Problem> {
    let (mail, _) = mail(&state, number)?;
    let html = mail.email.content.html.clone().unwrap_or_default();
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, MAIL_POLICY),
    ];
    Ok((headers, html).into_response())
}

/// `GET /api/handed-over`: what the Logic App took, as it was sent, oldest first; `?after=N` skips
/// the first N.
pub(super) async fn handed_over(
    State(state): State<Arc<DashboardState>>,
    Query(from): Query<After>,
) -> Json<Vec<Value>> {
    let received = state
        .logic_app
        .as_ref()
        .map_or_else(Vec::new, |logic_app| logic_app.received_after(from.after));
    let bodies = received.iter();
    // Checked to be JSON when it was accepted.
    Json(
        bodies
            .map(|received| serde_json::from_slice(&received.body).unwrap_or_default())
            .collect(),
    )
}

fn mail(state: &DashboardState, number: u64) -> Result<(Arc<Mail>, String), Problem> {
    let outbox = state.outbox.as_ref();
    let found = outbox.and_then(|outbox| Some((outbox.mail(number)?, outbox.url().to_owned())));
    let missing = || problem(StatusCode::NOT_FOUND, format!("there is no mail {number}"));
    found.ok_or_else(missing)
}

fn described(mail: &Mail, outbox: &str) -> Value {
    json!({
        "number": mail.number,
        "at": timestamp(mail.at),
        "subject": mail.email.content.subject,
        "to": mail.email.to(),
        "operationId": mail.operation_id.to_string(),
        "url": format!("{outbox}/{}", mail.number),
    })
}
