//! Handler ÷ raw upload: what share of the bare upload's throughput is left behind the handler.

use std::time::Duration;

use super::{CONNECTIONS, Effort, SERVICES, store_time};
use crate::contender::Contender;
use crate::error::BenchError;
use crate::load::Target;
use crate::messages::Messages;
use crate::report::{Section, us, whole};
use crate::samples::median;
use crate::stage::{Measured, Pool, Stage};

/// What `capacity` goes by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    /// Handler ÷ raw at 5 ms.
    pub ratio: f64,
    /// Messages a second with 16 in flight at 5 ms.
    pub rate: f64,
    /// CPU time per message when the handler is busy all the time: at 0 ms.
    pub busy_cpu: Duration,
}

/// Measures both, in turns.
///
/// # Errors
/// When a load fails.
pub fn measure(function: &Contender, effort: Effort) -> Result<(Section, Outcome), BenchError> {
    let words = format!(
        "The same load generator sends the bare conditional PUT to the blob endpoint, then invocations to the handler, \
         which sends that PUT: {CONNECTIONS} in flight, {} rounds of each in turns, medians. At 0 ms the generator, the \
         handler and the endpoint compete for the same cores, and the ratio says little more than that.",
        effort.rounds
    );
    let head = [
        "store time",
        "raw/s",
        "handler/s",
        "ratio",
        "raw p50 µs",
        "handler p50 µs",
        "raw p99 µs",
        "handler p99 µs",
        "handler CPU µs",
    ];
    let mut section = Section::new("Handler ÷ raw upload", words, &head);
    let mut outcome = Outcome::default();
    for service in SERVICES {
        let rounds = rounds(function, effort, service)?;
        let ratios = rounds
            .iter()
            .map(|(raw, ours)| ours.load.rate() / raw.load.rate());
        let middle = |of: &dyn Fn(&(Measured, Measured)) -> f64| median(rounds.iter().map(of));
        let time = |share, ours: bool| {
            let seconds = middle(&|(raw, handler)| {
                let load = if ours { &handler.load } else { &raw.load };
                load.latencies.quantile(share).as_secs_f64()
            });
            us(Duration::from_secs_f64(seconds))
        };
        let cpu = middle(&|(_, ours)| ours.cpu_per_message().as_secs_f64());
        let cpu = Duration::from_secs_f64(cpu);
        let (ratio, rate) = (median(ratios), middle(&|(_, ours)| ours.load.rate()));
        if service.is_zero() {
            outcome.busy_cpu = cpu;
        } else {
            (outcome.ratio, outcome.rate) = (ratio, rate);
        }
        section.row([
            store_time(service),
            whole(middle(&|(raw, _)| raw.load.rate())),
            whole(rate),
            format!("{ratio:.3}"),
            time(0.5, false),
            time(0.5, true),
            time(0.99, false),
            time(0.99, true),
            us(cpu),
        ]);
    }
    Ok((section, outcome))
}

fn rounds(
    function: &Contender,
    effort: Effort,
    service: Duration,
) -> Result<Vec<(Measured, Measured)>, BenchError> {
    let stage = Stage::start(function, service)?;
    let (uploads, invocations) = (
        Pool::uploads(Messages::USUAL),
        Pool::invocations(Messages::USUAL),
    );
    let (upload, invoke) = (|index| uploads.get(index), |index| invocations.get(index));
    let raw = Target::new(stage.responder.address, &upload);
    let handler = Target::new(stage.running.address, &invoke);
    stage.warm(&handler, CONNECTIONS)?;
    (0..effort.rounds)
        .map(|_| {
            let raw = stage.measure(|| raw.closed(CONNECTIONS, effort.load))?;
            let ours = stage.measure(|| handler.closed(CONNECTIONS, effort.load))?;
            Ok((raw, ours))
        })
        .collect()
}
