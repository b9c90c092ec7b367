//! The same job in other languages: `benches/peers`.

use std::time::Duration;

use super::{Effort, SERVICES, store_time};
use crate::contender::Contender;
use crate::error::BenchError;
use crate::load::Target;
use crate::messages::Messages;
use crate::procfs;
use crate::report::{Section, mb, ms, us, whole};
use crate::samples::median;
use crate::stage::{Measured, Pool, Stage};

/// As many as `host.json` allows at a time: enough to keep every handler busy, so that none pays
/// for waking a core.
const CONNECTIONS: usize = 64;

struct Figures {
    contender: Contender,
    rounds: Vec<Measured>,
    peak: u64,
}

impl Figures {
    fn cpu(&self) -> Duration {
        let each = self
            .rounds
            .iter()
            .map(|round| round.cpu_per_message().as_secs_f64());
        Duration::from_secs_f64(median(each))
    }

    fn rate(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.load.rate()))
    }
}

/// Measures all contenders, in turns; the first is what the others are compared with.
///
/// # Errors
/// When a load fails.
pub fn measure(contenders: &[Contender], effort: Effort) -> Result<Section, BenchError> {
    let words = format!(
        "Same invocations, same blob endpoint, {CONNECTIONS} in flight, {} rounds in turns, medians. CPU is user and \
         system time of the process per message, as the kernel counts it; the last column is messages per CPU second, \
         as a multiple of the peer's. Peak memory is `VmHWM` after all of its loads.",
        effort.rounds
    );
    let head = [
        "handler",
        "store time",
        "messages/s",
        "p50 ms",
        "p99 ms",
        "CPU µs/message",
        "peak MB",
        "ours ÷ it",
    ];
    let mut section = Section::new("Beside the same job in Node.js and Python", words, &head);
    for service in SERVICES {
        let all = rounds(contenders, effort, service)?;
        let ours = all.first().map(Figures::cpu).unwrap_or_default();
        for figures in all {
            let quantile = |share| {
                let each = figures
                    .rounds
                    .iter()
                    .map(|round| round.load.latencies.quantile(share).as_secs_f64());
                ms(Duration::from_secs_f64(median(each)))
            };
            section.row([
                figures.contender.name().to_owned(),
                store_time(service),
                whole(figures.rate()),
                quantile(0.5),
                quantile(0.99),
                us(figures.cpu()),
                mb(figures.peak),
                format!("{:.1}", figures.cpu().div_duration_f64(ours)),
            ]);
        }
    }
    Ok(section)
}

fn rounds(
    contenders: &[Contender],
    effort: Effort,
    service: Duration,
) -> Result<Vec<Figures>, BenchError> {
    let pool = Pool::invocations(Messages::USUAL);
    let invoke = |index| pool.get(index);
    let mut stages = Vec::new();
    for contender in contenders {
        let stage = Stage::start(contender, service)?;
        let target = Target::new(stage.running.address, &invoke);
        stage.warm(&target, CONNECTIONS)?;
        stages.push((contender, stage, target, Vec::new()));
    }
    for _ in 0..effort.rounds {
        for (_, stage, target, rounds) in &mut stages {
            rounds.push(stage.measure(|| target.closed(CONNECTIONS, effort.load))?);
        }
    }
    stages
        .into_iter()
        .map(|(contender, stage, _, rounds)| {
            Ok(Figures {
                contender: contender.clone(),
                rounds,
                peak: procfs::memory(stage.running.pid())?.peak,
            })
        })
        .collect()
}
