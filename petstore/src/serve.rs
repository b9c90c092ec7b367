//! Serving, and an orderly end of it.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use petstore::web;
use petstore::web::Shop;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::{info, warn};

/// For requests under way, when told to end; then for the outbox, which loses nothing if this is
/// too short. Together below what App Service grants.
const LAST_REQUESTS: Duration = Duration::from_secs(10);
const LAST_MESSAGES: Duration = Duration::from_secs(5);

/// Serves until told to end by a signal or, when it is `attached`, by its parent.
pub(crate) async fn serve(listener: TcpListener, shop: Shop, attached: bool) -> io::Result<()> {
    let shop = Arc::new(shop);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut parent = attached.then(parent).transpose()?;
    let (tell, told) = oneshot::channel::<()>();
    let mut served = pin!(web::serve(listener, Arc::clone(&shop), async {
        told.await.ok();
    }));
    tokio::select! {
        served = &mut served => return served,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        asked = ends(&mut parent) => if !asked {
            return orphaned();
        }
    }
    info!("ending");
    drop(tell);
    // A shopper's idle connection must not hold us up.
    tokio::select! {
        served = timeout(LAST_REQUESTS, served) => match served {
            Ok(served) => served?,
            Err(_) => warn!("some requests did not finish"),
        },
        false = ends(&mut parent) => return orphaned(),
    }
    // A click outlives its connection.
    let waiting = shop.finish(LAST_MESSAGES).await;
    info!(waiting, "ended");
    Ok(())
}

/// Tells when whoever started this program, and holds its standard input, lets go of that: true when
/// something was written before, which asks for an orderly end; false when it was killed.
///
/// A thread of its own, for the runtime does not end before a read that it began itself.
fn parent() -> io::Result<oneshot::Receiver<bool>> {
    let (tell, told) = oneshot::channel();
    let read = move || {
        let read = io::copy(&mut io::stdin().lock(), &mut io::sink());
        // An error means that it ends already.
        tell.send(read.is_ok_and(|bytes| bytes > 0)).ok();
    };
    std::thread::Builder::new()
        .name("parent".to_owned())
        .spawn(read)?;
    Ok(told)
}

/// Never without a parent, and once with one.
async fn ends(parent: &mut Option<oneshot::Receiver<bool>>) -> bool {
    let Some(waiting) = parent else {
        return std::future::pending().await;
    };
    let asked = waiting.await.unwrap_or_default();
    *parent = None;
    asked
}

/// No time to lose: the next one is about to start, and takes over only what the dead have left.
fn orphaned() -> io::Result<()> {
    info!("the parent is gone");
    Ok(())
}
