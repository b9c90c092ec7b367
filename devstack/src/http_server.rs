//! Serves an axum router on a listener until it is stopped or dropped.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A running server; dropping it stops it.
#[derive(Debug)]
pub(crate) struct HttpServer {
    address: SocketAddr,
    // A JoinSet and not a bare task: it aborts what it holds when it is dropped.
    task: JoinSet<()>,
}

impl HttpServer {
    pub(crate) fn start(listener: TcpListener, router: Router) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            // axum::serve retries failed accepts itself and never ends with an error.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self { address, task })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn stop(mut self) {
        self.task.shutdown().await;
    }
}
