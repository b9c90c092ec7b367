//! Dates as HTTP headers carry them.

use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// IMF-fixdate of RFC 9110, section 5.6.7: `Sun, 22 Nov 2026 16:31:37 GMT`.
const IMF_FIXDATE: StaticFormatDescription = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

pub fn format(at: OffsetDateTime) -> String {
    // Every year up to 9999 can be formatted.
    at.format(IMF_FIXDATE).unwrap_or_default()
}

pub fn parse(text: &str) -> Option<OffsetDateTime> {
    let date = PrimitiveDateTime::parse(text, IMF_FIXDATE).ok()?;
    Some(date.assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_rfc() {
        let text = "Sun, 06 Nov 1994 08:49:37 GMT";
        let at = OffsetDateTime::from_unix_timestamp(784_111_777).unwrap();
        assert_eq!(format(at), text);
        assert_eq!(parse(text), Some(at));
        assert_eq!(parse("1994-11-06T08:49:37Z"), None);
    }
}
