//! Numbers as Newtonsoft reads them, and as .NET writes them.

use super::Token;

/// Longer integers are refused.
const INTEGER_MAX: usize = 380;

/// Whether a number goes on with this character.
pub(super) fn goes_on(c: char) -> bool {
    c.is_ascii_hexdigit() || matches!(c, 'x' | 'X' | '.' | '-' | '+')
}

/// The number of such a word; `None` when it is none.
pub(super) fn number(word: &str) -> Option<Token> {
    if let Some(rest) = word.strip_prefix('0')
        && !rest.is_empty()
        && !rest.starts_with(['.', 'e', 'E'])
    {
        return not_decimal(rest);
    }
    let (negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return float(word).map(Token::Float);
    }
    if word.parse::<i64>().is_err() && word.len() > INTEGER_MAX {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    Some(Token::Integer(match significant {
        "" => "0".to_owned(),
        _ if negative => format!("-{significant}"),
        _ => significant.to_owned(),
    }))
}

/// `0x10` is 16 and `010` is 8, each in 64 bits of two's complement.
fn not_decimal(rest: &str) -> Option<Token> {
    let (radix, digits) = match rest.strip_prefix(['x', 'X']) {
        Some(digits) => (16, digits),
        None => (8, rest),
    };
    // The standard library would take a sign.
    let plain = digits.chars().all(|c| c.is_digit(radix));
    let bits = u64::from_str_radix(digits, radix).ok().filter(|_| plain)?;
    Some(Token::Integer(bits.cast_signed().to_string()))
}

/// .NET reads what the standard library reads, but for its words, which cannot be spelt with the
/// letters of a number.
fn float(word: &str) -> Option<f64> {
    word.parse().ok()
}

/// The text .NET makes of a double: the shortest that gives the same again, with an exponent beyond
/// 15 digits or below 0.0001.
pub(in crate::newtonsoft) fn shortest(value: f64) -> String {
    // Digits and exponent, as in `-1.25e-7`.
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let digits = i32::try_from(digits).unwrap_or(i32::MAX);
    if (-5 < exponent) && (exponent < digits.max(15)) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}E{sign}{:02}", exponent.unsigned_abs())
}

/// The text .NET makes of a double, infinities included.
pub(crate) fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    match value {
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        value => shortest(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_has_an_exponent_where_dot_net_gives_it_one() {
        for (value, text) in [
            (1e-7, "1E-07"),
            (0.00001, "1E-05"),
            (0.0001, "0.0001"),
            (-0.0, "-0"),
            (59.90, "59.9"),
            (1e14, "100000000000000"),
            (1e15, "1E+15"),
            (1_234_567_890_123_456.0, "1234567890123456"),
            (123_456_789_012_345_680.0, "1.2345678901234568E+17"),
            (123_456_789.123_456_79, "123456789.12345679"),
            (f64::MAX, "1.7976931348623157E+308"),
            (-1.5e-300, "-1.5E-300"),
            (5e-324, "5E-324"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(float_text(value), text);
        }
    }

    #[test]
    fn words_that_are_numbers() {
        for (word, digits) in [
            ("7", "7"),
            ("0", "0"),
            ("-0", "0"),
            ("-010", "-10"),
            ("00", "0"),
            ("010", "8"),
            ("0x10", "16"),
            ("0XfF", "255"),
            ("0xFFFFFFFFFFFFFFFF", "-1"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("12345678901234567890", "12345678901234567890"),
            ("-00000000000000000000", "0"),
        ] {
            assert_eq!(
                number(word),
                Some(Token::Integer(digits.to_owned())),
                "{word}"
            );
        }
        for (word, value) in [
            (".5", 0.5),
            ("-.5", -0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("0e5", 0.0),
            ("1E+2", 100.0),
            ("1e400", f64::INFINITY),
        ] {
            assert_eq!(number(word), Some(Token::Float(value)), "{word}");
        }
    }

    #[test]
    fn words_that_are_none() {
        let too_long = "1".repeat(INTEGER_MAX + 1);
        for word in [
            "-",
            ".",
            "1-2",
            "1e",
            "08",
            "0x",
            "0xg",
            "0x+1",
            "-0x10",
            "0b1",
            "1.2.3",
            "e1",
            "0x10000000000000000",
            &too_long,
        ] {
            assert_eq!(number(word), None, "{word}");
        }
    }
}
