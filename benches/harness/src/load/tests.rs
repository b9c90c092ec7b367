//! The load against a small server.

use super::*;
use std::net::TcpListener;

fn get(_: usize) -> Bytes {
    Bytes::from_static(b"GET / HTTP/1.1\r\n\r\n")
}

/// Answers the first request after `first`, the others at once.
fn server(first: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut connection = Connection::over(listener.accept().unwrap().0).unwrap();
        let mut pause = first;
        while connection.receive().unwrap().is_some() {
            thread::sleep(pause);
            pause = Duration::ZERO;
            connection
                .send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .unwrap();
        }
    });
    address
}

#[test]
fn requests_that_wait_behind_a_slow_one_are_late_too() {
    let stall = Duration::from_millis(400);
    let target = Target::new(server(stall), &get);
    let load = target.open(1, 100, Duration::from_millis(200)).unwrap();
    assert_eq!(load.latencies.len(), 20);
    // All twenty were due before the first was answered.
    assert!(load.latencies.quantile(0.0) >= stall / 2);
}

#[test]
fn each_request_is_sent_once() {
    let asked = Mutex::new(Vec::new());
    let requests = |index| {
        asked.lock().unwrap().push(index);
        get(index)
    };
    let target = Target::new(server(Duration::ZERO), &requests);
    assert_eq!(target.count(1, 50).unwrap().latencies.len(), 50);
    assert_eq!(target.sent.load(Ordering::Relaxed), 50);
    assert_eq!(asked.lock().unwrap()[..50], (0..50).collect::<Vec<_>>());
}
