//! Many messages in one invocation, beside one at a time.

use std::path::Path;
use std::time::Duration;

use super::Effort;
use crate::contender::Contender;
use crate::error::BenchError;
use crate::instructions::{per_batched_message, per_invocation};
use crate::load::Target;
use crate::messages::Messages;
use crate::procfs;
use crate::report::{Section, mb, ms, us, whole};
use crate::stage::{Pool, Stage};

/// Messages of a batch.
const SIZES: [usize; 3] = [1, 8, 64];

/// Updates of each cart that follow each other.
const UPDATES: [usize; 2] = [1, 10];

/// What a near Blob Storage takes.
const SERVICE: Duration = Duration::from_millis(5);

/// The largest message of a Standard namespace, in bytes.
const LARGEST: usize = 256 * 1024;

/// One kind of request: how many messages it has, and of each cart.
type Batch = Option<(usize, usize)>;

/// Sends batches, one at a time as the host does; and single invocations, as many at a time as
/// `host.json` allows.
///
/// # Errors
/// When a load fails, or there is no valgrind.
pub fn measure(
    function: &Contender,
    binary: &Path,
    scratch: &Path,
    effort: Effort,
) -> Result<Section, BenchError> {
    let words = "Orders of 1 KB, a store that takes 5 ms, a fresh process for each row. Batches come one at a time, as \
                 the host sends them; single invocations 64 at a time. A PUT is a request of any kind to the store. \
                 With 256 KB each, a batch is 22.4 MB on the wire.";
    let head = [
        "",
        "updates/s",
        "request p50 ms",
        "p99 ms",
        "CPU µs/update",
        "PUTs/update",
        "instructions/update",
        "peak MB",
    ];
    let mut section = Section::new("Many messages in one invocation", words, &head);
    let alone = per_invocation(binary, scratch)?;
    row(
        &mut section,
        function,
        effort,
        ("one at a time", Messages::USUAL, None, Some(alone)),
    )?;
    for size in SIZES {
        for updates in UPDATES
            .into_iter()
            .filter(|updates| size > 1 || *updates == 1)
        {
            let name = match updates {
                1 => format!("batches of {size}, distinct carts"),
                _ => format!("batches of {size}, ten updates a cart"),
            };
            let instructions = per_batched_message(binary, scratch, size, updates)?;
            let kind = Some((size, updates));
            let wanted = (name.as_str(), Messages::USUAL, kind, Some(instructions));
            row(&mut section, function, effort, wanted)?;
        }
    }
    let largest = Messages {
        body: LARGEST,
        ..Messages::USUAL
    };
    let wanted = ("batches of 64, 256 KB each", largest, Some((64, 1)), None);
    row(&mut section, function, effort, wanted)?;
    Ok(section)
}

fn row(
    section: &mut Section,
    function: &Contender,
    effort: Effort,
    (name, messages, batch, instructions): (&str, Messages, Batch, Option<u64>),
) -> Result<(), BenchError> {
    let stage = Stage::start(function, SERVICE)?;
    let pool = Pool::of(|index| match batch {
        Some((size, updates)) => messages.batch(index, size, updates),
        None => messages.invocation(index),
    });
    let invoke = |index| pool.get(index);
    let target = Target::new(stage.running.address, &invoke);
    let (size, connections) = batch.map_or((1, 64), |(size, _)| (size, 1));
    let warm = target.count(connections, connections * 4)?;
    let measured = stage.measure(|| target.closed(connections, effort.load))?;
    let peak = procfs::memory(stage.running.pid())?.peak;
    let updates = measured.load.latencies.len() * size;
    let all = updates + warm.latencies.len() * size;
    let puts = stage.responder.answered()?;
    section.row([
        name.to_owned(),
        whole(measured.load.rate() * size as f64),
        ms(measured.load.latencies.quantile(0.5)),
        ms(measured.load.latencies.quantile(0.99)),
        us(measured.cpu.div_f64(updates.max(1) as f64)),
        format!("{:.2}", puts as f64 / all.max(1) as f64),
        instructions.map_or_else(|| "–".to_owned(), |count| count.to_string()),
        mb(peak),
    ]);
    Ok(())
}
