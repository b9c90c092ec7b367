//! The process as its host and its operator see it: arguments, settings, exit codes, lines of log.

mod check;
mod host;
mod identity;
mod lines;
mod secrets;
mod settings;

use blob::ACCOUNT_KEY;

use crate::support::handler::Run;

/// `EX_USAGE`, `EX_UNAVAILABLE`, `EX_OSERR` of `sysexits.h`.
const USAGE: Option<i32> = Some(64);
const UNAVAILABLE: Option<i32> = Some(69);
const OS: Option<i32> = Some(71);

/// More than that nobody tried.
const REACHED: &str = " answers (no order was sent)";

fn assert_checked(run: &Run, code: Option<i32>, storage: &str, fallback: &str) {
    assert_eq!(run.code, code, "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    let [about_settings, about_queue, about_storage, about_fallback] = lines[..] else {
        panic!("four lines: {run:?}");
    };
    let expected = "settings  ok; no spans are exported (OTEL_EXPORTER_OTLP_ENDPOINT)";
    assert_eq!(about_settings, expected, "{run:?}");
    assert!(
        about_queue.starts_with("queue  ") && about_queue.contains("SessionId"),
        "{run:?}"
    );
    assert!(
        about_storage.starts_with("storage ") && about_storage.contains(storage),
        "{run:?}"
    );
    assert_eq!(
        about_fallback.starts_with("fallback  reachable: http"),
        fallback == REACHED,
        "{run:?}"
    );
    assert!(
        about_fallback.starts_with("fallback") && about_fallback.contains(fallback),
        "{run:?}"
    );
}

fn assert_discreet(lines: &[String]) {
    assert!(!lines.is_empty());
    for line in lines {
        for secret in ["canary", ACCOUNT_KEY, "Bearer", "SharedKey"] {
            assert!(!line.contains(secret), "{secret}: {line}");
        }
    }
}
