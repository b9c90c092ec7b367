//! The settings: the function's own, and where its queue is. Every mistake is reported at once.

use order_items_reserver::azure_app::settings;
use order_items_reserver::azure_app::settings::{Mistakes, Source};
use order_items_reserver::config::Settings;
use service_bus::Queue;

/// Says where settings may come from, when the queue's are missing: a laptop's are in a file.
#[must_use]
pub fn hint_at_local(mut mistakes: Mistakes) -> Mistakes {
    for mistake in &mut mistakes.0 {
        let missing = mistake.problem.starts_with("missing");
        if mistake.setting == service_bus::settings::CONNECTION && missing {
            mistake.problem +=
                "; with --local the settings are those of local.settings.json in this folder";
        }
    }
    mistakes
}

/// Reads the settings of the queue alone: enough to look at its dead letters.
///
/// # Errors
/// Lists everything that is missing or wrong.
pub fn queue(source: Source<'_>) -> Result<Queue, Mistakes> {
    settings::read(&service_bus::settings::SETTINGS, source, Queue::read)
}

/// Reads those of the function's storage, where nothing is handed over: whatever is said of the
/// fallback is not looked at.
///
/// # Errors
/// Lists everything that is missing or wrong.
pub fn storage(source: Source<'_>) -> Result<Settings, Mistakes> {
    Settings::read(&|name| match name {
        "FALLBACK_URL" => Some("http://127.0.0.1/nobody".to_owned()),
        _ if name.starts_with("FALLBACK_") => None,
        _ => source(name),
    })
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
            let mut all = Vec::new();
            for mistake in mistakes.into_iter().flatten().flat_map(|it| it.0) {
                // Both read AZURE_CLIENT_ID.
                if !all.contains(&mistake) {
                    all.push(mistake);
                }
            }
            Err(Mistakes(all))
        }
    }
}
