//! The stack with the app's own workflow: what becomes of a fallback request.

use std::process::Stdio;

use host::app::Settings;
use stack::{Ports, Stack};
use testkit::fixture::AppFolder;
use testkit::workflow::{post, vector};
use testkit::{net, workspace};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::app_with_handler;

const DEFINITION: &str = "infra/logicapp/fallback.definition.json";

/// A function app with the workflow, whose handler never listens.
pub(crate) fn app_with_workflow() -> AppFolder {
    let app = app_with_handler("exec sleep 3600");
    std::fs::create_dir_all(app.path().join("infra/logicapp")).unwrap();
    std::fs::copy(workspace().join(DEFINITION), app.path().join(DEFINITION)).unwrap();
    app
}

#[tokio::test]
async fn the_stack_runs_the_apps_own_workflow() {
    let app = app_with_workflow();
    let stack = Stack::start(app.path(), Ports::Auto, Settings::new())
        .await
        .unwrap();
    let url = stack.logic_app.as_ref().unwrap().url();
    assert_eq!(post(&url, &vector()["request"]).await.0, 202);
    let mail = stack.mail.as_ref().unwrap();
    assert_eq!(mail.mails().len(), 1);
    let outbox = format!("{}/#outbox", stack.dashboard.url());
    let page = net::client().get(&outbox).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("id=\"outbox\""));
    assert!(stack.addresses().contains(&("outbox".to_owned(), outbox)));
    assert!(!app.path().join(".local").exists());
    stack.stop().await;
}

#[tokio::test]
async fn a_definition_that_cannot_be_run_is_said_at_the_start() {
    let app = app_with_workflow();
    app.replace(DEFINITION, "\"type\": \"Table\"", "\"type\": \"Wait\"");
    let stack = Stack::start(app.path(), Ports::Auto, Settings::new()).await;
    let error = stack.err().unwrap().to_string();
    assert!(
        error.contains("actions.Render.actions.Products_table: \"Wait\" is not a known type"),
        "{error}"
    );
}

#[tokio::test]
async fn cargo_local_says_where_the_outbox_is_and_tells_of_each_mail() {
    let app = app_with_workflow();
    let mut local = tokio::process::Command::new(env!("CARGO_BIN_EXE_order-items-local"))
        .args(["--no-build", "--ports", "auto", "--root"])
        .arg(app.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(local.stdout.take().unwrap()).lines();
    let mut logic_app = None;
    let mut has_outbox = false;
    let mut told = None;
    while let Some(line) = lines.next_line().await.unwrap() {
        let line = line.trim();
        if let Some(url) = line.strip_prefix("logic app") {
            logic_app = Some(url.trim().to_owned());
        }
        let is_local = line.contains("http://127.0.0.1:") && line.ends_with("/#outbox");
        has_outbox |= line.starts_with("outbox") && is_local;
        if line == "Ctrl+C ends it." {
            let url = logic_app.take().unwrap();
            let url = format!("{url}/workflows/f/triggers/manual/paths/invoke");
            assert_eq!(post(&url, &vector()["request"]).await.0, 202);
        }
        // Each line begins with its time.
        if let Some((_, mail)) = line.split_once("  mail to ") {
            told = Some(format!("mail to {mail}"));
            break;
        }
    }
    let expected = "mail to operations@order-items-reserver.local: Order not confirmed as stored: session 68FAE9B1D86B794F0AE0ADD35A437428";
    assert_eq!(told.as_deref(), Some(expected));
    assert!(has_outbox);
    let files = std::fs::read_dir(app.path().join(".local/outbox")).unwrap();
    assert_eq!(files.count(), 1);
}
