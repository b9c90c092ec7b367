//! Where log lines go: each is one JSON object.
//!
//! The Functions host judges a line by where it comes from: standard output is information,
//! standard error a warning or an error. Never in a line: a body, an e-mail address, a token, a
//! signature.

use std::borrow::Cow;
use std::io::{Stderr, Stdout, Write};
use std::{io, panic};

use tracing::{Level, Metadata, error};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The SDK's crates log their requests themselves, failed ones with an error that may quote a
/// signed URL. What is worth telling of a request its caller tells.
const SDK: [&str; 4] = [
    "azure_core",
    "azure_identity",
    "azure_storage_blob",
    "typespec_client_core",
];

/// Sends the lines that `filter` lets through to where the host expects them, and makes an error
/// line of every panic. Of the SDK nothing below a warning passes, whatever `filter` says.
///
/// # Panics
/// At the second call in a process.
pub fn init(filter: Targets) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .with_writer(Streams);
    let quiet = SDK.map(|target| (target, LevelFilter::WARN));
    tracing_subscriber::registry()
        .with(filter.with_targets(quiet))
        .with(lines)
        .init();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        error!(
            place,
            "panic: {}",
            info.payload_as_str().unwrap_or("no message")
        );
    }));
}

/// Chooses a line's stream by its level.
struct Streams;

impl<'a> MakeWriter<'a> for Streams {
    type Writer = Stream;

    fn make_writer(&'a self) -> Stream {
        Stream::Information(io::stdout())
    }

    fn make_writer_for(&'a self, line: &Metadata<'_>) -> Stream {
        match *line.level() {
            Level::ERROR => Stream::Error(io::stderr()),
            Level::WARN => Stream::Warning(io::stderr()),
            _ => self.make_writer(),
        }
    }
}

enum Stream {
    Information(Stdout),
    Warning(Stderr),
    Error(Stderr),
}

impl Write for Stream {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self {
            Self::Information(out) => out.write(line),
            Self::Warning(err) => err.write(line),
            Self::Error(err) => {
                err.write_all(&without_warn(line))?;
                Ok(line.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Information(out) => out.flush(),
            Self::Warning(err) | Self::Error(err) => err.flush(),
        }
    }
}

/// The same JSON without the word: for the host a line on standard error that holds "warn", in any
/// case and wherever, is a warning, and the error of a session that is called `warner` would be
/// none. Names and literals of ours do not hold it, so it stands within a string, where its first
/// letter may be written as an escape.
fn without_warn(line: &[u8]) -> Cow<'_, [u8]> {
    const WORD: &[u8] = b"warn";
    let at = |rest: &[u8]| {
        rest.windows(WORD.len())
            .position(|four| four.eq_ignore_ascii_case(WORD))
    };
    let mut rest = line;
    let mut written = Vec::new();
    while let Some((before, [first, after @ ..])) =
        at(rest).and_then(|at| rest.split_at_checked(at))
    {
        written.extend_from_slice(before);
        written.extend_from_slice(format!("\\u{first:04x}").as_bytes());
        rest = after;
    }
    if written.is_empty() {
        return Cow::Borrowed(line);
    }
    written.extend_from_slice(rest);
    Cow::Owned(written)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_error_is_an_error_whatever_it_is_about() {
        for (line, words) in [
            (r#"{"level":"ERROR","session":"S"}"#, 0),
            (
                r#"{"level":"ERROR","session":"warner","m":"a \"Warning\""}"#,
                2,
            ),
            (r#"{"reason":"WARN","x":"\\warn\\\\WaRnwarn"}"#, 4),
        ] {
            let written = without_warn(line.as_bytes());
            let written = std::str::from_utf8(&written).unwrap();
            assert!(!written.to_lowercase().contains("warn"), "{written}");
            assert_eq!(written.len(), line.len() + 5 * words, "{written}");
            let read = |text| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(read(written), read(line));
        }
    }
}
