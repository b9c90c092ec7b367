//! JSON as the Functions tools read it, which is as Newtonsoft's reader does: with comments,
//! trailing commas and a byte order mark; and local.settings.json in it, whose values may be
//! numbers and booleans too.
//!
//! The operator's tool has a reader of its own (`ops/src/local_settings.rs`): no product is in the
//! local stack. Both are held against the cases of `testkit/cases/local-settings.json`.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::value::RawValue;
use serde_json::{Error, Map, Value};

use super::{AppError, Settings};

/// `Values` of local.settings.json.
pub(super) fn read(text: &str) -> Result<Settings, AppError> {
    const FILE: &str = "local.settings.json";
    let no_json = |error: Error| {
        // The words alone: serde would quote a value, which may be a secret.
        let problem = format!(
            "expected JSON, an object with Values; line {}",
            error.line()
        );
        AppError::invalid(FILE, "the whole file", problem)
    };
    let json = plain_json(text);
    let file: Map<String, Value> = serde_json::from_str(&json).map_err(no_json)?;
    let named = |wanted: &str| file.keys().find(|name| name.eq_ignore_ascii_case(wanted));
    let encrypted = match named("IsEncrypted").and_then(|name| file.get(name)) {
        Some(Value::Bool(encrypted)) => *encrypted,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    };
    if encrypted {
        let problem = "expected false: decrypt the file with `func settings decrypt`";
        return Err(AppError::invalid(FILE, "IsEncrypted", problem));
    }
    let Some(name) = named("Values") else {
        return Ok(Settings::new());
    };
    // As they are written: 1.50 stays 1.50.
    let sections: std::collections::BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(&json).map_err(no_json)?;
    let values = sections.get(name).map_or("null", |values| values.get());
    let values: Option<std::collections::BTreeMap<String, Box<RawValue>>> =
        serde_json::from_str(values).map_err(no_json)?;
    let mut settings = Settings::new();
    for (name, value) in values.unwrap_or_default() {
        match serde_json::from_str(value.get()).map_err(no_json)? {
            Value::Null => {}
            Value::String(text) => {
                settings.insert(name, text);
            }
            Value::Bool(_) | Value::Number(_) => {
                settings.insert(name, value.get().to_owned());
            }
            Value::Array(_) | Value::Object(_) => {
                let problem = "expected a text, a number or a boolean";
                return Err(AppError::invalid(FILE, format!("Values.{name}"), problem));
            }
        }
    }
    Ok(settings)
}

/// The same text as JSON. Lines stay lines, so that a mistake is found where it is.
pub(super) fn plain_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len());
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    // A comma that nothing followed so far, and the blanks behind it: it counts once a member does.
    let mut comma: Option<String> = None;
    // Whether a member or element stands before.
    let mut follows = false;
    while let Some(c) = chars.next() {
        let blank = match (c, chars.peek()) {
            ('/', Some('/' | '*')) => match comment(&mut chars) {
                Some(blank) => blank,
                None => return json + "/*",
            },
            (c, _) if c.is_whitespace() => c.to_string(),
            _ => {
                if let Some(blanks) = comma.take() {
                    let kept = if matches!(c, '}' | ']') { " " } else { "," };
                    json.push_str(kept);
                    json.push_str(&blanks);
                }
                match c {
                    ',' if follows => comma = Some(String::new()),
                    '"' => string(&mut chars, &mut json),
                    other => json.push(other),
                }
                follows = !matches!(c, '{' | '[' | ',');
                continue;
            }
        };
        comma.as_mut().unwrap_or(&mut json).push_str(&blank);
    }
    if let Some(blanks) = comma {
        json.push(',');
        json.push_str(&blanks);
    }
    json
}

/// A comment whose first `/` is taken, as blanks; `None` when it has no end.
fn comment(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut blank = String::from(" ");
    if chars.next() == Some('/') {
        while chars.next_if(|c| *c != '\n').is_some() {}
        return Some(blank);
    }
    let mut star = false;
    for c in chars {
        match c {
            '/' if star => return Some(blank),
            '\n' => blank.push('\n'),
            _ => {}
        }
        star = c == '*';
    }
    None
}

/// Copies a string whose opening quote is taken.
fn string(chars: &mut Peekable<Chars<'_>>, json: &mut String) {
    json.push('"');
    while let Some(c) = chars.next() {
        json.push(c);
        match c {
            '"' => return,
            '\\' => json.extend(chars.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::local_settings::cases;

    use super::*;

    #[test]
    fn a_file_means_what_core_tools_make_of_it() {
        for case in cases() {
            case.assert(read(&case.file));
        }
    }
}
