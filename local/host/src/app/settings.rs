//! local.settings.json: the app settings, and where other files name them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// App settings by name, as the handler finds them in its environment.
pub type Settings = BTreeMap<String, String>;

/// local.settings.json as it stands.
#[derive(Deserialize)]
pub(super) struct LocalSettings {
    #[serde(rename = "Values")]
    pub(super) values: Settings,
}

/// Replaces each `%NAME%` by that setting's value; the error is the name that is not set.
pub(super) fn expand(text: &str, settings: &Settings) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, name, after)) = next_name(rest) {
        expanded.push_str(before);
        expanded.push_str(settings.get(name).ok_or(name)?);
        rest = after;
    }
    Ok(expanded + rest)
}

/// Replaces each `%NAME%` that is set, and leaves the others as they are.
pub(super) fn expand_known(text: &str, settings: &Settings) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, name, after)) = next_name(rest) {
        expanded.push_str(before);
        match settings.get(name) {
            Some(value) => expanded.push_str(value),
            None => expanded.extend(["%", name, "%"]),
        }
        rest = after;
    }
    expanded + rest
}

/// What stands before `%NAME%`, the name, and what stands behind.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let (before, tail) = text.split_once('%')?;
    let (name, after) = tail.split_once('%')?;
    Some((before, name, after))
}
