//! Memory over many invocations of many sessions.

use std::time::Duration;

use super::Effort;
use crate::contender::Contender;
use crate::error::BenchError;
use crate::load::Target;
use crate::messages::Messages;
use crate::procfs;
use crate::report::{Section, mb, whole};
use crate::stage::Stage;

/// Many more than the handler remembers.
const SESSIONS: usize = 100_000;

/// As many as `host.json` allows at a time.
const CONNECTIONS: usize = 64;

/// Samples of the resident memory.
const SAMPLES: usize = 10;

/// Sends the invocations and looks at the memory now and then.
///
/// # Errors
/// When an invocation fails.
pub fn measure(function: &Contender, effort: Effort) -> Result<(Section, u64), BenchError> {
    let words = format!(
        "{} invocations of {SESSIONS} distinct sessions, {CONNECTIONS} in flight as `host.json` allows, each with a \
         number of its own.",
        effort.invocations
    );
    let head = ["invocations", "resident MB", "peak MB", "messages/s"];
    let mut section = Section::new("Memory", words, &head);
    let messages = Messages {
        sessions: SESSIONS,
        ..Messages::USUAL
    };
    let invoke = |index| messages.invocation(index);
    let stage = Stage::start(function, Duration::ZERO)?;
    let target = Target::new(stage.running.address, &invoke);
    let memory = procfs::memory(stage.running.pid())?;
    section.row([
        "0".to_owned(),
        mb(memory.resident),
        mb(memory.peak),
        "–".to_owned(),
    ]);
    let mut peak = 0;
    for sample in 1..=SAMPLES {
        let load = target.count(CONNECTIONS, effort.invocations / SAMPLES)?;
        let memory = procfs::memory(stage.running.pid())?;
        peak = memory.peak;
        section.row([
            (sample * effort.invocations / SAMPLES).to_string(),
            mb(memory.resident),
            mb(memory.peak),
            whole(load.rate()),
        ]);
    }
    Ok((section, peak))
}
