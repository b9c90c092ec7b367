//! The AMQP 1.0 door of the queue: what Service Bus's own clients need to send and to receive, over
//! plain TCP.
//!
//! A connection is one task around a machine that knows no socket: it takes frames and makes
//! frames, so it never does two things at once and holds one incomplete delivery a link. The way of
//! a message:
//!
//! ```text
//! wire, frame     bytes ─▶ frames
//!  └ connection    a frame is decoded, no deeper than `nesting` allows, and goes to its session
//!     └ session     by its link: put together in `link`, read in `message`, put into the queue
//!                   by its link: taken from a `source`, made in `handing`, cut in the `outbox`
//!                   a request: read in `answering`, acted on in `management`
//! ```
//!
//! The types on the wire are `fe2o3-amqp-types`; its acceptor is not used because it decodes values
//! of any depth (a few kilobytes overflow the stack of the process) and keeps flows for links that
//! never come.

mod access;
mod answering;
mod arguments;
mod changes;
mod client;
mod connection;
mod context;
mod first_bytes;
mod frame;
mod handing;
mod handshake;
mod link;
mod management;
mod message;
mod nesting;
mod node;
mod outbox;
mod receiver;
mod refusal;
mod requests;
mod sections;
mod session;
mod shared;
mod source;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use stand_in::{ACCEPT_PAUSE, Accepting};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use first_bytes::Protocol;
pub use shared::AmqpOptions;
use shared::AmqpShared;

/// The port of AMQP without TLS, which Service Bus's clients take for an emulator whatever its
/// address says.
pub const AMQP_PORT: u16 = 5672;

/// Connections served at once; the next ones wait in the system's list.
const CONNECTIONS_MAX: usize = 4096;

/// What serves a connection, on whichever port it came.
#[derive(Debug, Clone)]
pub struct AmqpService(Arc<AmqpShared>);

impl AmqpService {
    #[must_use]
    pub fn new(options: AmqpOptions) -> Self {
        Self(Arc::new(AmqpShared::new(options)))
    }

    /// Serves a connection that speaks AMQP to its end, and gives one back that speaks HTTP.
    pub(crate) async fn take(self, stream: TcpStream) -> Option<TcpStream> {
        match first_bytes::spoken(&stream).await? {
            Protocol::Http => Some(stream),
            Protocol::Amqp => {
                connection::serve(stream, self.0).await;
                None
            }
            Protocol::Tls => {
                self.0.hint_about_tls();
                None
            }
        }
    }
}

/// The running door. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct AmqpDoor(Accepting);

impl AmqpDoor {
    /// # Errors
    /// When the listener has no address.
    pub fn start(listener: TcpListener, AmqpService(shared): AmqpService) -> io::Result<Self> {
        let accepting = Accepting::start(listener, |listener, stopped| {
            accept(listener, shared, stopped)
        })?;
        Ok(Self(accepting))
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Where it is: `amqp://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://{}", self.address())
    }

    /// Closes the listener and every connection.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<AmqpShared>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection::serve(stream, Arc::clone(&shared)));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}
