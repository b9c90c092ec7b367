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
#[cfg(feature = "amqp")]
use stand_in::ServerHandle;
use stand_in::{Request, Server};
use tokio::net::TcpListener;

#[cfg(feature = "amqp")]
use crate::amqp::AmqpService;
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
        let router = router(&listener, options)?;
        Ok(Self {
            server: Server::start(listener, router)?,
        })
    }

    /// The same on a port where AMQP is spoken as well: a connection string names one port, and
    /// clients of either protocol take it as it stands.
    ///
    /// # Errors
    /// When the listener has no address.
    #[cfg(feature = "amqp")]
    pub fn start_beside(
        listener: TcpListener,
        options: RestOptions,
        amqp: AmqpService,
    ) -> std::io::Result<Self> {
        let router = router(&listener, options)?;
        let take_amqp = move |stream| amqp.clone().take(stream);
        Ok(Self {
            server: Server::start_beside(listener, router, ServerHandle::default(), take_amqp)?,
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

fn router(listener: &TcpListener, options: RestOptions) -> std::io::Result<Router> {
    let url = format!("http://{}", listener.local_addr()?);
    let shared = Arc::new(RestShared::new(options, url));
    Ok(Router::new()
        .route("/", get(view::overview))
        .route("/{queue}/messages", get(view::messages).post(send::send))
        .route("/{queue}/$deadletterqueue", get(view::dead_letters))
        .route("/{queue}", get(view::description))
        .merge(receive::routes())
        .with_state(shared))
}
