//! The REST door of the queue: Service Bus's interfaces to send, receive and count, and a few JSON
//! views for people.
//!
//! Spec: "Send message", "Peek-lock message" and their neighbours in the Service Bus REST API;
//! errors are plain text here.

mod properties;
mod receive;
mod send;
mod shared;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use stand_in::{Request, Server};
use tokio::net::TcpListener;

pub use shared::RestOptions;
use shared::RestShared;

#[derive(Debug)]
pub struct RestDoor {
    server: Server,
}

impl RestDoor {
    /// # Errors
    /// When the listener has no address.
    pub fn start(listener: TcpListener, options: RestOptions) -> std::io::Result<Self> {
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(RestShared::new(options, url));
        let router = Router::new()
            .route("/", get(view::overview))
            .route("/{queue}/messages", get(view::messages).post(send::send))
            .route("/{queue}/$deadletterqueue", get(view::dead_letters))
            .route("/{queue}", get(view::description))
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

    pub async fn stop(self) {
        self.server.stop().await;
    }
}
