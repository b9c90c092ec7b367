//! The Logic App of the stack: with the app's own workflow and an e-mail service behind it, when the app has one.

use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::{Keep, StackError};
use logic_app::LogicApp;
use logic_app::Workflow;
use logic_app::mail::MailService;

/// The definition that is deployed, in the app's folder.
const DEFINITION: &str = "infra/logicapp/fallback.definition.json";

const SENDER: &str = "DoNotReply@order-items-reserver.local";
const RECIPIENT: &str = "operations@order-items-reserver.local";

/// Starts the Logic App of the app in `root`.
pub(super) async fn start(
    root: &Path,
    listener: TcpListener,
    keep: &Keep,
) -> Result<(LogicApp, Option<MailService>), StackError> {
    let definition = match std::fs::read_to_string(root.join(DEFINITION)) {
        Ok(definition) => definition,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((LogicApp::start(listener)?, None));
        }
        Err(error) => return Err(error.into()),
    };
    // No setting names the service's port: only the workflow calls it.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let mail = MailService::start(port, keep.outbox())?;
    let workflow = Workflow::load(&definition, parameters(mail.url()))?;
    let logic_app = match keep.handed_over() {
        Some(file) => LogicApp::start_with_history(listener, workflow, &file)?,
        None => LogicApp::start_with(listener, workflow)?,
    };
    Ok((logic_app, Some(mail)))
}

fn parameters(mail_service: &str) -> Map<String, Value> {
    let values = [
        ("acsEndpoint", json!(mail_service)),
        ("senderAddress", json!(SENDER)),
        ("recipients", json!([{ "address": RECIPIENT }])),
    ];
    values
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}
