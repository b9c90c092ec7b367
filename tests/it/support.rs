//! What the tests of the whole process share: a real Azurite, a server that misbehaves by script,
//! the real binary as a child process, and messages as the Functions host hands them out.

pub(crate) mod azurite;
pub(crate) mod door;
pub(crate) mod handler;
pub(crate) mod message;
pub(crate) mod rig;
pub(crate) mod scripted;
pub(crate) mod seen;

use std::{future::Future, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket},
    time::timeout,
};

pub(crate) use azurite::Azurite;
pub(crate) use door::Answer;
pub(crate) use handler::Handler;
pub(crate) use message::Message;
pub(crate) use rig::{Ended, Rig};
pub(crate) use scripted::{Gate, Scripted, Step};
pub(crate) use seen::Seen;

/// No test waits longer than this for anything. It only bounds a failure: on a busy machine
/// everything may take its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for `future`, and gives up with what was waited for.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} in vain: {what}"),
    }
}

/// Waits until `holds` does.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let polling = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, polling).await;
}

/// A free port on loopback.
pub(crate) async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// An address where nobody listens, kept from everybody else as long as this lives.
#[derive(Debug)]
pub(crate) struct Nobody {
    pub(crate) address: SocketAddr,
    _bound: TcpSocket,
}

/// Takes a port and does not listen on it: connections are refused.
pub(crate) fn nobody() -> Nobody {
    let bound = TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    Nobody {
        address: bound.local_addr().unwrap(),
        _bound: bound,
    }
}

/// Whether `part` stands in `whole`, byte for byte.
pub(crate) fn contains(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}
