//! The settings: the function's own, and where its queue is. Every mistake is reported at once.

mod local;

use order_items_reserver::config::{Mistakes, Reader, Settings};
use service_bus::Queue;

pub use local::{FILE as LOCAL_SETTINGS, LocalError, LocalSettings};

/// Where settings come from.
pub type Source<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The value of `name` in the environment of the process.
#[must_use]
pub fn from_env(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    std::env::var(name).ok()
}

/// Reads the settings of the queue alone: enough to look at its dead letters.
///
/// # Errors
/// Lists everything that is missing or wrong.
pub fn queue(source: Source<'_>) -> Result<Queue, Mistakes> {
    let mut reader = Reader::new(&[], source);
    match Queue::read(&mut reader) {
        Some(queue) if reader.mistakes.is_empty() => Ok(queue),
        _ => Err(reader.mistakes),
    }
}

/// Reads those of the queue and those of the function.
///
/// # Errors
/// Lists everything that is missing or wrong in either.
pub fn all(source: Source<'_>) -> Result<(Queue, Settings), Mistakes> {
    match (queue(source), Settings::read(source)) {
        (Ok(queue), Ok(settings)) => Ok((queue, settings)),
        (queue, settings) => {
            let mistakes = [queue.err(), settings.err()];
            let all = mistakes.into_iter().flatten().flat_map(|it| it.0);
            Err(Mistakes(all.collect()))
        }
    }
}
