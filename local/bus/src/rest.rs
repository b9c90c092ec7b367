//! The REST door of the queue: Service Bus's interfaces to send, receive and count, and a few JSON views for people.
//!
//! Spec: "Send message", "Peek-lock message" and their neighbours in the Service Bus REST API; errors are plain text here.

mod broker_properties;
mod custom_properties;
mod management;
mod receive;
pub(crate) mod sas;
mod send;
mod shared;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;

use crate::queue::Queue;
use shared::Shared;
use stand_in::{AccessKey, Request, Server};

/// What the door leads to.
#[derive(Debug, Default)]
pub struct RestOptions {
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
pub struct RestDoor {
    server: Server,
}

impl RestDoor {
    /// Opens the door on `listener`.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(listener: TcpListener, options: RestOptions) -> std::io::Result<Self> {
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared::new(options, url));
        let router = Router::new()
            .route("/", get(view::overview))
            .route("/{queue}/messages", get(view::messages).post(send::send))
            .route("/{queue}/$deadletterqueue", get(view::dead_letters))
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
