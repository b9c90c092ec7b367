//! How many sessions of a batch to work on at once: `BATCH_SESSIONS_AT_ONCE`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::{Effort, store_time};
use crate::contender::Contender;
use crate::error::BenchError;
use crate::instructions::per_batched_message;
use crate::load::Target;
use crate::messages::Messages;
use crate::procfs;
use crate::report::{Section, mb, ms, us};
use crate::responder::Responder;
use crate::running::Running;
use crate::stage::{Pool, Stage};

/// The setting, and the values that are tried.
const SETTING: &str = "BATCH_SESSIONS_AT_ONCE";
const TRIED: [usize; 4] = [8, 16, 32, 64];

/// Messages of a batch, each of a cart of its own: as many as `host.json` allows.
const BATCH: usize = 64;

/// What a near Blob Storage takes, and a slow one.
const SERVICES: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(30)];

/// Orders, in bytes: usual, and the largest of a Standard namespace.
const BODIES: [usize; 2] = [1_024, 256 * 1_024];

/// Sends batches one after another, as the host does.
///
/// # Errors
/// When a load fails, or there is no valgrind.
pub fn measure(
    function: &Contender,
    binary: &Path,
    scratch: &Path,
    effort: Effort,
) -> Result<Section, BenchError> {
    let words = format!(
        "Batches of {BATCH} distinct carts, one after another, a fresh process for each row and \
         kind of batch. Peak memory is that of the batches at 5 ms."
    );
    let head = [
        SETTING,
        "store time",
        "1 KB: p50 ms",
        "p99 ms",
        "CPU µs/update",
        "peak MB",
        "instructions/update",
        "256 KB: p50 ms",
        "peak MB",
    ];
    let mut section = Section::new("Sessions of a batch at once", words, &head);
    for at_once in TRIED {
        let settings = [(SETTING, at_once.to_string())];
        let instructions = per_batched_message(binary, scratch, (BATCH, 1), &settings)?;
        for service in SERVICES {
            let [usual, large] =
                BODIES.map(|body| batches(function, effort, service, body, at_once));
            let (usual, large) = (usual?, large?);
            section.row([
                at_once.to_string(),
                store_time(service),
                ms(usual.median),
                ms(usual.slowest),
                us(usual.cpu),
                mb(usual.peak),
                instructions.to_string(),
                ms(large.median),
                mb(large.peak),
            ]);
        }
    }
    Ok(section)
}

/// Of batches of one kind.
struct Batches {
    median: Duration,
    slowest: Duration,
    /// For an update.
    cpu: Duration,
    peak: u64,
}

fn batches(
    function: &Contender,
    effort: Effort,
    service: Duration,
    body: usize,
    at_once: usize,
) -> Result<Batches, BenchError> {
    let responder = Responder::start(service)?;
    let mut command = function.command();
    command.env(SETTING, at_once.to_string());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running::start(function.name(), command, responder.address)?;
    let stage = Stage { responder, running };
    let messages = Messages {
        body,
        ..Messages::USUAL
    };
    let pool = Pool::of(|index| messages.batch(index, BATCH, 1));
    let invoke = |index| pool.get(index);
    let target = Target::new(stage.running.address, &invoke);
    target.count(1, 4)?;
    let measured = stage.measure(|| target.closed(1, effort.load))?;
    let latencies = &measured.load.latencies;
    Ok(Batches {
        median: latencies.quantile(0.5),
        slowest: latencies.quantile(0.99),
        cpu: measured
            .cpu
            .div_f64((latencies.len() * BATCH).max(1) as f64),
        peak: procfs::memory(stage.running.pid())?.peak,
    })
}
