//! A stand-in of the e-mail service: `emails:send` fills an outbox instead of a mailbox.
//!
//! `GET /` lists the mails for people, `GET /{number}` shows one.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use stand_in::{FaultSwitch, Request, Server};

pub use message::{Content, Email, Recipient, Recipients};
pub use outbox::{Mail, Outbox};

mod eml;
mod message;
mod outbox;
mod page;
mod send;

/// The largest request that the service takes, in bytes.
const BODY_MAX: usize = 10 * 1024 * 1024;

/// A running stand-in. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct MailService {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    url: String,
    outbox: Outbox,
    faults: FaultSwitch,
}

/// Reads the outbox; it does not keep the service running.
#[derive(Debug, Clone)]
pub struct OutboxReader {
    shared: Arc<Shared>,
}

impl OutboxReader {
    /// The page with the outbox.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// What was accepted, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Arc<Mail>> {
        self.shared.outbox.mails()
    }

    /// The number of the newest mail.
    #[must_use]
    pub fn last_number(&self) -> u64 {
        self.shared.outbox.last_number()
    }

    /// A mail by its number.
    #[must_use]
    pub fn mail(&self, number: u64) -> Option<Arc<Mail>> {
        self.shared.outbox.mail(number)
    }

    /// Each mail from now on.
    #[must_use]
    pub fn arrivals(&self) -> broadcast::Receiver<Arc<Mail>> {
        self.shared.outbox.arrivals()
    }
}

impl MailService {
    /// Serves on `listener`.
    ///
    /// # Errors
    /// When the listener does not tell its address.
    pub fn start(listener: TcpListener, outbox: Outbox) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            url: format!("http://{}", listener.local_addr()?),
            outbox,
            faults: FaultSwitch::default(),
        });
        let router = Router::new()
            .route("/emails:send", post(send::send))
            .route("/", get(page::list))
            .route("/style.css", get(page::style))
            .route("/{number}", get(page::mail))
            .route("/{number}/html", get(page::html))
            .route("/{number}/eml", get(page::eml))
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(Arc::clone(&shared));
        let server = Server::start_with(listener, router, shared.faults.server().clone())?;
        Ok(Self { server, shared })
    }

    /// The service's endpoint, and the page with its outbox.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// What was accepted, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Arc<Mail>> {
        self.shared.outbox.mails()
    }

    /// Each mail from now on.
    #[must_use]
    pub fn arrivals(&self) -> broadcast::Receiver<Arc<Mail>> {
        self.shared.outbox.arrivals()
    }

    /// The outbox, for those who do not own the service.
    #[must_use]
    pub fn reader(&self) -> OutboxReader {
        OutboxReader {
            shared: Arc::clone(&self.shared),
        }
    }

    /// The requests seen on the wire, refused and unanswered ones included.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// What every `emails:send` meets.
    #[must_use]
    pub fn faults(&self) -> &FaultSwitch {
        &self.shared.faults
    }

    /// Closes the listener and every connection.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
