//! The Http action's way out: real requests, to services on this machine.

use std::io;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use serde_json::{Map, Value};

use stand_in::http_client;
use workflow::{Answer, Call, Http, NoAnswer};

/// An HTTP client that follows nothing and sends nothing twice.
#[derive(Debug)]
pub(super) struct Web {
    client: Client,
}

impl Web {
    pub(super) fn new() -> io::Result<Self> {
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
        read(response).await.map_err(|error| no_answer(&error))
    }
}

async fn read(response: Response) -> reqwest::Result<Answer> {
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
