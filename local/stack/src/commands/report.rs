//! One readable line for each thing that happens.

mod delivery;
mod log_line;

use host::{Event, Exit, Level, Next};
use logic_app::mail::Mail;
use stack::storefront::Told;

use super::text::word;
use delivery::{readable, short};

/// Turns events into lines.
#[derive(Debug)]
pub(crate) struct Report {
    /// Shows every line of the handler as it is.
    pub(crate) verbose: bool,
    /// Where a dead letter can be seen.
    pub(crate) dead_letters_url: String,
}

impl Report {
    /// The line for an event; nothing for what a calm screen leaves out.
    pub(crate) fn line(&self, event: &Event) -> Option<String> {
        match event {
            Event::HandlerStarted { pid } if self.verbose => {
                Some(format!("handler started, process {}", pid.unwrap_or(0)))
            }
            Event::HandlerReady => Some("handler ready".to_owned()),
            Event::HandlerExited { exit, next } => {
                Some(format!("handler {}: {}", exited(*exit), then(*next)))
            }
            Event::LogLine { text, .. } if self.verbose => Some(format!("  | {text}")),
            Event::LogLine { level, text } => {
                (*level >= Level::Warning).then(|| log_line::readable(*level, text))
            }
            Event::Note { level, text } => Some(format!("{}{text}", prefix(*level))),
            Event::Delivered(delivered) => Some(delivery::line(delivered)),
            Event::DeadLettered {
                sequence,
                session,
                delivery_count,
                reason,
            } => Some(format!(
                "#{sequence}  {}  dead-lettered after {delivery_count} deliveries ({reason}): {}",
                short(session.as_deref()),
                self.dead_letters_url
            )),
            Event::HostStopped { why } => Some(format!("error: the host stops: {why}")),
            _ => None,
        }
    }
}

impl Report {
    /// The line for what happens to the storefront.
    pub(crate) fn storefront(&self, told: &Told) -> Option<String> {
        match told {
            Told::Line(text) if self.verbose => Some(format!("  PetStore | {text}")),
            Told::Line(text) => log_line::warning(text).map(|line| format!("  PetStore{line}")),
            Told::Ended { how, pause } => Some(format!(
                "PetStore {how}: started again in {}",
                readable(*pause)
            )),
            Told::Listening(_) => None,
        }
    }
}

/// The line for a mail.
pub(crate) fn mail(mail: &Mail) -> String {
    format!(
        "mail to {}: {}",
        word(&mail.email.to()),
        word(&mail.email.content.subject)
    )
}

fn exited(exit: Exit) -> String {
    match exit {
        Exit::Code(Some(code)) => format!("exited with code {code}"),
        Exit::Code(None) => "was ended by a signal".to_owned(),
        Exit::Killed => "was killed by the host".to_owned(),
        Exit::NotInitialized => {
            "did not answer within initializationTimeout and was killed".to_owned()
        }
    }
}

fn then(next: Next) -> &'static str {
    match next {
        Next::Restart => "started again",
        Next::StayDown => "stays down, as in Azure; messages wait",
        Next::StopHost => "third error within 30 min",
    }
}

fn prefix(level: Level) -> &'static str {
    match level {
        Level::Information => "",
        Level::Warning => "warning: ",
        Level::Error => "error: ",
    }
}
