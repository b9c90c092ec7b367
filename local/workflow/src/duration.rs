//! ISO 8601 durations of the form `PT…H…M…S`.

use std::time::Duration;

/// The duration, when the text is one of whole hours, minutes and seconds.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix("PT").filter(|rest| !rest.is_empty())?;
    let mut seconds: u64 = 0;
    for (unit, size) in [('H', 3600), ('M', 60), ('S', 1)] {
        if let Some((count, after)) = rest.split_once(unit) {
            let count: u64 = count.parse().ok()?;
            seconds = seconds.checked_add(count.checked_mul(size)?)?;
            rest = after;
        }
    }
    rest.is_empty().then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_minutes_and_seconds_in_their_order() {
        assert_eq!(parse("PT30S"), Some(Duration::from_secs(30)));
        assert_eq!(parse("PT1H2M3S"), Some(Duration::from_secs(3723)));
        for wrong in ["", "PT", "30S", "PT30", "PT1S2M", "P1D", "PT1.5S", "PT-1S"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
