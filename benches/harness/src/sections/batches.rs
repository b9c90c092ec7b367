//! Many messages in one invocation, beside one at a time.

use std::path::Path;
use std::time::Duration;

use super::Effort;
use crate::contender::Contender;
use crate::error::BenchError;
use crate::figures::{InBatches, PerUpdate};
use crate::instructions::{per_batched_message, per_invocation};
use crate::load::Target;
use crate::messages::Messages;
use crate::procfs;
use crate::report::{Section, mb, ms, us, whole};
use crate::stage::{Pool, Stage};

/// Messages of a batch.
const SIZES: [usize; 2] = [8, 64];

/// Updates of each cart that follow each other.
const UPDATES: usize = 10;

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
) -> Result<(Section, PerUpdate, [InBatches; 2]), BenchError> {
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
    let instructions = Some(per_invocation(binary, scratch)?);
    let wanted = ("one at a time", Messages::USUAL, None, instructions);
    let alone = row(&mut section, function, effort, wanted)?;
    let mut measured = [InBatches::default(); 2];
    let mut batch = |name: String, size, updates| -> Result<PerUpdate, BenchError> {
        let instructions = per_batched_message(binary, scratch, (size, updates), &[])?;
        let kind = Some((size, updates));
        let wanted = (name.as_str(), Messages::USUAL, kind, Some(instructions));
        row(&mut section, function, effort, wanted)
    };
    batch("batches of 1".to_owned(), 1, 1)?;
    for (size, measured) in SIZES.into_iter().zip(&mut measured) {
        *measured = InBatches {
            size,
            distinct: batch(format!("batches of {size}, distinct carts"), size, 1)?,
            ten_a_cart: batch(
                format!("batches of {size}, ten updates a cart"),
                size,
                UPDATES,
            )?,
        };
    }
    let largest = Messages {
        body: LARGEST,
        ..Messages::USUAL
    };
    let wanted = ("batches of 64, 256 KB each", largest, Some((64, 1)), None);
    row(&mut section, function, effort, wanted)?;
    Ok((section, alone, measured))
}

fn row(
    section: &mut Section,
    function: &Contender,
    effort: Effort,
    (name, messages, batch, instructions): (&str, Messages, Batch, Option<u64>),
) -> Result<PerUpdate, BenchError> {
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
    let cpu = measured.cpu.div_f64(updates.max(1) as f64);
    let puts = stage.responder.answered()? as f64 / all.max(1) as f64;
    section.row([
        name.to_owned(),
        whole(measured.load.rate() * size as f64),
        ms(measured.load.latencies.quantile(0.5)),
        ms(measured.load.latencies.quantile(0.99)),
        us(cpu),
        format!("{puts:.2}"),
        instructions.map_or_else(|| "–".to_owned(), |count| count.to_string()),
        mb(peak),
    ]);
    Ok(PerUpdate {
        cpu_us: cpu.as_secs_f64() * 1e6,
        puts,
        instructions: instructions.unwrap_or_default(),
    })
}
