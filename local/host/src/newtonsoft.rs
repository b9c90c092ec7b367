//! JSON as Newtonsoft.Json reads it, which is more than JSON is, and as it writes it again.
//!
//! The real host reads with it whatever looks like JSON: a message's body in text mode, and the
//! handler's answers. [`reader`] takes the text, [`number`] and [`date`] the words in it.

mod date;
mod number;
mod reader;

use stand_in::newtonsoft;

pub(super) use self::date::Date;
pub(super) use self::number::float_text;
pub(super) use self::reader::{first_value, whole_object};

/// A value that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Null,
    /// The word, or nothing at all before a comma.
    Undefined,
    Bool(bool),
    /// Decimal digits, of any length.
    Integer(String),
    Float(f64),
    Text(String),
    /// A string that looks like a date becomes one.
    Date(Date),
    Array(Vec<Self>),
    Object(Properties),
    /// `new Date(1)` and the like.
    Constructor {
        name: String,
        arguments: Vec<Self>,
    },
}

/// The members of an object in their order, each name once.
pub(super) type Properties = Vec<(String, Token)>;

/// The text is nothing that Newtonsoft takes. The host passes over such a text, or fails, and never
/// says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not what Newtonsoft.Json takes for JSON")]
pub(crate) struct NotRead;

impl Token {
    /// The value as JSON text; what JSON has no word for is written as Newtonsoft does, which makes
    /// the whole of it no JSON.
    pub(super) fn write(&self, json: &mut String) {
        match self {
            Self::Null => json.push_str("null"),
            Self::Undefined => json.push_str("undefined"),
            Self::Bool(true) => json.push_str("true"),
            Self::Bool(false) => json.push_str("false"),
            Self::Integer(digits) => json.push_str(digits),
            Self::Float(value) => write_float(*value, json),
            Self::Text(text) => write_text(text, json),
            Self::Date(date) => write_text(&date.iso(), json),
            Self::Array(items) => {
                json.push('[');
                write_list(items, json);
                json.push(']');
            }
            Self::Object(members) => {
                json.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        json.push(',');
                    }
                    write_text(name, json);
                    json.push(':');
                    value.write(json);
                }
                json.push('}');
            }
            Self::Constructor { name, arguments } => {
                json.extend(["new ", name, "("]);
                write_list(arguments, json);
                json.push(')');
            }
        }
    }
}

fn write_list(items: &[Token], json: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        item.write(json);
    }
}

/// A float stays one: `1.0`. What is no number is a string.
fn write_float(value: f64, json: &mut String) {
    let text = float_text(value);
    if !value.is_finite() {
        write_text(&text, json);
        return;
    }
    json.push_str(&text);
    if !text.contains(['.', 'E']) {
        json.push_str(".0");
    }
}

/// A string, in quotes.
pub(super) fn write_text(text: &str, json: &mut String) {
    json.push_str(&newtonsoft::to_string(&text.into()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(body: &str) -> String {
        let mut json = String::new();
        Token::Object(whole_object(body).expect(body)).write(&mut json);
        json
    }

    #[test]
    fn what_was_read_is_written_as_newtonsoft_does() {
        for (read, expected) in [
            ("{'a':[1,,2,],b:{}}", r#"{"a":[1,undefined,2],"b":{}}"#),
            ("{a:1.50,b:1.0,c:1e3}", r#"{"a":1.5,"b":1.0,"c":1000.0}"#),
            (
                "{a:1E-7,b:-0.0,c:1e400}",
                r#"{"a":1E-07,"b":-0.0,"c":"Infinity"}"#,
            ),
            ("{a:NaN,b:-Infinity}", r#"{"a":"NaN","b":"-Infinity"}"#),
            (
                "{a:'2026-05-04T09:30:10.1200+02:00'}",
                r#"{"a":"2026-05-04T07:30:10.12+00:00"}"#,
            ),
            (
                "{a:'2026-05-04T09:30:10Z',b:'2026-05-04T09:30:10'}",
                r#"{"a":"2026-05-04T09:30:10Z","b":"2026-05-04T09:30:10"}"#,
            ),
            ("{a:new Date(1, 'x')}", r#"{"a":new Date(1,"x")}"#),
            (
                "{a:true,b:null,c:undefined}",
                r#"{"a":true,"b":null,"c":undefined}"#,
            ),
            (r#"{"ü\u2028":"\ud83d\ude00"}"#, "{\"ü\\u2028\":\"😀\"}"),
        ] {
            assert_eq!(written(read), expected, "{read}");
        }
    }
}
