//! Time spans as .NET writes them in host.json.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// A `TimeSpan`: `[d.]hh:mm[:ss[.fffffff]]`, a plain number of days, or negative, which means
/// "without limit".
///
/// Form: .NET's constant format specifier ("c").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TimeSpan(Option<Duration>);

impl TimeSpan {
    /// A span of whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Some(Duration::from_secs(seconds)))
    }

    /// The span, or `None` when there is no limit.
    #[must_use]
    pub fn limit(self) -> Option<Duration> {
        self.0
    }
}

/// The text is not a time span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a time span like 00:05:00 or 1.00:00:00, found {0:?}")]
pub struct NotATimeSpan(String);

impl TryFrom<String> for TimeSpan {
    type Error = NotATimeSpan;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for TimeSpan {
    type Err = NotATimeSpan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (negative, span) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let duration = duration(span).ok_or_else(|| NotATimeSpan(text.to_owned()))?;
        Ok(Self((!negative).then_some(duration)))
    }
}

fn duration(text: &str) -> Option<Duration> {
    let Some((head, rest)) = text.split_once(':') else {
        return Some(Duration::from_secs(
            number(text, u64::MAX / 86_400)? * 86_400,
        ));
    };
    let (days, hours) = match head.split_once('.') {
        Some((days, hours)) => (number(days, 10_675_199)?, number(hours, 23)?),
        None => (0, number(head, 23)?),
    };
    let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "0"));
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    if fraction.is_empty() || fraction.len() > 7 {
        return None;
    }
    let nanos = number(&format!("{fraction:0<9}"), 999_999_999)?;
    let whole = ((days * 24 + hours) * 60 + number(minutes, 59)?) * 60 + number(seconds, 59)?;
    Some(Duration::from_secs(whole) + Duration::from_nanos(nanos))
}

fn number(digits: &str, max: u64) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|value| plain && *value <= max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> Option<Duration> {
        text.parse::<TimeSpan>().expect(text).limit()
    }

    #[test]
    fn the_forms_of_dotnet_are_read() {
        assert_eq!(limit("00:05:00"), Some(Duration::from_secs(300)));
        assert_eq!(limit("1.02:03:04"), Some(Duration::from_secs(93_784)));
        assert_eq!(limit("00:00:00.8"), Some(Duration::from_millis(800)));
        assert_eq!(limit("00:00:00.0000001"), Some(Duration::from_nanos(100)));
        assert_eq!(limit("02:30"), Some(Duration::from_secs(9_000)));
        assert_eq!(
            limit("2"),
            Some(Duration::from_secs(172_800)),
            "a plain number is days"
        );
    }

    #[test]
    fn a_negative_span_has_no_limit() {
        assert_eq!(limit("-00:00:00.0010000"), None);
        assert_eq!(limit("-1"), None);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "5m",
            "00:60:00",
            "24:00:00",
            "00:00:60",
            "00:00:00.",
            "0:0:0.12345678",
            "+1",
            "00:-1",
        ] {
            assert!(text.parse::<TimeSpan>().is_err(), "{text}");
        }
    }
}
