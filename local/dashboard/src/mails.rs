//! `/api/mails` and `/api/handed-over`: what a person gets.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use logic_app::mail::Mail;
use serde_json::{Value, json};

use super::request::{After, NewestOnly, Problem, problem};
use super::state::DashboardState;
use super::text::{ShownBody, timestamp};

/// Anyone may have written what a mail says: it runs nothing and loads nothing.
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
    let mails = outbox.mails();
    let newest = part.take_from(&mails).iter();
    Json(newest.map(|mail| described(mail)).collect())
}

/// `GET /api/mails/{number}`.
pub(super) async fn one(
    State(state): State<Arc<DashboardState>>,
    Path(number): Path<u64>,
) -> Result<Json<Value>, Problem> {
    let mail = mail(&state, number)?;
    let mut value = described(&mail);
    if let Value::Object(value) = &mut value {
        let plain = mail.email.content.plain_text.clone();
        value.insert("from".to_owned(), mail.email.sender_address.clone().into());
        value.insert(
            "hasHtml".to_owned(),
            mail.email.content.html.is_some().into(),
        );
        value.insert("plainText".to_owned(), plain.into());
        let attached = mail.email.attachments.iter().enumerate();
        let attached = attached.map(|(index, file)| {
            json!({
                "name": file.name,
                "url": format!("/api/mails/{number}/attachments/{index}"),
                "body": ShownBody::from_bytes(&file.content),
            })
        });
        value.insert("attachments".to_owned(), attached.collect());
    }
    Ok(Json(value))
}

/// `GET /api/mails/{number}/attachments/{index}`, counted from 0: to be saved, byte for byte.
pub(super) async fn attachment(
    State(state): State<Arc<DashboardState>>,
    Path((number, index)): Path<(u64, usize)>,
) -> Result<Response, Problem> {
    let mail = mail(&state, number)?;
    let file = mail.email.attachments.get(index).ok_or_else(|| {
        let text = format!("mail {number} has no attachment {index}");
        problem(StatusCode::NOT_FOUND, text)
    })?;
    // Its name is the link's to give: what anyone may have written is no header.
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        (CONTENT_DISPOSITION, "attachment"),
    ];
    Ok((headers, file.content.clone()).into_response())
}

/// `DELETE /api/mails/{number}`: and its file.
pub(super) async fn delete(
    State(state): State<Arc<DashboardState>>,
    Path(number): Path<u64>,
) -> Result<StatusCode, Problem> {
    let outbox = state.outbox.as_ref();
    match outbox.map_or(Ok(false), |outbox| outbox.delete(number)) {
        Ok(true) => {
            state.model().touch();
            Ok(StatusCode::NO_CONTENT)
        }
        Ok(false) => Err(missing(number)),
        Err(error) => {
            let text = format!("the mail's file cannot be deleted: {error}");
            Err(problem(StatusCode::INTERNAL_SERVER_ERROR, text))
        }
    }
}

/// `GET /api/mails/{number}/html`: for a frame.
pub(super) async fn html(
    State(state): State<Arc<DashboardState>>,
    Path(number): Path<u64>,
) -> Result<Response, Problem> {
    let mail = mail(&state, number)?;
    let html = mail.email.content.html.clone().unwrap_or_default();
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, MAIL_POLICY),
    ];
    Ok((headers, html).into_response())
}

/// `GET /api/mails/{number}/eml`: a file that any mail program opens.
pub(super) async fn eml(
    State(state): State<Arc<DashboardState>>,
    Path(number): Path<u64>,
) -> Result<Response, Problem> {
    let mail = mail(&state, number)?;
    let headers = [
        (CONTENT_TYPE, "message/rfc822".to_owned()),
        // Never shown in its place: anyone may have written what it says.
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{number}.eml\""),
        ),
    ];
    Ok((headers, mail.eml.clone()).into_response())
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

fn mail(state: &DashboardState, number: u64) -> Result<Arc<Mail>, Problem> {
    let outbox = state.outbox.as_ref();
    let found = outbox.and_then(|outbox| outbox.mail(number));
    found.ok_or_else(|| missing(number))
}

fn missing(number: u64) -> Problem {
    problem(StatusCode::NOT_FOUND, format!("there is no mail {number}"))
}

pub(super) fn described(mail: &Mail) -> Value {
    json!({
        "number": mail.number,
        "at": timestamp(mail.at),
        "subject": mail.email.content.subject,
        "to": mail.email.to(),
        "operationId": mail.operation_id.to_string(),
        "url": format!("/api/mails/{}/eml", mail.number),
    })
}
