//! `Retry-After`: seconds or a date (RFC 9110, section 10.2.3).

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// However long a server asks: it may be wrong about its clock.
const WAIT_MAX: Duration = Duration::from_secs(5 * 60);

/// How long an answer asks to wait, if it does: five minutes at the most.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = OffsetDateTime::parse(text, &Rfc2822).ok()?;
            Duration::try_from(date - OffsetDateTime::now_utc()).unwrap_or_default()
        }
    };
    Some(wait.min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_nothing_lasts_for_ever() {
        let read = |text| {
            let header = (RETRY_AFTER, HeaderValue::from_static(text));
            retry_after(&HeaderMap::from_iter([header]))
        };
        assert_eq!(retry_after(&HeaderMap::new()), None);
        assert_eq!(read("3"), Some(Duration::from_secs(3)));
        assert_eq!(read("86400"), Some(WAIT_MAX));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(read("Sun, 06 Nov 2094 08:49:37 GMT"), Some(WAIT_MAX));
        assert_eq!(read("soon"), None);
    }
}
