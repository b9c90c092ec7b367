//! `cargo local dead-letters` and `redrive`: the operator's tool on the stack that runs here.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use blob::Account;
use dashboard::operator::Operator;
use host::app::FunctionApp;
use stack::running::Running;
use stack::{StackError, running};

use super::{FOLDER, LocalError};

/// `dead-letters` with `arguments`; without any it lists them.
pub(super) async fn dead_letters(
    root: &Path,
    mut arguments: Vec<OsString>,
) -> Result<ExitCode, LocalError> {
    // Options alone are those of the list; but for help, which is about all verbs.
    let first = arguments.first().map(|first| first.to_string_lossy());
    let is_help = |first: &str| matches!(first, "-h" | "--help");
    if first.is_none_or(|first| first.starts_with('-') && !is_help(&first)) {
        arguments.insert(0, "list".into());
    }
    arguments.insert(0, "dead-letters".into());
    run(root, arguments).await
}

/// `dead-letters redrive` with `arguments`.
pub(super) async fn redrive(root: &Path, arguments: Vec<OsString>) -> Result<ExitCode, LocalError> {
    dead_letters(root, [vec!["redrive".into()], arguments].concat()).await
}

async fn run(root: &Path, mut arguments: Vec<OsString>) -> Result<ExitCode, LocalError> {
    let running = running::find(&root.join(FOLDER))?;
    let app = FunctionApp::load(root, overrides(running)).map_err(StackError::from)?;
    // The local queue tells at once that it is empty.
    if !arguments
        .iter()
        .any(|argument| argument.to_string_lossy().starts_with("--wait"))
    {
        arguments.splice(0..0, ["--wait".into(), "0".into()]);
    }
    let operator = Operator::new(&app.settings);
    let status = operator.run(operator.command(arguments)).await?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Where the parts of the running stack really are.
fn overrides(running: Running) -> host::app::Settings {
    let storage = running
        .blobs
        .as_deref()
        .map(|url| Account::ORDERS.connection_string(url));
    let settings = [
        ("ServiceBusConnection", running.connection),
        ("OrdersStorage", storage),
        ("FALLBACK_URL", running.fallback),
    ];
    settings
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}
