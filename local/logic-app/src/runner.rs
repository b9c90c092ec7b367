//! Runs the workflow for a request, and words what the platform adds to its answer.

use std::io;

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::trigger::error;
use super::web::Web;
use workflow::{self, Ended, Start, Workflow};

/// A workflow, and the way to the services that it calls.
#[derive(Debug)]
pub(super) struct Runner {
    workflow: Workflow,
    web: Web,
}

impl Runner {
    pub(super) fn new(workflow: Workflow) -> io::Result<Self> {
        let web = Web::new()?;
        Ok(Self { workflow, web })
    }

    /// The body of a request that the trigger takes, or what is wrong with it.
    pub(super) fn read(&self, body: &[u8]) -> Result<Value, String> {
        let body = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
        self.workflow.accepts(&body)?;
        Ok(body)
    }

    /// Runs it. The operation's id and the answer when the workflow said yes, else only the answer.
    pub(super) async fn answer(&self, body: Value) -> Result<(String, Response), Response> {
        let run_id = Uuid::new_v4().simple().to_string();
        let workflow = json!({ "run": { "name": run_id } });
        let ended = self.workflow.run(Start { body, workflow }, &self.web).await;
        let tracking_id = ended.tracking_id.clone();
        let mut response = response(&ended);
        let ids = [
            ("x-ms-workflow-run-id", &run_id),
            ("x-ms-client-tracking-id", &tracking_id),
        ];
        for (name, id) in ids {
            if let Ok(id) = HeaderValue::try_from(id) {
                response.headers_mut().insert(name, id);
            }
        }
        match response.status().is_success() {
            true => Ok((tracking_id, response)),
            false => Err(response),
        }
    }
}

fn response(ended: &Ended) -> Response {
    let Some(workflow::Response {
        status,
        headers,
        body,
    }) = &ended.response
    else {
        // What the platform says when a run ends and no Response action ran.
        return error(
            StatusCode::BAD_GATEWAY,
            "NoResponse",
            &ended.failed.join("; "),
        );
    };
    let (Ok(status), Some(headers)) = (StatusCode::from_u16(*status), header_map(headers)) else {
        return error(
            StatusCode::BAD_GATEWAY,
            "NoResponse",
            "the response is no legal one",
        );
    };
    match body {
        Value::Null => (status, headers).into_response(),
        Value::String(text) => (status, headers, text.clone()).into_response(),
        json => (status, headers, Json(json)).into_response(),
    }
}

fn header_map(headers: &Map<String, Value>) -> Option<HeaderMap> {
    let pair = |(name, value): (&String, &Value)| {
        let name = HeaderName::try_from(name).ok()?;
        Some((name, HeaderValue::try_from(value.as_str()?).ok()?))
    };
    headers.iter().map(pair).collect()
}
