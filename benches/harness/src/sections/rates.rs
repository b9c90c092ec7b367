//! Latency at fixed rates of arrival.

use super::{Effort, SERVICES, store_time};
use crate::contender::Contender;
use crate::error::BenchError;
use crate::load::Target;
use crate::messages::Messages;
use crate::report::{Section, ms};
use crate::samples::Samples;
use crate::stage::{Pool, Stage};

/// Arrivals a second.
const RATES: [u32; 3] = [250, 1_000, 2_000];

/// More than are ever in flight at these rates, unless something stalls.
const CONNECTIONS: usize = 64;

/// Measures raw uploads and invocations, in turns.
///
/// # Errors
/// When a load fails.
pub fn measure(function: &Contender, effort: Effort) -> Result<Section, BenchError> {
    let words = "Open loop: requests are sent when they are due, whether or not earlier ones are answered, and a latency \
                 counts from the moment its request was due (no coordinated omission). Milliseconds; raw uploads and \
                 invocations in turns, the samples of all rounds together.";
    let head = [
        "store time",
        "arrivals/s",
        "raw p50",
        "p99",
        "p99.9",
        "handler p50",
        "p99",
        "p99.9",
        "p50 ratio",
    ];
    let mut section = Section::new("Latency at fixed arrival rates", words, &head);
    for service in SERVICES {
        let stage = Stage::start(function, service)?;
        let uploads = Pool::uploads(Messages::USUAL);
        let invocations = Pool::invocations(Messages::USUAL);
        let (upload, invoke) = (|index| uploads.get(index), |index| invocations.get(index));
        let raw = Target::new(stage.responder.address, &upload);
        let handler = Target::new(stage.running.address, &invoke);
        stage.warm(&handler, CONNECTIONS)?;
        for rate in RATES {
            let (mut of_raw, mut of_handler) = (Samples::default(), Samples::default());
            for _ in 0..effort.rounds.div_ceil(2) {
                of_raw.append(raw.open(CONNECTIONS, rate, effort.load)?.latencies);
                of_handler.append(handler.open(CONNECTIONS, rate, effort.load)?.latencies);
            }
            let [raw_50, raw_99, raw_999] = quantiles(&of_raw);
            let [handler_50, handler_99, handler_999] = quantiles(&of_handler);
            let ratio = of_raw
                .quantile(0.5)
                .div_duration_f64(of_handler.quantile(0.5));
            section.row([
                store_time(service),
                rate.to_string(),
                raw_50,
                raw_99,
                raw_999,
                handler_50,
                handler_99,
                handler_999,
                format!("{ratio:.3}"),
            ]);
        }
    }
    Ok(section)
}

fn quantiles(samples: &Samples) -> [String; 3] {
    [0.5, 0.99, 0.999].map(|share| ms(samples.quantile(share)))
}
