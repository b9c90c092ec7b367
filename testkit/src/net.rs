//! Addresses on loopback, and an HTTP client without habits of its own.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// A listener on a free port.
pub async fn listener() -> TcpListener {
    listener_on((Ipv4Addr::LOCALHOST, 0).into()).await
}

pub async fn listener_on(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address).await.unwrap()
}

/// An address where nobody listens, kept from everybody else as long as this lives.
#[derive(Debug)]
pub struct Nobody {
    pub address: SocketAddr,
    _bound: TcpSocket,
}

/// Takes a port and does not listen on it: connections are refused.
pub fn nobody() -> Nobody {
    let bound = TcpSocket::new_v4().unwrap();
    bound.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    Nobody {
        address: bound.local_addr().unwrap(),
        _bound: bound,
    }
}

/// Sends each request once, whatever comes back, and follows no redirect.
pub fn client() -> reqwest::Client {
    let builder = stand_in::http_client::builder().unwrap();
    builder
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}
