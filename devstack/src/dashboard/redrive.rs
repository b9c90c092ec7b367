//! `POST /api/dead-letters/redrive`: runs the operator's tool, as one would on a bad day.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;

use super::Shared;
use super::api::{Problem, problem};
use crate::app::Settings;

const TOOL: &str = "order-items-ops";

/// Seconds without another letter after which there is none.
const WAIT: &str = "1";

/// Which letters; all when there is no number.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    sequence: Option<u64>,
}

/// Answers what the tool wrote, line by line, and its exit code.
pub(super) async fn redrive(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let which: Which = match body.is_empty() {
        true => Which::default(),
        false => serde_json::from_slice(&body)
            .map_err(|error| problem(StatusCode::BAD_REQUEST, error.to_string()))?,
    };
    let Some(tool) = tool(&shared.root) else {
        let text = format!("{TOOL} is not built: run `cargo build --package {TOOL}`");
        return Err(problem(StatusCode::SERVICE_UNAVAILABLE, text));
    };
    let output = run(&tool, &shared.settings, which.sequence)
        .await
        .map_err(|error| {
            let text = format!("{}: {error}", tool.display());
            problem(StatusCode::INTERNAL_SERVER_ERROR, text)
        })?;
    Ok(Json(json!({
        "exitCode": output.status.code(),
        "lines": lines(&output.stdout),
        "warnings": lines(&output.stderr),
    })))
}

/// Redrives one letter, or all, with the settings of the stack. The child dies with us.
async fn run(tool: &Path, settings: &Settings, sequence: Option<u64>) -> io::Result<Output> {
    let mut command = Command::new(tool);
    command
        .args(["--wait", WAIT, "dead-letters", "redrive", "--yes"])
        .envs(settings)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if let Some(sequence) = sequence {
        command.args(["--sequence", &sequence.to_string()]);
    }
    command.output().await
}

/// Beside this program, or above it as for a test's, or where cargo builds it.
fn tool(root: &Path) -> Option<PathBuf> {
    let name = format!("{TOOL}{}", std::env::consts::EXE_SUFFIX);
    let this = std::env::current_exe().ok();
    let folders = this
        .iter()
        .flat_map(|this| this.ancestors().skip(1).take(2));
    let built = root.join("target/debug");
    let mut places = folders.chain([built.as_path()]);
    places.find_map(|folder| Some(folder.join(&name)).filter(|place| place.is_file()))
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(str::to_owned).collect()
}
