//! The load: a fixed number of requests in flight, or a fixed rate of arrivals.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::error::{BenchError, doing};
use crate::http::Connection;
use crate::samples::Samples;

/// Time for a thousand threads to start before the first request is due.
const LEAD: Duration = Duration::from_millis(100);

/// Well below what any server here waits before it closes an idle connection: 5 s at the least.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// What a load brought. Every request was answered with a 2xx, or there is no load.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// From the first request to the last answer.
    pub took: Duration,
    /// One per request.
    pub latencies: Samples,
}

impl Load {
    /// Answers per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }
}

/// How the requests are paced, and when they end.
#[derive(Debug, Clone, Copy)]
enum Pace {
    /// Each connection sends its next request when it has its answer, up to so many in all.
    Count(usize),
    /// The same, for so long.
    For(Duration),
    /// Request `i` of `count` is due after `i` times the interval, answered or not.
    Open { interval: Duration, count: usize },
}

impl Pace {
    /// When request `index` of a load begun at `start` is due; `None` after the last.
    fn due(self, start: Instant, index: usize) -> Option<Instant> {
        let now = Instant::now();
        match self {
            Self::Count(count) => (index < count).then_some(now),
            Self::For(duration) => (now < start + duration).then_some(now),
            Self::Open { interval, count } => {
                (index < count).then(|| start + interval.mul_f64(index as f64))
            }
        }
    }
}

/// Where the load goes, and what it is made of.
pub struct Target<'a> {
    address: SocketAddr,
    requests: &'a (dyn Fn(usize) -> Bytes + Sync),
    /// Requests sent so far: no load repeats those of the one before.
    sent: AtomicUsize,
    /// Those of earlier loads and when they were last used; the host keeps its connections, too.
    idle: Mutex<Vec<(Connection, Instant)>>,
}

impl std::fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl<'a> Target<'a> {
    /// The server at `address`, which is sent `requests(0)`, `requests(1)` and so on.
    #[must_use]
    pub fn new(address: SocketAddr, requests: &'a (dyn Fn(usize) -> Bytes + Sync)) -> Self {
        Self {
            address,
            requests,
            sent: AtomicUsize::new(0),
            idle: Mutex::default(),
        }
    }

    /// Sends `count` requests over `connections`, each when the one before it is answered.
    ///
    /// # Errors
    /// When any request is not answered with a 2xx.
    pub fn count(&self, connections: usize, count: usize) -> Result<Load, BenchError> {
        self.run(Pace::Count(count), connections.min(count))
    }

    /// The same for as long as `duration`.
    ///
    /// # Errors
    /// When any request is not answered with a 2xx.
    pub fn closed(&self, connections: usize, duration: Duration) -> Result<Load, BenchError> {
        self.run(Pace::For(duration), connections)
    }

    /// Sends `rate` requests a second for `duration`, whatever the answers.
    ///
    /// A latency counts from the moment its request was *due*: one that had to wait for a free
    /// connection behind a slow answer is as late as its shopper would see it (no coordinated
    /// omission).
    ///
    /// # Errors
    /// When any request is not answered with a 2xx.
    pub fn open(&self, connections: usize, rate: u32, time: Duration) -> Result<Load, BenchError> {
        let pace = Pace::Open {
            interval: Duration::from_secs(1) / rate,
            count: (f64::from(rate) * time.as_secs_f64()) as usize,
        };
        self.run(pace, connections)
    }

    fn run(&self, pace: Pace, connections: usize) -> Result<Load, BenchError> {
        let ready = self.connections(connections);
        let ready = ready.map_err(doing(format!("connect to {}", self.address)))?;
        let first = self.sent.load(Ordering::Relaxed);
        let next = AtomicUsize::new(0);
        let start = Instant::now() + LEAD;
        let latencies = thread::scope(|scope| {
            let workers: Vec<_> = ready
                .into_iter()
                .map(|connection| scope.spawn(|| self.work(connection, pace, start, first, &next)))
                .collect();
            let mut all = Samples::default();
            for worker in workers {
                let panicked = || std::io::Error::other("a thread of the load panicked");
                let samples = worker.join().unwrap_or_else(|_| Err(panicked()));
                all.append(samples.map_err(doing(format!("load {}", self.address)))?);
            }
            Ok(all)
        })?;
        self.sent.fetch_add(latencies.len(), Ordering::Relaxed);
        Ok(Load {
            took: start.elapsed(),
            latencies,
        })
    }

    fn connections(&self, wanted: usize) -> std::io::Result<Vec<Connection>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, used)| used.elapsed() < IDLE_MAX);
        let rest = idle.len().saturating_sub(wanted);
        let mut ready: Vec<_> = idle
            .drain(rest..)
            .map(|(connection, _)| connection)
            .collect();
        while ready.len() < wanted {
            ready.push(Connection::open(self.address)?);
        }
        Ok(ready)
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push((connection, Instant::now()));
    }

    fn work(
        &self,
        mut connection: Connection,
        pace: Pace,
        start: Instant,
        first: usize,
        next: &AtomicUsize,
    ) -> std::io::Result<Samples> {
        thread::sleep(start.saturating_duration_since(Instant::now()));
        let mut samples = Samples::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let request = (self.requests)(first + index);
            let Some(due) = pace.due(start, index) else {
                self.keep(connection);
                return Ok(samples);
            };
            thread::sleep(due.saturating_duration_since(Instant::now()));
            connection.exchange(&request)?;
            samples.push(due.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

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
}
