//! The REST door of the queue: Service Bus's interfaces to send, receive and count, and a few JSON views for people.
//!
//! Spec: "Send message", "Peek-lock message" and their neighbours in the Service Bus REST API; errors are plain text here.

mod broker_properties;
mod custom_properties;
mod management;
mod receive;
pub(crate) mod sas;
mod send;
mod view;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;

use crate::clock::Clock;
use crate::connection::AccessKey;
use crate::loopback::{Request, Server};
use crate::queue::{Queue, Refused};
use send::SendError;
use view::MessageView;

/// What the door leads to.
#[derive(Debug, Default)]
pub struct DoorOptions {
    /// The queues, by their names.
    pub queues: Vec<Queue>,
    /// Checks signatures; without one every token is let in.
    pub key: Option<AccessKey>,
    /// Names and addresses of the other parts, shown at `/`.
    pub links: Vec<(String, String)>,
    /// Takes what a developer should read once, such as a property Azure would refuse.
    pub hints: Option<UnboundedSender<String>>,
}

/// The running door.
#[derive(Debug)]
pub struct Door {
    server: Server,
}

#[derive(Debug)]
struct Shared {
    options: DoorOptions,
    url: String,
    // Not the queue's, which may run ahead of the senders' when the machine's clock was set back.
    clock: Clock,
    told_about_tokens: AtomicBool,
}

impl Door {
    /// Opens the door on `listener`.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(listener: TcpListener, options: DoorOptions) -> std::io::Result<Self> {
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            options,
            url,
            clock: Clock::new(),
            told_about_tokens: AtomicBool::new(false),
        });
        let router = Router::new()
            .route("/", get(overview))
            .route("/{queue}/messages", get(messages).post(send))
            .route("/{queue}/$deadletterqueue", get(dead_letters))
            .route("/{queue}", get(management::queue))
            .merge(receive::routes())
            .with_state(shared);
        Ok(Self {
            server: Server::start(listener, router)?,
        })
    }

    /// Where it is: `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The requests seen on the wire, in the order of their arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// Closes it.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

type Refusal = (StatusCode, String);

async fn overview(State(door): State<Arc<Shared>>) -> Json<Value> {
    Json(view::overview(
        &door.options.queues,
        &door.url,
        &door.options.links,
    ))
}

async fn messages(
    State(door): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<Vec<MessageView>>, Refusal> {
    Ok(Json(
        door.queue(&name)?
            .peek()
            .into_iter()
            .map(Into::into)
            .collect(),
    ))
}

async fn dead_letters(
    State(door): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<Vec<MessageView>>, Refusal> {
    Ok(Json(
        door.queue(&name)?
            .dead_letters()
            .into_iter()
            .map(Into::into)
            .collect(),
    ))
}

async fn send(
    State(door): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let queue = door.queue(&name)?;
    door.authorize(&headers, queue)?;
    // One byte more than allowed is read: enough to know that it is too large.
    let body = axum::body::to_bytes(body, send::LARGEST_MESSAGE + 1)
        .await
        .map_err(|_| too_large(&headers))?;
    let sent =
        send::messages(&headers, body).map_err(|error| (status(&error), error.to_string()))?;
    for hint in sent.hints {
        door.hint(hint);
    }
    queue.send(sent.messages).map_err(|error| refused(&error))?;
    Ok(StatusCode::CREATED.into_response())
}

impl Shared {
    fn queue(&self, name: &str) -> Result<&Queue, Refusal> {
        let queues = &self.options.queues;
        queues
            .iter()
            .find(|queue| queue.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                let known: Vec<&str> = queues.iter().map(Queue::name).collect();
                (
                    StatusCode::NOT_FOUND,
                    format!("no queue {name:?} here; there is: {}", known.join(", ")),
                )
            })
    }

    fn authorize(&self, headers: &HeaderMap, queue: &Queue) -> Result<(), Refusal> {
        let Some(header) = headers.get(header::AUTHORIZATION) else {
            if !self.told_about_tokens.swap(true, Ordering::Relaxed) {
                self.hint(
                    "a request without an Authorization header is accepted here; Azure answers 401"
                        .to_owned(),
                );
            }
            return Ok(());
        };
        let Some(key) = &self.options.key else {
            return Ok(());
        };
        let text = String::from_utf8_lossy(header.as_bytes());
        sas::check(&text, key, queue.name(), self.clock.now())
            .map_err(|refused| (StatusCode::UNAUTHORIZED, refused.to_string()))
    }

    fn hint(&self, text: String) {
        if let Some(hints) = &self.options.hints {
            // Nobody listens any more when the stack is going down.
            hints.send(text).ok();
        }
    }
}

fn status(error: &SendError) -> StatusCode {
    match error {
        SendError::Property(_) | SendError::Batch(_) => StatusCode::BAD_REQUEST,
        SendError::TooLarge(_) => StatusCode::FORBIDDEN,
    }
}

fn refused(refused: &Refused) -> Refusal {
    let status = match refused {
        Refused::NoSession => StatusCode::BAD_REQUEST,
        Refused::NotKept(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, refused.to_string())
}

fn too_large(headers: &HeaderMap) -> Refusal {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let error = SendError::TooLarge(length.unwrap_or(send::LARGEST_MESSAGE + 1));
    (status(&error), error.to_string())
}
