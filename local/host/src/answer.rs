//! How the host judges a handler's answer.

use serde_json::{Map, Value};

use super::delivered::Failure;

/// The verdict on an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// The message is completed.
    Success(Success),
    /// The host has an answer and never notices: it waits for functionTimeout.
    Hang { status: u16, what: &'static str },
    /// The message is abandoned.
    Failure(Failure),
}

/// What a success says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) logs: Vec<String>,
}

/// Judges an answer that came over the wire.
pub(super) fn judge(status: u16, content_type: Option<&str>, body: &[u8]) -> Answer {
    if !(200..300).contains(&status) {
        return Answer::Failure(Failure::Status(status));
    }
    if body.is_empty() {
        return Answer::Hang {
            status,
            what: "an empty body",
        };
    }
    let bad = |problem: String| Answer::Failure(Failure::BadAnswer { status, problem });
    let media_type = content_type
        .and_then(|value| value.split(';').next())
        .unwrap_or("no content type")
        .trim();
    if !["application/json", "text/json"]
        .iter()
        .any(|json| media_type.eq_ignore_ascii_case(json))
    {
        return bad(format!("expected application/json, found {media_type}"));
    }
    if body.trim_ascii().is_empty() {
        return Answer::Hang {
            status,
            what: "a blank body",
        };
    }
    match serde_json::from_slice(body) {
        Ok(Value::Null) => Answer::Hang {
            status,
            what: "null",
        },
        Ok(Value::Object(answer)) => match logs(&answer) {
            Ok(logs) => Answer::Success(Success { status, logs }),
            Err(problem) => bad(problem),
        },
        Ok(other) => bad(format!("expected a JSON object, found {other}")),
        Err(error) => bad(format!("expected a JSON object: {error}")),
    }
}

fn logs(answer: &Map<String, Value>) -> Result<Vec<String>, String> {
    match member(answer, "Outputs") {
        None | Some(Value::Null | Value::Object(_)) => {}
        Some(other) => return Err(format!("Outputs: expected an object, found {other}")),
    }
    match member(answer, "Logs") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(lines)) => Ok(lines.iter().map(line).collect()),
        Some(other) => Err(format!("Logs: expected an array, found {other}")),
    }
}

/// By its exact name first, then in any case.
fn member<'a>(answer: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let any_case = || {
        answer
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    answer.get(name).or_else(any_case)
}

fn line(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(body: &str) -> Answer {
        judge(
            200,
            Some("application/json; charset=utf-8"),
            body.as_bytes(),
        )
    }

    fn success(logs: &[&str]) -> Answer {
        Answer::Success(Success {
            status: 200,
            logs: logs.iter().map(|line| (*line).to_owned()).collect(),
        })
    }

    #[test]
    fn an_object_is_success_whatever_it_holds() {
        assert_eq!(json("{}"), success(&[]));
        assert_eq!(
            json(r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#),
            success(&[])
        );
        assert_eq!(
            json(r#"{"logs":["a",1],"more":true}"#),
            success(&["a", "1"])
        );
        assert_eq!(
            judge(299, Some("TEXT/JSON"), b"{}"),
            Answer::Success(Success {
                status: 299,
                logs: Vec::new()
            })
        );
    }

    #[test]
    fn an_empty_or_null_success_hangs() {
        for (status, content_type, body) in [
            (200, None, ""),
            (204, None, ""),
            (200, Some("text/plain"), ""),
            (200, Some("application/json"), " null "),
        ] {
            let answer = judge(status, content_type, body.as_bytes());
            assert!(
                matches!(answer, Answer::Hang { .. }),
                "{status} {content_type:?} {body:?}: {answer:?}"
            );
        }
    }

    #[test]
    fn everything_else_fails() {
        for status in [199, 300, 400, 404, 500, 503] {
            assert_eq!(
                judge(status, Some("application/json"), b"{}"),
                Answer::Failure(Failure::Status(status))
            );
        }
        for (content_type, body) in [
            (Some("text/plain"), "ok"),
            (None, "{}"),
            (Some("application/json"), "[]"),
            (Some("application/json"), "\"ok\""),
            (Some("application/json"), "{"),
            (Some("application/json"), r#"{"Logs":"text"}"#),
            (Some("application/json"), r#"{"Outputs":[]}"#),
        ] {
            let answer = judge(200, content_type, body.as_bytes());
            assert!(
                matches!(answer, Answer::Failure(Failure::BadAnswer { .. })),
                "{body}: {answer:?}"
            );
        }
    }
}
