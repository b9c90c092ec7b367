//! The host's verdict on an answer of the handler that came over the wire.

use super::events::InvocationFailure;
use super::newtonsoft::{Properties, Token, first_value, float_text};

/// What came of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Invoked {
    /// The messages are completed.
    Success(Success),
    /// The host has an answer and never notices: it waits for functionTimeout.
    Hang { status: u16, what: &'static str },
    /// The messages are abandoned.
    Failure(InvocationFailure),
    /// Nobody listens: the invocation did not reach the handler.
    NotListening,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) logs: Vec<String>,
}

/// Judges an answer. Of its body the first JSON value counts, as Newtonsoft reads it, and whatever
/// follows it does not.
pub(super) fn judge(status: u16, content_type: Option<&str>, body: &[u8]) -> Invoked {
    if !(200..300).contains(&status) {
        return Invoked::Failure(InvocationFailure::Status(status));
    }
    let hang = |what| Invoked::Hang { status, what };
    if body.is_empty() {
        return hang("an empty body");
    }
    let bad = |problem: String| Invoked::Failure(InvocationFailure::BadAnswer { status, problem });
    let (media_type, charset) = media_type(content_type);
    if !["application/json", "text/json"]
        .iter()
        .any(|json| media_type.eq_ignore_ascii_case(json))
    {
        return bad(format!("expected application/json, found {media_type}"));
    }
    match first_value(&text(charset, body)) {
        Ok(None) => hang("a blank body"),
        Ok(Some(Token::Null | Token::Undefined)) => hang("null"),
        Ok(Some(Token::Object(answer))) => match logs(&answer) {
            Ok(logs) => Invoked::Success(Success { status, logs }),
            Err(problem) => bad(problem),
        },
        Ok(Some(other)) => bad(format!("expected a JSON object, found {}", kind(&other))),
        Err(error) => bad(format!("expected a JSON object: {error}")),
    }
}

fn media_type(content_type: Option<&str>) -> (&str, Option<&str>) {
    let Some(content_type) = content_type else {
        return ("no content type", None);
    };
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let charset = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    });
    (media_type, charset)
}

/// The formatter knows UTF-8 and little-endian UTF-16; by any other name it reads UTF-8.
fn text(charset: Option<&str>, body: &[u8]) -> String {
    let utf_16 = charset.is_some_and(|name| name.eq_ignore_ascii_case("utf-16"));
    let text = if utf_16 {
        let units = body.chunks(2).map(|unit| match unit {
            [low, high] => u16::from_le_bytes([*low, *high]),
            _ => 0xFFFD,
        });
        char::decode_utf16(units)
            .map(|c| c.unwrap_or('\u{fffd}'))
            .collect()
    } else {
        String::from_utf8_lossy(body).into_owned()
    };
    text.strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text)
}

fn logs(answer: &Properties) -> Result<Vec<String>, String> {
    match member(answer, "Outputs") {
        None | Some(Token::Null | Token::Undefined | Token::Object(_)) => {}
        Some(other) => {
            return Err(format!(
                "Outputs: expected an object, found {}",
                kind(other)
            ));
        }
    }
    match member(answer, "Logs") {
        None | Some(Token::Null | Token::Undefined) => Ok(Vec::new()),
        Some(Token::Array(lines)) => lines.iter().map(line).collect(),
        Some(other) => Err(format!("Logs: expected an array, found {}", kind(other))),
    }
}

/// By its exact name first, then in any case.
fn member<'a>(answer: &'a Properties, name: &str) -> Option<&'a Token> {
    let exact = answer.iter().find(|(key, _)| key == name);
    let any_case = || {
        answer
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    exact.or_else(any_case).map(|(_, value)| value)
}

/// A line is text, or a scalar that is taken for its text.
fn line(value: &Token) -> Result<String, String> {
    Ok(match value {
        Token::Text(text) | Token::Integer(text) => text.clone(),
        Token::Float(number) => float_text(*number),
        Token::Bool(value) => value.to_string(),
        Token::Date(date) => date.iso(),
        Token::Null | Token::Undefined => String::new(),
        other => return Err(format!("Logs: expected texts, found {}", kind(other))),
    })
}

/// Not the value itself, which may be long.
fn kind(value: &Token) -> &'static str {
    match value {
        Token::Null => "null",
        Token::Undefined => "undefined",
        Token::Bool(_) => "a boolean",
        Token::Integer(_) | Token::Float(_) => "a number",
        Token::Text(_) | Token::Date(_) => "a string",
        Token::Array(_) => "an array",
        Token::Object(_) => "an object",
        Token::Constructor { .. } => "a constructor",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: Option<&str> = Some("application/json");

    fn json(body: &str) -> Invoked {
        judge(200, JSON, body.as_bytes())
    }

    fn success(logs: &[&str]) -> Invoked {
        Invoked::Success(Success {
            status: 200,
            logs: logs.iter().map(|line| (*line).to_owned()).collect(),
        })
    }

    #[test]
    fn an_object_is_success_whatever_it_holds() {
        for body in [
            "{}",
            "{} x",
            "{}}",
            "\u{feff}{}",
            r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#,
            r#"{"outputs":{"nobody":1}}"#,
            r#"{"ReturnValue":{"a":[1]}}"#,
            "{'Outputs':null,more:NaN,/*x*/}",
        ] {
            assert_eq!(json(body), success(&[]), "{body}");
        }
        let lines = json(r#"{"logs":["a",1,null,true,1.50,"2026-05-04T09:30:10"],"more":true}"#);
        let expected = success(&["a", "1", "", "true", "1.5", "2026-05-04T09:30:10"]);
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_content_type_is_json_in_any_charset() {
        for content_type in [
            "application/json; charset=utf-8",
            "TEXT/JSON",
            "application/json;charset=iso-8859-1",
            "application/json; charset=\"nonsense\"",
        ] {
            assert_eq!(
                judge(200, Some(content_type), b"{}"),
                success(&[]),
                "{content_type}"
            );
        }
        let utf_16: Vec<u8> = "\u{feff}{}"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(
            judge(200, Some("application/json; charset=utf-16"), &utf_16),
            success(&[])
        );
        for status in [201, 202, 299] {
            let logs = Vec::new();
            let expected = Invoked::Success(Success { status, logs });
            assert_eq!(judge(status, JSON, b"{}"), expected);
        }
    }

    #[test]
    fn an_empty_or_null_success_hangs() {
        for (status, content_type, body) in [
            (200, None, ""),
            (204, None, ""),
            (200, Some("text/plain"), ""),
            (200, JSON, " null "),
            (200, JSON, " \r\n"),
            (200, JSON, "\u{feff}"),
            (200, JSON, "// nothing"),
            (200, JSON, "undefined"),
        ] {
            let answer = judge(status, content_type, body.as_bytes());
            assert!(
                matches!(answer, Invoked::Hang { .. }),
                "{status} {content_type:?} {body:?}: {answer:?}"
            );
        }
    }

    #[test]
    fn everything_else_fails() {
        for status in [199, 300, 304, 400, 404, 500, 503] {
            let failed = Invoked::Failure(InvocationFailure::Status(status));
            assert_eq!(judge(status, JSON, b"{}"), failed);
        }
        for (content_type, body) in [
            (Some("text/plain"), "ok"),
            (Some("text/plain"), " "),
            (Some("application/problem+json"), "{}"),
            (None, "{}"),
            (JSON, "[]"),
            (JSON, "\"ok\""),
            (JSON, "5"),
            (JSON, "{"),
            (JSON, "ok"),
            (JSON, r#"{"Logs":"text"}"#),
            (JSON, r#"{"Logs":[{}]}"#),
            (JSON, r#"{"Logs":[[]]}"#),
            (JSON, r#"{"Outputs":[]}"#),
            (JSON, r#"{"Outputs":"text"}"#),
        ] {
            let answer = judge(200, content_type, body.as_bytes());
            let failed = matches!(
                answer,
                Invoked::Failure(InvocationFailure::BadAnswer { .. })
            );
            assert!(failed, "{body}: {answer:?}");
        }
    }
}
