//! Loopback listeners and an HTTP client without habits of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;

/// A listener on a free port.
pub async fn listener() -> TcpListener {
    listener_on((Ipv4Addr::LOCALHOST, 0).into()).await
}

pub async fn listener_on(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address).await.unwrap()
}

/// Sends each request once, whatever comes back.
pub fn client() -> reqwest::Client {
    let builder = stand_in::http_client::builder().unwrap();
    builder
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// Waits for something that is bound to happen; the limit only ends a broken run.
pub async fn until(happened: impl Fn() -> bool) {
    let wait = async {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, wait)
        .await
        .expect("it never happened");
}
