//! JSON as Newtonsoft.Json writes it, and the host's way to encode a value.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// Compact JSON text.
pub fn to_string(value: &Value) -> String {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, Newtonsoft);
    // A Value has string keys only, and a Vec takes every write: there is no error to see.
    value.serialize(&mut serializer).ok();
    String::from_utf8(text).unwrap_or_default()
}

/// The host's encoding of one value: an object stays an object, anything else becomes a string of
/// JSON text.
pub fn value(value: &Value) -> Value {
    match value {
        Value::Object(_) => value.clone(),
        other => Value::String(to_string(other)),
    }
}

/// serde_json's escapes, and three characters that Newtonsoft escapes too.
struct Newtonsoft;

impl Formatter for Newtonsoft {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_fragment(writer, fragment)
    }
}

/// Writes a piece of a string in which the rest is escaped already.
pub fn write_fragment<W: io::Write + ?Sized>(writer: &mut W, fragment: &str) -> io::Result<()> {
    for piece in fragment.split_inclusive(is_line_end) {
        match piece.char_indices().last() {
            Some((start, last)) if is_line_end(last) => {
                let (before, _) = piece.split_at(start);
                write!(writer, "{before}\\u{:04x}", u32::from(last))?;
            }
            _ => writer.write_all(piece.as_bytes())?,
        }
    }
    Ok(())
}

fn is_line_end(character: char) -> bool {
    matches!(character, '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_that_is_no_object_is_json_text_in_a_string() {
        assert_eq!(value(&json!("a/\"ö")), json!("\"a/\\\"ö\""));
        assert_eq!(value(&json!(8412)), json!("8412"));
        assert_eq!(value(&json!({"a":[1]})), json!({"a":[1]}));
    }

    #[test]
    fn control_characters_and_unicode_line_ends_are_escaped() {
        let text = json!("\u{1}\n\u{85}a\u{2028}\u{2029}ü🐠\u{7f}");
        assert_eq!(
            to_string(&text),
            "\"\\u0001\\n\\u0085a\\u2028\\u2029ü🐠\u{7f}\""
        );
    }
}
