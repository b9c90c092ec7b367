//! One readable line for each thing that happens.

mod log_line;

use std::time::Duration;

use devstack::host::{Delivered, Event, Exit, Level, Next, Outcome};
use devstack::mail::Mail;
use devstack::storefront::Told;

use super::text::word;

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
            Event::Delivered(delivered) => Some(delivery(delivered)),
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

fn delivery(delivered: &Delivered) -> String {
    let Delivered {
        sequence,
        session,
        delivery_count,
        outcome,
        took,
        ..
    } = delivered;
    let what = match outcome {
        Outcome::Completed { status, logs } if logs.is_empty() => format!("completed ({status})"),
        Outcome::Completed { logs, .. } => logs.join("; "),
        Outcome::Abandoned { why, last: false } => {
            format!("abandoned ({why}), delivery {} follows", delivery_count + 1)
        }
        Outcome::Abandoned { why, last: true } => format!("abandoned ({why}), for the last time"),
        Outcome::LockLost => {
            "lock lost: what the handler did settles nothing, the message comes again".to_owned()
        }
    };
    format!(
        "#{sequence}  {}  delivery {delivery_count}  {what}  {}",
        short(session.as_deref()),
        readable(*took)
    )
}

/// Enough of a session id to tell it from its neighbours.
fn short(session: Option<&str>) -> String {
    let Some(session) = session else {
        return "(no session)".to_owned();
    };
    let characters: Vec<char> = session.chars().collect();
    let shown = match characters.as_slice() {
        [a, b, c, d, middle @ .., w, x, y, z] if middle.len() > 4 => {
            format!("{a}{b}{c}{d}…{w}{x}{y}{z}")
        }
        _ => session.to_owned(),
    };
    word(&shown)
}

fn readable(took: Duration) -> String {
    if took < Duration::from_secs(10) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use devstack::host::Failure;

    fn line(delivery_count: u32, session: Option<&str>, outcome: Outcome) -> String {
        let report = Report {
            verbose: false,
            dead_letters_url: "http://dlq".to_owned(),
        };
        let delivered = Delivered {
            sequence: 12,
            message_id: None,
            session: session.map(str::to_owned),
            delivery_count,
            outcome,
            took: Duration::from_micros(4_200),
        };
        report.line(&Event::Delivered(delivered)).expect("a line")
    }

    #[test]
    fn a_delivery_is_one_line() {
        let stored = Outcome::Completed {
            status: 200,
            logs: vec!["E7.json stored".to_owned()],
        };
        assert_eq!(
            line(1, Some("E7DBA502A3B795953DDE76EA965EBBF3"), stored),
            "#12  E7DB…BBF3  delivery 1  E7.json stored  4 ms"
        );
        let failed = Outcome::Abandoned {
            why: Failure::Status(500),
            last: false,
        };
        assert_eq!(
            line(1, Some("S"), failed),
            "#12  S  delivery 1  abandoned (500), delivery 2 follows  4 ms"
        );
        let last = Outcome::Abandoned {
            why: Failure::FunctionTimeout,
            last: true,
        };
        assert_eq!(
            line(10, None, last),
            "#12  (no session)  delivery 10  abandoned (no answer within functionTimeout), for the last time  4 ms"
        );
    }
}
