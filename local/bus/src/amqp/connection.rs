//! One connection: the socket and the clock around a [`Conversation`], which knows neither.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::conversation::{Conversation, IDLE};
use super::frame::put_heartbeat;
use super::handshake::shake_hands;
use super::shared::Shared;
use super::wire::{Broken, Wire};

/// A client that has not opened its connection by then is hung up on.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves one client until it leaves.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut wire = Wire::new(stream);
    // Broken connections are ordinary here: clients end without a word, and strangers knock.
    converse(&mut wire, shared).await.ok();
    timeout(PATIENCE, wire.close()).await.ok();
}

async fn converse(wire: &mut Wire<TcpStream>, shared: Arc<Shared>) -> Result<(), Broken> {
    let opening = Instant::now() + PATIENCE;
    let shaken = timeout(PATIENCE, shake_hands(wire, &shared)).await;
    let access = shaken.map_err(|_| Broken::Silent)??;
    let mut conversation = Conversation::new(shared, access);
    let mut heard = Instant::now();
    let mut said = Instant::now();
    while !conversation.over {
        let deadline = if conversation.is_open() {
            heard + 2 * IDLE
        } else {
            opening
        };
        tokio::select! {
            frame = wire.frame() => {
                conversation.take(&frame?);
                heard = Instant::now();
            }
            () = sleep_until(said + conversation.heartbeat()) => put_heartbeat(&mut conversation.out),
            () = sleep_until(deadline) => return Err(Broken::Silent),
        }
        if !conversation.out.is_empty() {
            // A client that does not read would hold its answers in memory.
            let sent = timeout(PATIENCE, wire.send(&conversation.out)).await;
            sent.map_err(|_| Broken::Silent)??;
            conversation.out.clear();
            said = Instant::now();
        }
    }
    Ok(())
}
