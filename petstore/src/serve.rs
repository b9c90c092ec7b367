//! Serving, and an orderly end of it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use petstore::web;
use petstore::web::Shop;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tracing::{info, warn};

use crate::parent::{gone, input_closes};

/// For requests under way, when told to end; then for the outbox, which loses nothing if this is
/// too short. Together below what App Service grants.
const LAST_REQUESTS: Duration = Duration::from_secs(10);
const LAST_MESSAGES: Duration = Duration::from_secs(5);

/// Serves until told to end by a signal or, when it is `attached`, by its parent.
pub(crate) async fn serve(listener: TcpListener, shop: Shop, attached: bool) -> io::Result<()> {
    let (told, end) = tokio::sync::watch::channel(());
    let signals = end_signals()?;
    let shop = Arc::new(shop);
    let mut ended = end;
    let (mut parent, mut orphaned) = match attached {
        true => input_closes().map(|(end, alone)| (Some(end), Some(alone)))?,
        false => (None, None),
    };
    let served = web::serve(listener, Arc::clone(&shop), async move {
        tokio::select! {
            () = signals => {}
            () = gone(&mut parent) => {}
        }
        info!("ending");
        drop(told);
    });
    // A shopper's idle connection must not hold us up.
    let overdue = async {
        ended.changed().await.ok();
        sleep(LAST_REQUESTS).await;
    };
    tokio::select! {
        served = served => served?,
        () = overdue => warn!("some requests did not finish"),
        // The next one is about to start, and takes over only what the dead have left.
        () = gone(&mut orphaned) => {
            info!("the parent is gone");
            return Ok(());
        }
    }
    // A click outlives its connection.
    let waiting = shop.finish(LAST_MESSAGES).await;
    info!(waiting, "ended");
    Ok(())
}

fn end_signals() -> io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
