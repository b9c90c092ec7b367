//! How cost grows with what is in flight and with the size of an order.

use std::time::Duration;

use super::{CONNECTIONS, Effort};
use crate::contender::Contender;
use crate::error::BenchError;
use crate::load::Target;
use crate::messages::Messages;
use crate::procfs;
use crate::report::{Section, mb, ms, us, whole};
use crate::stage::{Measured, Pool, Stage};

const IN_FLIGHT: [usize; 4] = [1, 10, 100, 1_000];
const KILOBYTES: [usize; 5] = [1, 4, 16, 64, 256];
const SERVICE: Duration = Duration::from_millis(5);

const HEAD: [&str; 6] = [
    "",
    "messages/s",
    "p50 ms",
    "p99 ms",
    "CPU µs/message",
    "peak MB",
];

/// By concurrent invocations.
///
/// # Errors
/// When a load fails.
pub fn by_concurrency(function: &Contender, effort: Effort) -> Result<Section, BenchError> {
    let words = "Orders of 1 KB, a store that takes 5 ms, a fresh process for each row.";
    let mut section = Section::new("Growth with concurrent invocations", words, &HEAD);
    for connections in IN_FLIGHT {
        let cells = one(function, effort, connections, Messages::USUAL)?;
        row(&mut section, format!("{connections} in flight"), cells);
    }
    Ok(section)
}

/// By the size of the order.
///
/// # Errors
/// When a load fails.
pub fn by_size(function: &Contender, effort: Effort) -> Result<Section, BenchError> {
    let words = format!(
        "{CONNECTIONS} in flight, a store that takes 5 ms, a fresh process for each row. A larger order has more \
         products, each of which is checked; 256 KB is the largest message of a Standard namespace."
    );
    let mut section = Section::new("Growth with the size of an order", words, &HEAD);
    for kilobytes in KILOBYTES {
        let messages = Messages {
            body: kilobytes * 1024,
            ..Messages::USUAL
        };
        let cells = one(function, effort, CONNECTIONS, messages)?;
        row(&mut section, format!("{kilobytes} KB"), cells);
    }
    Ok(section)
}

fn one(
    function: &Contender,
    effort: Effort,
    connections: usize,
    messages: Messages,
) -> Result<(Measured, u64), BenchError> {
    let stage = Stage::start(function, SERVICE)?;
    let pool = Pool::invocations(messages);
    let invoke = |index| pool.get(index);
    let target = Target::new(stage.running.address, &invoke);
    target.count(connections, connections * 4)?;
    let measured = stage.measure(|| target.closed(connections, effort.load))?;
    Ok((measured, procfs::memory(stage.running.pid())?.peak))
}

fn row(section: &mut Section, name: String, (measured, peak): (Measured, u64)) {
    let latencies = &measured.load.latencies;
    section.row([
        name,
        whole(measured.load.rate()),
        ms(latencies.quantile(0.5)),
        ms(latencies.quantile(0.99)),
        us(measured.cpu_per_message()),
        mb(peak),
    ]);
}
