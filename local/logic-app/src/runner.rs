//! Runs the workflow for a request, and words what the platform adds to its answer.

use std::io;

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::{Map, Value, json};
use stand_in::http_client;
use uuid::Uuid;
use workflow::{Answer, Call, Ended, Http, NoAnswer, Start, Workflow};

use crate::answer::error;

/// A workflow, and the way to the services that it calls.
#[derive(Debug)]
pub(crate) struct Runner {
    workflow: Workflow,
    web: Web,
}

impl Runner {
    pub(crate) fn new(workflow: Workflow) -> io::Result<Self> {
        let web = Web::new()?;
        Ok(Self { workflow, web })
    }

    /// Whether the trigger takes a request with this body, or what is wrong with it.
    pub(crate) fn accepts(&self, body: &Value) -> Result<(), String> {
        self.workflow.accepts(body)
    }

    /// Runs it. The answer is an error when the workflow did not say yes.
    ///
    /// What the run is found by is what the definition says (`correlation`), else what the caller
    /// does, else the run's own name.
    pub(crate) async fn answer(
        &self,
        body: Value,
        tracking_id: Option<&str>,
    ) -> Result<Response, Response> {
        let run_id = Uuid::new_v4().simple().to_string();
        let workflow = json!({ "run": { "name": run_id } });
        let ended = self.workflow.run(Start { body, workflow }, &self.web).await;
        let tracking_id = match ended.tracking_id.as_str() {
            "" => tracking_id.unwrap_or(&run_id),
            own => own,
        };
        let tracking_id = tracking_id.to_owned();
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
            true => Ok(response),
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

/// The Http action's way out: real requests, to services on this machine. It follows nothing and
/// sends nothing twice.
#[derive(Debug)]
struct Web {
    client: Client,
}

impl Web {
    fn new() -> io::Result<Self> {
        let builder = http_client::builder().map_err(io::Error::other)?;
        let client = builder.redirect(Policy::none()).build();
        let client = client.map_err(io::Error::other)?;
        Ok(Self { client })
    }
}

impl Http for Web {
    async fn send(&self, call: &Call) -> Result<Answer, NoAnswer> {
        let method = Method::from_bytes(call.method.as_bytes());
        let method = method.map_err(|error| NoAnswer::Failed(error.to_string()))?;
        let mut request = self.client.request(method, &call.uri);
        for (name, value) in &call.headers {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        if let Some(audience) = &call.audience {
            // No identity here: a token that only says for whom it would be.
            request = request.header(AUTHORIZATION, format!("Bearer stand-in:{audience}"));
        }
        let request = match &call.body {
            Value::Null => request,
            Value::String(text) => request.body(text.clone()),
            json => request.body(json.to_string()),
        };
        let response = request.send().await.map_err(|error| no_answer(&error))?;
        read_answer(response)
            .await
            .map_err(|error| no_answer(&error))
    }
}

async fn read_answer(response: reqwest::Response) -> reqwest::Result<Answer> {
    let status = response.status().as_u16();
    let mut headers = Map::new();
    for (name, value) in response.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        headers.insert(name.to_string(), value.into());
    }
    let content_type = headers.get(CONTENT_TYPE.as_str()).and_then(Value::as_str);
    let is_json = content_type.is_some_and(|given| given.starts_with("application/json"));
    let bytes = response.bytes().await?;
    let json = is_json
        .then(|| serde_json::from_slice(&bytes).ok())
        .flatten();
    let text = || match bytes.is_empty() {
        true => Value::Null,
        false => String::from_utf8_lossy(&bytes).into(),
    };
    let body = json.unwrap_or_else(text);
    Ok(Answer {
        status,
        headers,
        body,
    })
}

fn no_answer(error: &reqwest::Error) -> NoAnswer {
    match error.is_timeout() {
        true => NoAnswer::TimedOut,
        false => NoAnswer::Failed(error.to_string()),
    }
}
