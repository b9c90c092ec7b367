//! Which protocol a connection speaks, told by its first bytes, which stay unread.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::connection::PATIENCE;
use super::handshake::TLS_HELLO;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Amqp,
    Http,
    Tls,
}

/// What both of AMQP's protocol headers begin with, with SASL and without it.
const AMQP: &[u8; 4] = b"AMQP";

/// Between two looks at a connection that has begun to say something.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until the client has said enough; nothing when it does not in time, or leaves.
pub(super) async fn spoken(stream: &TcpStream) -> Option<Protocol> {
    let looking = async {
        let mut first = [0; AMQP.len()];
        loop {
            let seen = stream
                .peek(&mut first)
                .await
                .ok()
                .filter(|seen| *seen > 0)?;
            if let Some(protocol) = told_by(first.get(..seen)?) {
                return Some(protocol);
            }
            // What was seen is still there, so that the next look would not wait for more.
            sleep(PAUSE).await;
        }
    };
    timeout(PATIENCE, looking).await.ok().flatten()
}

/// Nothing as long as it could become more than one of them. What is neither AMQP nor TLS is left
/// to the server of HTTP, which has an answer to everything.
fn told_by(first: &[u8]) -> Option<Protocol> {
    if first.starts_with(AMQP) {
        Some(Protocol::Amqp)
    } else if first.starts_with(&TLS_HELLO) {
        Some(Protocol::Tls)
    } else if AMQP.starts_with(first) || TLS_HELLO.starts_with(first) {
        None
    } else {
        Some(Protocol::Http)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_and_no_more_of_them_are_waited_for_than_it_takes() {
        for (first, protocol) in [
            (b"AMQP".as_slice(), Some(Protocol::Amqp)),
            (b"AMQP\x03\x01\x00\x00", Some(Protocol::Amqp)),
            (b"AMQ", None),
            (b"A", None),
            (b"ACL / HTTP/1.1", Some(Protocol::Http)),
            (b"G", Some(Protocol::Http)),
            (b"POST", Some(Protocol::Http)),
            (b"amqp", Some(Protocol::Http)),
            (b"\x16", None),
            (b"\x16\x03\x01\x02", Some(Protocol::Tls)),
            (b"\x00", Some(Protocol::Http)),
        ] {
            assert_eq!(told_by(first), protocol, "{first:?}");
        }
    }
}
