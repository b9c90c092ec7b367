//! All parts together, wired by the app's settings.
#![cfg(unix)]

pub(crate) mod mail;
mod sessions;

use std::process::Stdio;

use host::app::Settings;
use host::{DeliveryOutcome, Event};
use stack::{Ports, Stack, StackError};
use testkit::fixture::{AppFolder, settings};
use testkit::workspace;

pub(crate) fn app_with_handler(script: &str) -> AppFolder {
    let app = AppFolder::copy_of(&workspace());
    std::fs::write(app.path().join("handler.sh"), script).expect("a script");
    app.replace(
        "host.json",
        "\"description\": {",
        "\"description\": { \"arguments\": [\"handler.sh\"],",
    );
    app.replace(
        "local.settings.json",
        "target/debug/order-items-reserver",
        "sh",
    );
    app
}

#[tokio::test]
async fn on_free_ports_the_handlers_settings_lead_to_the_parts() {
    let app = app_with_handler("env > environment; exit 0");
    let mut stack = Stack::start(app.path(), Ports::Auto, Settings::new())
        .await
        .expect("starts");
    while !matches!(
        stack.events.recv().await.expect("an event"),
        Event::HandlerExited { .. }
    ) {}
    let environment = std::fs::read_to_string(app.path().join("environment")).expect("written");
    let value = |name: &str| {
        environment
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")))
            .expect(name)
    };
    let blob = stack.blob.as_ref().expect("a blob endpoint");
    assert_eq!(value("OrdersStorage"), blob.connection_string());
    let logic_app = stack.logic_app.as_ref().expect("a Logic App").url();
    let port = logic_app.split(['/', ':']).nth(4).expect("a port");
    assert!(
        value("FALLBACK_URL").starts_with(&format!("http://127.0.0.1:{port}/workflows/fallback/"))
    );
    let door = stack
        .door
        .url()
        .replace("http://127.0.0.1", "Endpoint=sb://localhost");
    assert!(value("ServiceBusConnection").starts_with(&format!("{door};")));
    stack.stop().await;
}

#[tokio::test]
async fn a_message_posted_at_the_door_is_delivered_to_the_handler() {
    let app = AppFolder::copy_of(&workspace());
    app.run_the_fake_handler("stack::fake_handler");
    let mut stack = Stack::start(app.path(), Ports::Auto, Settings::new())
        .await
        .expect("starts");
    let url = format!("{}/order-items/messages", stack.door.url());
    let answer = testkit::net::client()
        .post(url)
        .body("{}")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 201);
    let delivered = loop {
        if let Event::Delivered(delivered) = stack.events.recv().await.expect("an event") {
            break delivered;
        }
    };
    assert_eq!(
        delivered.outcome,
        DeliveryOutcome::Completed {
            status: 200,
            logs: Vec::new()
        }
    );
    stack.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_setting_and_its_owner() {
    let listener = testkit::net::listener().await;
    let port = listener.local_addr().expect("an address").port();
    let storage = format!("AccountName=a;AccountKey=b;BlobEndpoint=http://127.0.0.1:{port}/a");
    let overrides = settings(&[("OrdersStorage", &storage)]);
    let app = app_with_handler("exit 0");
    let error = Stack::start(app.path(), Ports::FromSettings, overrides)
        .await
        .expect_err("taken");
    assert!(matches!(error, StackError::Port(_)));
    let text = error.to_string();
    assert!(
        text.contains(&format!("port {port} for the blob endpoint")),
        "{text}"
    );
    assert!(
        text.contains("OrdersStorage in local.settings.json") && text.contains("--ports auto"),
        "{text}"
    );
    #[cfg(target_os = "linux")]
    assert!(
        text.contains(&format!("(process {})", std::process::id())),
        "{text}"
    );
}

#[tokio::test]
async fn cargo_local_ends_cleanly_when_it_is_told_to_and_leaves_no_handler() {
    // `exec` keeps the process id: the handler is the sleep.
    let app = app_with_handler("echo $$ > pid; exec sleep 600");
    let mut local = tokio::process::Command::new(env!("CARGO_BIN_EXE_order-items-local"))
        .args(["--no-build", "--ports", "auto", "--root"])
        .arg(app.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let pid_file = app.path().join("pid");
    testkit::until("the handler's process id", || {
        std::fs::read_to_string(&pid_file).is_ok_and(|pid| pid.ends_with('\n'))
    })
    .await;
    let handler = std::fs::read_to_string(&pid_file)
        .expect("written")
        .trim()
        .to_owned();
    let process = local.id().expect("it runs").to_string();
    let kill = |signal: &str, pid: &str| {
        let kill = std::process::Command::new("kill")
            .args([signal, pid])
            .stderr(Stdio::null())
            .status();
        kill.expect("kill runs").success()
    };
    assert!(kill("-0", &handler), "the handler runs");
    assert!(kill("-TERM", &process));
    assert_eq!(local.wait().await.expect("it ends").code(), Some(0));
    assert!(!kill("-0", &handler), "the handler is gone");
}

/// Not a test but a handler: the host under test starts this binary and asks for this function.
#[tokio::test]
#[ignore = "a handler process for the tests"]
async fn fake_handler() {
    testkit::handler::serve().await;
}
