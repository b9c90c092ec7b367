//! `cargo local load` as people run it: the real binary, beside a real stack with the real handler.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use stack::running::Running;
use testkit::fixture::AppFolder;
use testkit::workspace;

use super::{Local, SLEEP, found, is_built};
use crate::stack::app_with_handler;

const HANDLER: &str = "order-items-reserver";

/// An app whose handler is the real one; `None` when that is not built.
fn real_app() -> Option<AppFolder> {
    if !is_built(HANDLER) {
        return None;
    }
    let app = AppFolder::copy_of(&workspace());
    let handler = Path::new(env!("CARGO_BIN_EXE_order-items-local")).with_file_name(HANDLER);
    app.replace(
        "local.settings.json",
        "target/debug/order-items-reserver",
        &handler.display().to_string(),
    );
    Some(app)
}

fn load(app: &AppFolder, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_order-items-local"))
        .arg("--root")
        .arg(app.path())
        .arg("load")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the end without holding up the runtime.
async fn ended(child: Child) -> Output {
    let wait = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap());
    let limit = Duration::from_secs(300);
    tokio::time::timeout(limit, wait).await.unwrap().unwrap()
}

fn report(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// How many there are.
fn blobs(app: &AppFolder) -> usize {
    let folder = app.path().join(".local/blobs/orders").read_dir();
    folder.map_or(0, Iterator::count)
}

async fn get(url: &str) -> Value {
    let answer = testkit::net::client().get(url).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

async fn messages(running: &Running) -> usize {
    let dashboard = running.dashboard.as_deref().unwrap();
    let messages = get(&format!("{dashboard}/api/messages")).await;
    messages.as_array().unwrap().len()
}

#[tokio::test]
async fn a_short_load_is_judged_as_kept() {
    let Some(app) = real_app() else { return };
    let local = Local::start(&app, &["--no-build", "--no-petstore"]);
    let running = found(&app).await;
    let arguments = ["--rate", "40", "--carts", "5", "--for", "2s", "--json"];
    let load = load(&app, &arguments);
    // Somebody else uses the stack meanwhile, and is none of the run's business.
    let queue = running.queue.expect("a queue");
    let cart = testkit::net::client()
        .post(format!("{queue}/messages"))
        .header("BrokerProperties", r#"{"SessionId":"SOMEBODY"}"#)
        .body(r#"{"id":"SOMEBODY","products":[]}"#)
        .send();
    testkit::until("the first cart of the run", || blobs(&app) > 0).await;
    assert_eq!(cart.await.unwrap().status(), 201);
    let report = report(&ended(load).await);
    assert_eq!(report["kept"], true, "{report:#}");
    assert_eq!(report["foreign"], 1, "{report:#}");
    assert_eq!(report["messages"]["due"], 80, "{report:#}");
    let accepted = report["messages"]["accepted"].as_u64().unwrap();
    let fates = &report["fates"];
    let fate = |name: &str| fates[name].as_u64().unwrap();
    assert!(accepted > 0 && accepted == fate("stored") + fate("superseded"));
    assert_eq!(report["toStored"]["count"], accepted, "{report:#}");
    assert_eq!(local.terminate(), Some(0));
}

#[tokio::test]
async fn a_kill_of_the_stack_in_mid_load_breaks_no_promise() {
    let Some(app) = real_app() else { return };
    let options = ["--no-build", "--no-petstore"];
    let local = Local::start(&app, &options);
    found(&app).await;
    let arguments = [
        "--rate",
        "40",
        "--carts",
        "5",
        "--for",
        "4s",
        "--faults",
        "storage=flaky",
        "--json",
    ];
    let load = load(&app, &arguments);
    testkit::until("the first blob", || blobs(&app) > 0).await;
    local.kill();
    let local = Local::start(&app, &options);
    let report = report(&ended(load).await);
    assert_eq!(report["kept"], true, "{report:#}");
    assert_eq!(local.terminate(), Some(0));
}

#[tokio::test]
async fn who_interrupts_twice_does_not_wait() {
    let app = app_with_handler(SLEEP);
    let _local = Local::start(&app, &["--no-build", "--no-petstore"]);
    let running = found(&app).await;
    let load = load(&app, &["--rate", "20", "--carts", "2", "--for", "1h"]);
    // Once something was sent, the signals are listened to.
    let mut turns = 0;
    while messages(&running).await == 0 {
        turns += 1;
        assert!(turns < 3_000, "nothing was sent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let id = load.id().to_string();
    let wait = ended(load);
    tokio::pin!(wait);
    let output = loop {
        let killed = Command::new("kill").args(["-INT", &id]).output().unwrap();
        assert!(killed.status.success(), "{killed:?}");
        let pause = Duration::from_millis(100);
        if let Ok(output) = tokio::time::timeout(pause, &mut wait).await {
            break output;
        }
    };
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("aborted without a verdict"), "{said}");
}

/// Two instances over one store, either killed now and then, while the bus and the carts' storage
/// break, and shoppers click twice at once or hang up. The seed is in the report.
#[tokio::test]
async fn shoppers_lose_nothing_whatever_breaks_at_two_instances() {
    if !is_built("petstore") {
        return;
    }
    let Some(app) = real_app() else { return };
    let options = ["--no-build", "--in-memory", "--shops", "2"];
    let local = Local::start(&app, &options);
    let running = found(&app).await;
    assert_eq!(running.petstores.len(), 2, "{running:?}");
    local
        .says(&format!("PetStore 2    {}", running.petstores[1]))
        .await;
    let arguments = [
        "--shoppers",
        "60",
        "--rate",
        "60",
        "--for",
        "20s",
        "--faults",
        "bus=any,shop-storage=any,shop=kills",
        "--json",
    ];
    let report = report(&ended(load(&app, &arguments)).await);
    assert_eq!(report["kept"], true, "{report:#}");
    let count = |group: &str, name: &str| report[group][name].as_u64().unwrap();
    for (group, name, least) in [
        ("clicks", "confirmed", 100),
        ("clicks", "aborted", 5),
        ("clicks", "doubled", 5),
        ("faults", "shopKills", 1),
        ("faults", "busSpells", 1),
        ("faults", "shopStorageSpells", 1),
        ("fates", "stored", 30),
    ] {
        assert!(count(group, name) >= least, "{group}.{name}: {report:#}");
    }
    assert_eq!(local.terminate(), Some(0));
}
