//! Times as the REST interface writes them: RFC 1123, whole seconds, always GMT.

use time::{
    OffsetDateTime, PrimitiveDateTime, format_description::StaticFormatDescription,
    macros::format_description,
};

/// `Mon, 04 May 2026 09:30:10 GMT`.
const FORM: StaticFormatDescription = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// A time in another form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a time as Mon, 04 May 2026 09:30:10 GMT")]
pub struct BrokerTimeError;

/// Reads the one form and no other: a time misread could bring an old cart back. The name of the
/// day must be one, but the date alone counts.
///
/// # Errors
/// When the text is not exactly of that form.
pub fn parse(text: &str) -> Result<OffsetDateTime, BrokerTimeError> {
    PrimitiveDateTime::parse(text, FORM)
        .map(PrimitiveDateTime::assume_utc)
        .map_err(|_| BrokerTimeError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn the_form_of_rfc_1123_in_whole_seconds() {
        let expected = Ok(datetime!(2026-05-04 09:30:10 UTC));
        assert_eq!(parse("Mon, 04 May 2026 09:30:10 GMT"), expected);
        assert_eq!(parse("Tue, 04 May 2026 09:30:10 GMT"), expected);
    }

    #[test]
    fn no_other_form_is_guessed_at() {
        for text in [
            "",
            "2026-05-04T09:30:10Z",
            "Mon, 4 May 2026 09:30:10 GMT",
            "Mon, 04 May 26 09:30:10 GMT",
            "Mon, 04 May 2026 09:30:10 +0000",
            "Mon, 04 May 2026 09:30:10 CET",
            "Mon, 04 May 2026 09:30:10.5 GMT",
            "Mon, 04 May 2026 09:30 GMT",
            "Mon, 31 Feb 2026 09:30:10 GMT",
            "Mon, 04 May 2026 25:30:10 GMT",
            "Moon, 04 May 2026 09:30:10 GMT",
            " Mon, 04 May 2026 09:30:10 GMT",
            "Mon, 04 May 2026 09:30:10 GMT ",
        ] {
            assert_eq!(parse(text), Err(BrokerTimeError), "{text:?}");
        }
    }
}
