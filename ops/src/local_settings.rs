//! `local.settings.json` as Core Tools read it: JSON with comments, trailing commas, a byte order
//! mark, and values that are numbers or booleans.
//!
//! The local host has a reader of its own (`local/host/src/app/local_settings.rs`), for it stands
//! in for Core Tools and shares no code with a product. Both are held against the cases of
//! `testkit/cases/local-settings.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::value::RawValue;

/// The settings of the local stack, as the Functions host reads them; beside `host.json`.
pub const LOCAL_SETTINGS: &str = "local.settings.json";

const MARK: char = '\u{feff}';

/// The `Values` of a file.
#[derive(Debug)]
pub struct LocalSettings(BTreeMap<String, String>);

/// Why the file is of no use. Never quotes it, but for the names of its values.
#[derive(Debug, thiserror::Error)]
pub enum LocalSettingsError {
    /// Not there, or not readable.
    #[error("{}: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
    /// Not of its form.
    #[error("{}: line {}: expected {{\"Values\": {{\"name\": \"value\", …}}}}", .0.display(), .1)]
    Form(PathBuf, usize),
    /// A value that no environment can hold.
    #[error("{}: Values.{}: expected a text, a number or a boolean", .0.display(), .1)]
    Value(PathBuf, String),
    /// Only the Functions tools can read it.
    #[error("{}: IsEncrypted is true; decrypt it with `func settings decrypt`", .0.display())]
    Encrypted(PathBuf),
}

impl LocalSettings {
    /// Reads `path`.
    ///
    /// # Errors
    /// When it cannot be read or is not of its form.
    pub fn read(path: &Path) -> Result<Self, LocalSettingsError> {
        let text = fs::read_to_string(path);
        let text = text.map_err(|error| LocalSettingsError::Io(path.to_owned(), error))?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, LocalSettingsError> {
        let form =
            |error: serde_json::Error| LocalSettingsError::Form(path.to_owned(), error.line());
        let json = plain(text);
        let sections: BTreeMap<String, &RawValue> = serde_json::from_str(&json).map_err(form)?;
        let section = |wanted: &str| {
            let mut all = sections.iter();
            let (_, value) = all.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
            Some(value.get())
        };
        let encrypted = section("IsEncrypted").unwrap_or_default().trim_matches('"');
        if encrypted.eq_ignore_ascii_case("true") {
            return Err(LocalSettingsError::Encrypted(path.to_owned()));
        }
        let values = section("Values").unwrap_or("null");
        let values: Option<BTreeMap<String, &RawValue>> =
            serde_json::from_str(values).map_err(form)?;
        let mut read = BTreeMap::new();
        for (name, value) in values.unwrap_or_default() {
            let value = match value.get() {
                "null" => continue,
                text if text.starts_with('"') => serde_json::from_str(text).map_err(form)?,
                other if other.starts_with(['{', '[']) => {
                    return Err(LocalSettingsError::Value(path.to_owned(), name));
                }
                scalar => scalar.to_owned(),
            };
            read.insert(name, value);
        }
        Ok(Self(read))
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

/// The JSON within: blanks in the place of comments (their line breaks stay, so that a mistake is
/// found where it is) and of commas that nothing follows.
fn plain(text: &str) -> String {
    let mut rest = text.strip_prefix(MARK).unwrap_or(text);
    let mut plain = String::with_capacity(rest.len());
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => text_length(rest),
            '/' => comment_length(rest).unwrap_or(1),
            other => other.len_utf8(),
        };
        let (piece, behind) = rest.split_at(length);
        if first == '/' && length > 1 {
            plain.extend(piece.chars().map(|c| if c == '\n' { c } else { ' ' }));
        } else {
            if matches!(first, '}' | ']') {
                blank_trailing_comma(&mut plain);
            }
            plain.push_str(piece);
        }
        rest = behind;
    }
    plain
}

/// Bytes up to and with the closing quote; all that is left without one.
fn text_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// `None` where none begins, or one without an end.
fn comment_length(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let inside = text.strip_prefix("/*")?;
    Some(inside.find("*/")? + 4)
}

/// Only one that follows a member: `{,}` is a mistake.
fn blank_trailing_comma(plain: &mut String) {
    let Some(before) = plain.trim_end().strip_suffix(',') else {
        return;
    };
    let at = before.len();
    if !before.trim_end().ends_with(['{', '[', ',']) {
        plain.replace_range(at..=at, " ");
    }
}

#[cfg(test)]
mod tests {
    use testkit::local_settings::cases;

    use super::*;

    #[test]
    fn a_file_means_what_core_tools_make_of_it() {
        for case in cases() {
            let read = LocalSettings::parse(&case.file, Path::new(LOCAL_SETTINGS));
            case.assert(read.map(|it| it.0));
        }
    }
}
