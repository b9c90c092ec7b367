//! The AMQP door of the stack: on the port clients expect, or on a free one when that is taken.

use std::io;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;

use super::Ports;
use bus::{AMQP_PORT, AmqpDoor, AmqpOptions, Queue};
use stand_in::AccessKey;

/// Starts the door.
pub(super) async fn start(
    ports: Ports,
    queue: Queue,
    key: Option<AccessKey>,
    hints: UnboundedSender<String>,
) -> io::Result<AmqpDoor> {
    let listener = match ports {
        Ports::FromSettings => expected_port(&hints).await?,
        Ports::Auto => free_port().await?,
    };
    let options = AmqpOptions {
        queues: vec![queue],
        key,
        hints: Some(hints),
    };
    AmqpDoor::start(listener, options)
}

async fn expected_port(hints: &UnboundedSender<String>) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, AMQP_PORT)).await {
        Ok(listener) => Ok(listener),
        // The REST door is enough for most: no reason to refuse the start.
        Err(problem) => {
            let listener = free_port().await?;
            let port = listener.local_addr()?.port();
            let told = format!(
                "port {AMQP_PORT} is not free ({problem}): the AMQP door is on port {port}, \
                 which clients of Service Bus may pass over; whoever sends by AMQP frees {AMQP_PORT} first"
            );
            // Nobody listens any more when the stack is going down.
            hints.send(told).ok();
            Ok(listener)
        }
    }
}

async fn free_port() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_and_another_one_is_found() {
        // Held by us, or by whoever was faster.
        let _held = TcpListener::bind((Ipv4Addr::LOCALHOST, AMQP_PORT)).await;
        let (hints, mut told) = tokio::sync::mpsc::unbounded_channel();
        let listener = expected_port(&hints).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_ne!(port, AMQP_PORT);
        let hint = told.try_recv().expect("a hint");
        assert!(hint.contains("port 5672 is not free"), "{hint}");
        assert!(hint.contains(&format!("on port {port}")), "{hint}");
    }
}
