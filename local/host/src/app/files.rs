//! The app's files on disk: which folder is the function, and a JSON file read with an error that says where.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::AppError;

/// The name of the one folder with a function.json.
pub(super) fn function_folder(root: &Path) -> Result<String, AppError> {
    let unreadable = |source| AppError::Unreadable {
        file: root.display().to_string(),
        source,
    };
    let mut functions = Vec::new();
    for entry in std::fs::read_dir(root).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.path().join("function.json").is_file() {
            functions.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    match <[String; 1]>::try_from(functions) {
        Ok([function]) => Ok(function),
        Err(all) => Err(AppError::Functions {
            root: root.display().to_string(),
            found: all.len(),
        }),
    }
}

/// Reads a JSON file below `root`, after `change` was made to it.
pub(super) fn read<T: DeserializeOwned>(
    root: &Path,
    file: &str,
    change: impl FnOnce(&mut Value),
) -> Result<T, AppError> {
    let text = std::fs::read_to_string(root.join(file)).map_err(|source| AppError::Unreadable {
        file: file.to_owned(),
        source,
    })?;
    let mut json: Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
            AppError::invalid(file, "the whole file", format!("expected JSON: {error}"))
        })?;
    change(&mut json);
    serde_path_to_error::deserialize(json).map_err(|error| {
        AppError::invalid(file, error.path().to_string(), error.inner().to_string())
    })
}
