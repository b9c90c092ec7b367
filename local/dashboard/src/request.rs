//! What the handlers do with a request: read it, or say what is wrong with it.

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// An answer that says what is wrong.
pub(super) type Problem = (StatusCode, Json<Value>);

/// A status, and the reason for people.
pub(super) fn problem(status: StatusCode, text: impl Into<String>) -> Problem {
    (status, Json(json!({ "error": text.into() })))
}

/// Reads a body that is JSON already; the problem names the place in it, and what is known there.
pub(super) fn read<T: DeserializeOwned>(body: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(body).map_err(|error| {
        let text = format!("{}: {}", error.path(), error.inner());
        problem(StatusCode::BAD_REQUEST, text)
    })
}

/// `?newest=N`: so many of the newest; without it, all.
#[derive(Debug, Deserialize)]
pub(super) struct NewestOnly {
    newest: Option<usize>,
}

impl NewestOnly {
    /// Takes them from a list with the oldest first.
    pub(super) fn take_from<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        let skipped = all.len().saturating_sub(self.newest.unwrap_or(usize::MAX));
        all.get(skipped..).unwrap_or_default()
    }
}

/// `?after=N`: all but the first N.
#[derive(Debug, Deserialize)]
pub(super) struct After {
    #[serde(default)]
    pub(super) after: usize,
}
