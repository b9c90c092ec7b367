//! The AMQP door of the stack: on the port clients expect, or on a free one when that is taken.

use std::io;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;

use super::Ports;
use crate::amqp::{AmqpDoor, AmqpOptions, PORT};
use crate::connection::AccessKey;
use crate::queue::Queue;

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
    match TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).await {
        Ok(listener) => Ok(listener),
        // The REST door is enough for most: no reason to refuse the start.
        Err(problem) => {
            let listener = free_port().await?;
            let port = listener.local_addr()?.port();
            let told = format!(
                "port {PORT} is not free ({problem}): the AMQP door is on port {port}, \
                 which clients of Service Bus may pass over; whoever sends by AMQP frees {PORT} first"
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
