//! One readable line for each thing that happens, and the only way to the screen: what others wrote
//! must not steer the terminal.

use std::collections::BTreeMap;
use std::io;
use std::io::Write;
use std::time::Duration;

use bus::Transition;
use host::{Delivered, DeliveryOutcome, Event, Exit, Level, Next};
use logic_app::mail::Mail;
use serde_json::{Map, Value};
use stack::storefront::StorefrontEvent;
use time::OffsetDateTime;

/// Fields of a log line that the delivery's line says already.
const ELSEWHERE: [&str; 13] = [
    "timestamp",
    "level",
    "message",
    "target",
    "span",
    "invocation_id",
    "session",
    "sequence_number",
    "message_id",
    "outcome",
    "blob_name",
    "duration_ms",
    "trace_id",
];

/// Turns events into lines.
#[derive(Debug)]
pub(super) struct EventLines {
    /// Shows every line of the handler as it is.
    pub(super) verbose: bool,
    /// Where a dead letter can be seen.
    pub(super) dead_letters_url: String,
    /// What the answer to a batch says of its messages, by their numbers. It comes before the
    /// message's own line, which tells it.
    said: BTreeMap<u64, String>,
}

/// More than a batch has.
const SAID_MAX: usize = 1_000;

impl EventLines {
    pub(super) fn new(verbose: bool, dead_letters_url: String) -> Self {
        Self {
            verbose,
            dead_letters_url,
            said: BTreeMap::new(),
        }
    }

    /// The line for an event; nothing for what a calm screen leaves out.
    pub(super) fn event(&mut self, event: &Event) -> Option<String> {
        if let Event::LogLine { text, .. } = event
            && let Some((number, record)) = of_batch(text)
        {
            self.said.insert(number, record.to_owned());
            if self.said.len() > SAID_MAX {
                self.said.pop_first();
            }
        }
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
                let told = *level >= Level::Warning || ends_an_order(text);
                told.then(|| log_line(*level, text))
            }
            Event::Note { level, text } => Some(format!("{}{text}", prefix(*level))),
            Event::Delivered(delivered) => {
                let said = self.said.remove(&delivered.sequence);
                Some(delivery_line(delivered, said))
            }
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

    /// The line for what happens to the storefront.
    pub(super) fn storefront(&self, told: &StorefrontEvent) -> Option<String> {
        match told {
            StorefrontEvent::Line(text) if self.verbose => Some(format!("  PetStore | {text}")),
            StorefrontEvent::Line(text) => {
                warning_line(text).map(|line| format!("  PetStore{line}"))
            }
            StorefrontEvent::Ended { how, pause } => Some(format!(
                "PetStore {how}: started again in {}",
                readable(*pause)
            )),
            StorefrontEvent::Listening(_) => None,
        }
    }
}

/// The line for a message that the queue dropped: its id was that of another. A repeat of the same
/// body is what a publisher does that got no answer, and is left out of a calm screen.
pub(super) fn duplicate_line(transition: &Transition, verbose: bool) -> Option<String> {
    let Transition::Duplicate {
        message_id,
        session_id,
        of,
        same_body,
    } = transition
    else {
        return None;
    };
    let session = short(session_id.as_deref());
    let of = of.map_or("an earlier message".to_owned(), |of| format!("#{of}"));
    let id = word(message_id);
    match same_body {
        Some(true) => {
            verbose.then(|| format!("{session}  a repeat of {of} was dropped (MessageId {id})"))
        }
        Some(false) => Some(format!(
            "warning: {session}  a message was swallowed as a duplicate of {of}: it has the same MessageId {id} \
             and ANOTHER BODY, which is lost; a publisher makes an id for each update"
        )),
        None => Some(format!(
            "{session}  a message was swallowed as a duplicate of {of} (MessageId {id})"
        )),
    }
}

/// The line for a mail.
pub(super) fn mail_line(mail: &Mail) -> String {
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
        Exit::Replaced => "gave way to what was built".to_owned(),
        Exit::NotInitialized => {
            "did not answer within initializationTimeout and was killed".to_owned()
        }
    }
}

fn then(next: Next) -> &'static str {
    match next {
        Next::Restart => "started again",
        Next::StayDown => "stays down, as in Azure: every message fails from now on",
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

/// The number and the rest of `#8412 S.json stored, upload attempts: 1`.
fn of_batch(text: &str) -> Option<(u64, &str)> {
    let (number, record) = text.strip_prefix('#')?.split_once(' ')?;
    Some((number.parse().ok()?, record))
}

fn delivery_line(delivered: &Delivered, said: Option<String>) -> String {
    let Delivered {
        sequence,
        session,
        delivery_count,
        outcome,
        took,
        ..
    } = delivered;
    let what = match outcome {
        DeliveryOutcome::Completed { status, logs } if logs.is_empty() => {
            said.map_or_else(|| format!("completed ({status})"), |said| word(&said))
        }
        DeliveryOutcome::Completed { logs, .. } => logs.join("; "),
        DeliveryOutcome::Abandoned { why, last: false } => {
            format!("abandoned ({why}), delivery {} follows", delivery_count + 1)
        }
        DeliveryOutcome::Abandoned { why, last: true } => {
            format!("abandoned ({why}), for the last time")
        }
        DeliveryOutcome::LockLost => {
            "lock lost: what the handler did settles nothing, the message comes again".to_owned()
        }
        DeliveryOutcome::Released => "given back by a host that gave up, uncounted".to_owned(),
        DeliveryOutcome::LeftLocked => "not done when the host stopped: it comes again".to_owned(),
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

/// `  ERROR  message  key=value …`; a line that is no JSON object stays as it is.
fn log_line(level: Level, text: &str) -> String {
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(text) else {
        return format!("  {}  {text}", level_name(level));
    };
    let own_level = fields
        .get("level")
        .and_then(Value::as_str)
        .unwrap_or_else(|| level_name(level));
    let message = fields
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let number = fields.get("sequence_number").and_then(Value::as_u64);
    let number = number.map_or_else(String::new, |number| format!("#{number}  "));
    let rest: String = fields
        .iter()
        .filter(|(key, value)| !ELSEWHERE.contains(&key.as_str()) && !value.is_null())
        .map(|(key, value)| format!("  {key}={value}"))
        .collect();
    format!("  {own_level}  {number}{message}{rest}")
}

/// Whether a line says what became of an order: the handler writes none of what it has simply
/// stored, as long as nobody asks it to.
fn ends_an_order(text: &str) -> bool {
    let fields: Value = serde_json::from_str(text).unwrap_or_default();
    let word = |name| fields.get(name).and_then(Value::as_str);
    word("outcome").is_some() && word("level") != Some("DEBUG")
}

/// The same for a line whose level nobody knows from elsewhere; nothing for what a calm screen
/// leaves out. A line that is no JSON object is the last word of a program that ends.
fn warning_line(text: &str) -> Option<String> {
    let fields: Value = serde_json::from_str(text).unwrap_or_default();
    match fields.get("level").and_then(Value::as_str) {
        Some("WARN") => Some(log_line(Level::Warning, text)),
        Some("ERROR") | None => Some(log_line(Level::Error, text)),
        Some(_) => None,
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Information => "INFO",
        Level::Warning => "WARN",
        Level::Error => "ERROR",
    }
}

/// Prints a line about what has just happened, with the time: as in logs and lists, UTC.
pub(super) fn tell(line: &str) -> io::Result<()> {
    print(&stamped(line, OffsetDateTime::now_utc()))
}

fn stamped(line: &str, now: OffsetDateTime) -> String {
    let (hours, minutes, seconds, milliseconds) = now.time().as_hms_milli();
    format!("{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}Z  {line}")
}

/// Prints lines.
pub(super) fn print(lines: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", harmless(lines))?;
    out.flush()
}

/// The text with control characters, and those that turn the direction of writing around, spelt
/// out. Lines stay lines.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_steering(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

fn is_steering(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\n')
}

/// What somebody else wrote, within a line: it makes no lines of its own either.
fn word(text: &str) -> String {
    harmless(text).replace('\n', "\\u{a}")
}

#[cfg(test)]
mod tests {
    use host::InvocationFailure;

    use super::*;

    fn told(delivery_count: u32, session: Option<&str>, outcome: DeliveryOutcome) -> String {
        let delivered = Delivered {
            sequence: 12,
            message_id: None,
            session: session.map(str::to_owned),
            delivery_count,
            outcome,
            took: Duration::from_micros(4_200),
        };
        delivery_line(&delivered, None)
    }

    #[test]
    fn a_swallowed_message_names_the_one_that_has_its_id() {
        let told = |of: Option<u64>, same_body: Option<bool>, verbose: bool| {
            let duplicate = Transition::Duplicate {
                message_id: "id\u{1b}[2J".to_owned(),
                session_id: Some("S".to_owned()),
                of,
                same_body,
            };
            duplicate_line(&duplicate, verbose)
        };
        let lost = told(Some(7), Some(false), false).expect("a line");
        assert!(
            lost.starts_with("warning: S  a message was swallowed as a duplicate of #7:"),
            "{lost}"
        );
        assert!(
            lost.contains("ANOTHER BODY") && !lost.contains('\u{1b}'),
            "{lost}"
        );
        assert_eq!(
            told(Some(7), Some(true), false),
            None,
            "a repeat is no news"
        );
        let repeat = told(Some(7), Some(true), true).expect("a line");
        assert!(
            repeat.starts_with("S  a repeat of #7 was dropped"),
            "{repeat}"
        );
        let unknown = told(None, None, false).expect("a line");
        assert!(
            unknown.contains("duplicate of an earlier message"),
            "{unknown}"
        );
    }

    #[test]
    fn a_delivery_is_one_line() {
        let stored = DeliveryOutcome::Completed {
            status: 200,
            logs: vec!["E7.json stored".to_owned()],
        };
        assert_eq!(
            told(1, Some("E7DBA502A3B795953DDE76EA965EBBF3"), stored),
            "#12  E7DB…BBF3  delivery 1  E7.json stored  4 ms"
        );
        let failed = DeliveryOutcome::Abandoned {
            why: InvocationFailure::Status(500),
            last: false,
        };
        assert_eq!(
            told(1, Some("S"), failed),
            "#12  S  delivery 1  abandoned (500), delivery 2 follows  4 ms"
        );
        let last = DeliveryOutcome::Abandoned {
            why: InvocationFailure::FunctionTimeout,
            last: true,
        };
        assert_eq!(
            told(10, None, last),
            "#12  (no session)  delivery 10  abandoned (no answer within functionTimeout), for the last time  4 ms"
        );
    }

    #[test]
    fn of_a_batch_each_message_has_its_own_line() {
        let mut lines = EventLines::new(false, String::new());
        let delivered = |sequence| {
            Event::Delivered(Delivered {
                sequence,
                message_id: None,
                session: Some("S".to_owned()),
                delivery_count: 1,
                outcome: DeliveryOutcome::Completed {
                    status: 200,
                    logs: Vec::new(),
                },
                took: Duration::from_millis(4),
            })
        };
        for text in [
            "#7 S.json superseded by a newer order of its batch, upload attempts: 0",
            "#8 S.json stored, upload attempts: 1",
        ] {
            let level = Level::Information;
            let text = text.to_owned();
            assert_eq!(lines.event(&Event::LogLine { level, text }), None);
        }
        let mut told = |sequence| lines.event(&delivered(sequence)).expect("a line");
        assert_eq!(
            told(7),
            "#7  S  delivery 1  S.json superseded by a newer order of its batch, upload attempts: 0  4 ms"
        );
        assert_eq!(
            told(8),
            "#8  S  delivery 1  S.json stored, upload attempts: 1  4 ms"
        );
        // One that a person got: its line is its own.
        assert_eq!(told(9), "#9  S  delivery 1  completed (200)  4 ms");
        assert_eq!(
            told(8),
            "#8  S  delivery 1  completed (200)  4 ms",
            "told once"
        );
    }

    #[test]
    fn a_json_line_is_put_in_words_and_any_other_is_left_alone() {
        let json = r#"{"timestamp":"t","level":"WARN","message":"order handed over","session":"S","sequence_number":12,"reason":"503"}"#;
        assert_eq!(
            log_line(Level::Warning, json),
            "  WARN  #12  order handed over  reason=\"503\""
        );
        assert_eq!(
            log_line(Level::Error, "thread panicked"),
            "  ERROR  thread panicked"
        );
        assert!(ends_an_order(
            r#"{"level":"INFO","message":"order superseded","outcome":"superseded"}"#
        ));
        for calm in [
            r#"{"level":"INFO","message":"listening"}"#,
            r#"{"level":"DEBUG","outcome":"stored"}"#,
            "outcome",
        ] {
            assert!(!ends_an_order(calm), "{calm}");
        }
    }

    #[test]
    fn a_line_has_the_time_before_it() {
        let now = OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(3_723_004);
        assert_eq!(stamped("#7  stored", now), "01:02:03.004Z  #7  stored");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\u{202e}c\n"),
            "a\\u{1b}[2Jb\\u{202e}c\n"
        );
        assert_eq!(word("a\nb\r"), "a\\u{a}b\\u{d}");
        assert_eq!(harmless("Zoë 🛒"), "Zoë 🛒");
    }
}
