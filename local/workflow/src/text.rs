//! Values as text, the way the engine writes them.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Number, Value};
use stand_in::newtonsoft::write_fragment;

use crate::outcome::Failure;

/// From this power of ten on, and up to the one below, a number is written with an exponent.
const EXPONENT_FROM: i32 = 17;
const EXPONENT_UP_TO: i32 = -5;

/// What `string()`, `@{…}` and a table's cell make of a value.
pub(crate) fn text(value: &Value) -> Result<String, Failure> {
    Ok(match value {
        Value::Null => String::new(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number_text(number)?,
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => json(value),
    })
}

/// Compact JSON.
pub(crate) fn json(value: &Value) -> String {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, Engine);
    // A Value has string keys only, and a Vec takes every write: there is no error to see.
    value.serialize(&mut serializer).ok();
    String::from_utf8(text).unwrap_or_default()
}

fn number_text(number: &Number) -> Result<String, Failure> {
    match (number.as_i64(), number.as_f64()) {
        (Some(integer), _) => Ok(integer.to_string()),
        (None, Some(double)) if number.is_f64() => Ok(double_text(double)),
        // The engine keeps such integers in JSON, but cannot convert one that stands alone.
        _ => Err(Failure::new(format!(
            "{number} cannot be converted to a string"
        ))),
    }
}

fn double_text(double: f64) -> String {
    let scientific = format!("{double:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if exponent > EXPONENT_UP_TO && exponent < EXPONENT_FROM {
        return double.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}E{sign}{:02}", exponent.unsigned_abs())
}

/// Newtonsoft's escapes, and doubles that stay doubles when they are read again.
struct Engine;

impl Formatter for Engine {
    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let text = double_text(value);
        let decimal_place = if text.contains(['.', 'E']) { "" } else { ".0" };
        write!(writer, "{text}{decimal_place}")
    }

    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_fragment(writer, fragment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn texts_that_the_engine_gave() {
        let table = [
            ("null", ""),
            ("true", "True"),
            ("\"a\"", "a"),
            ("1.10", "1.1"),
            ("1e2", "100"),
            ("1e15", "1000000000000000"),
            ("1e16", "10000000000000000"),
            ("1e17", "1E+17"),
            ("123456789012345678.0", "1.2345678901234568E+17"),
            ("0.0001", "0.0001"),
            ("1e-5", "1E-05"),
            ("-0.0", "-0"),
            ("[1,\"x\",null]", "[1,\"x\",null]"),
        ];
        for (given, expected) in table {
            assert_eq!(text(&value(given)).as_deref(), Ok(expected), "{given}");
        }
        assert!(text(&value("18446744073709551615")).is_err());
    }

    /// serde_json's own default is a reader that may be off by one bit.
    #[test]
    fn a_number_that_is_written_and_read_again_is_the_same() {
        for given in [
            "[123456789012345678901]",
            "[0.30000000000000004,5e-324,1e23]",
        ] {
            let once = value(given);
            assert_eq!(value(&json(&once)), once, "{given}");
        }
    }

    #[test]
    fn json_that_the_engine_gave() {
        let given = r#"{"f":1.10,"e":1e2,"E15":1e15,"sm":1e-5,"e22":1e22,"x":1.7976931348623157e308,"n":-0.0,"u":18446744073709551615,"s":"it's <é\u2028\u0085>\u007f\u0001"}"#;
        let expected = "{\"f\":1.1,\"e\":100.0,\"E15\":1000000000000000.0,\"sm\":1E-05,\"e22\":1E+22,\"x\":1.7976931348623157E+308,\"n\":-0.0,\"u\":18446744073709551615,\"s\":\"it's <é\\u2028\\u0085>\u{7f}\\u0001\"}";
        assert_eq!(json(&value(given)), expected);
    }
}
