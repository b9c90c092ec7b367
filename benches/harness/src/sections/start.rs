//! Start and size: from the making of the process to its first answer, and what is deployed.

use std::time::{Duration, Instant};

use super::Effort;
use crate::contender::{Contender, bare};
use crate::error::{BenchError, doing};
use crate::report::{Section, mb, ms};
use crate::responder::Responder;
use crate::samples::Samples;

/// Starts of the peers, which take their time.
const PEER_STARTS: usize = 5;

/// Measures each contender beside an empty process.
///
/// # Errors
/// When a process does not start.
pub fn measure(contenders: &[Contender], effort: Effort) -> Result<Section, BenchError> {
    let words = "From just before the process is made to its first answer on `/`, which is what the Functions host waits \
                 for; in turns with `/bin/true`, made and waited for: what any process costs here. Deployed is the \
                 binary, or the folder with all of its packages; the languages' own runtimes are not counted.";
    let head = [
        "handler",
        "first answer p50 ms",
        "p95 ms",
        "`/bin/true` p50 ms",
        "above it ms",
        "deployed MB",
    ];
    let mut section = Section::new("Start and size", words, &head);
    let responder = Responder::start(Duration::ZERO)?;
    for contender in contenders {
        let own = matches!(contender, Contender::Function(_));
        let starts = if own {
            effort.starts
        } else {
            effort.starts.min(PEER_STARTS)
        };
        let (mut answers, mut empty) = (Samples::default(), Samples::default());
        for _ in 0..starts {
            empty.push(empty_process()?);
            answers.push(contender.start(responder.address)?.started_in);
        }
        let above = answers.quantile(0.5).saturating_sub(empty.quantile(0.5));
        section.row([
            contender.name().to_owned(),
            ms(answers.quantile(0.5)),
            ms(answers.quantile(0.95)),
            ms(empty.quantile(0.5)),
            ms(above),
            mb(contender.size()?),
        ]);
    }
    Ok(section)
}

fn empty_process() -> Result<Duration, BenchError> {
    let begun = Instant::now();
    bare("/bin/true").status().map_err(doing("run /bin/true"))?;
    Ok(begun.elapsed())
}
