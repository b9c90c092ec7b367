//! A stand-in of the e-mail service: `emails:send` fills an outbox instead of a mailbox.
//! The dashboard shows it.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use stand_in::{FaultSwitch, Request, Server};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

pub use message::{Attachment, Content, Email, Recipient, Recipients};
pub use outbox::{Mail, Outbox};
use send::MailState;

mod file;
mod message;
mod outbox;
mod send;

/// The largest request that the service takes, in bytes.
const BODY_MAX: usize = 10 * 1024 * 1024;

/// A running stand-in. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct MailService {
    server: Server,
    state: Arc<MailState>,
}

/// Reads the outbox; it does not keep the service running.
#[derive(Debug, Clone)]
pub struct OutboxReader {
    state: Arc<MailState>,
}

impl OutboxReader {
    /// What was accepted, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Arc<Mail>> {
        self.state.outbox.mails()
    }

    /// The number of the newest mail.
    #[must_use]
    pub fn last_number(&self) -> u64 {
        self.state.outbox.last_number()
    }

    #[must_use]
    pub fn mail(&self, number: u64) -> Option<Arc<Mail>> {
        self.state.outbox.mail(number)
    }

    /// How many mails there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.state.outbox.count()
    }

    /// Deletes a mail and its file; whether there was one.
    ///
    /// # Errors
    /// When the file cannot be deleted; the mail stays then.
    pub fn delete(&self, number: u64) -> io::Result<bool> {
        self.state.outbox.delete(number)
    }

    /// Each mail from now on.
    #[must_use]
    pub fn arrivals(&self) -> broadcast::Receiver<Arc<Mail>> {
        self.state.outbox.arrivals()
    }
}

impl MailService {
    /// Serves on `listener`.
    ///
    /// # Errors
    /// When the listener does not tell its address.
    pub fn start(listener: TcpListener, outbox: Outbox) -> io::Result<Self> {
        let state = Arc::new(MailState {
            url: format!("http://{}", listener.local_addr()?),
            outbox,
            faults: FaultSwitch::default(),
        });
        let router = Router::new()
            .route("/emails:send", post(send::send))
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(Arc::clone(&state));
        let server = Server::start_with(listener, router, state.faults.server().clone())?;
        Ok(Self { server, state })
    }

    #[must_use]
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// What was accepted, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Arc<Mail>> {
        self.state.outbox.mails()
    }

    /// Each mail from now on.
    #[must_use]
    pub fn arrivals(&self) -> broadcast::Receiver<Arc<Mail>> {
        self.state.outbox.arrivals()
    }

    /// The outbox, for those who do not own the service.
    #[must_use]
    pub fn reader(&self) -> OutboxReader {
        OutboxReader {
            state: Arc::clone(&self.state),
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
        &self.state.faults
    }

    /// Closes the listener and every connection.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
