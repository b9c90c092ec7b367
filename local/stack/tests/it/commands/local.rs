//! The stack of a folder, and the commands that find it.

use std::time::Duration;

use serde_json::Value;
use stack::running;
use testkit::until;

use super::{Local, SLEEP, folder, found, is_built, run};
use crate::stack::app_with_handler;

#[tokio::test]
async fn other_commands_find_the_stack_as_long_as_it_runs() {
    let app = app_with_handler(SLEEP);
    let local = Local::start(&app, &["--no-build", "--no-petstore"]);
    let running = found(&app).await;
    assert_eq!(running.pid, local.process.id());
    local.says("Ctrl+C ends it").await;
    assert!(local.output().contains(" is up in "), "{}", local.output());
    let queue = running.queue.expect("a queue");
    let answer = testkit::net::client()
        .post(format!("{queue}/messages"))
        .body("{}")
        .send()
        .await;
    assert_eq!(answer.unwrap().status(), 201);
    let (code, text) = run(&app, &["reset"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains(&format!("already (process {}): end it first", running.pid)),
        "{text}"
    );
    assert_eq!(local.terminate(), Some(0));
    assert!(!folder(&app).join("stack.json").exists());
}

#[tokio::test]
async fn a_cart_that_is_swallowed_for_its_message_id_is_told() {
    let app = app_with_handler(SLEEP);
    let local = Local::start(&app, &["--no-build", "--no-petstore"]);
    let queue = found(&app).await.queue.expect("a queue");
    for body in ["{\"quantity\":1}", "{\"quantity\":2}"] {
        let sent = testkit::net::client()
            .post(format!("{queue}/messages"))
            .header(
                "BrokerProperties",
                r#"{"SessionId":"S","MessageId":"used-twice"}"#,
            )
            .body(body)
            .send()
            .await;
        assert_eq!(sent.unwrap().status(), 201, "as in Azure");
    }
    local.says("swallowed as a duplicate of #1").await;
    assert!(
        local.output().contains("ANOTHER BODY"),
        "{}",
        local.output()
    );
    assert_eq!(local.terminate(), Some(0));
}

#[tokio::test]
async fn a_killed_stack_is_not_taken_for_a_running_one() {
    let app = app_with_handler(SLEEP);
    let local = Local::start(&app, &["--no-build", "--no-petstore"]);
    found(&app).await;
    local.kill();
    assert!(folder(&app).join("stack.json").exists(), "left over");
    for command in ["dead-letters", "redrive"] {
        let (code, text) = run(&app, &[command]);
        assert_eq!(code, Some(1), "{text}");
        assert!(
            text.contains("no stack runs in") && text.contains("`cargo local`"),
            "{text}"
        );
    }
    assert_eq!(run(&app, &["reset"]).0, Some(0));
    let local = Local::start(&app, &["--no-build", "--no-petstore"]);
    found(&app).await;
    assert_eq!(local.terminate(), Some(0));
}

#[tokio::test]
async fn reset_forgets_all_that_was_kept_and_the_shoppers_carts() {
    let app = app_with_handler(SLEEP);
    for file in [
        "queue.jsonl",
        "blobs/orders/a.json",
        "outbox/1.eml",
        "petstore-blobs/carts/a",
    ] {
        let file = folder(&app).join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "x").unwrap();
    }
    let (code, text) = run(&app, &["reset"]);
    assert_eq!(code, Some(0), "{text}");
    let forgot = "forgot queue.jsonl, blobs, petstore-blobs, outbox";
    assert!(text.contains(forgot), "{text}");
    for gone in ["blobs", "petstore-blobs"] {
        assert!(!folder(&app).join(gone).exists(), "{gone}");
    }
    assert!(run(&app, &["reset"]).1.contains("nothing was kept"));
}

#[tokio::test]
async fn in_memory_nothing_is_kept_and_another_stack_may_run() {
    let app = app_with_handler(SLEEP);
    let first = Local::start(&app, &["--no-build", "--no-petstore"]);
    let running = found(&app).await;
    let second = Local::start(&app, &["--no-build", "--no-petstore"]);
    second.says("a stack runs in").await;
    let third = Local::start(&app, &["--no-build", "--no-petstore", "--in-memory"]);
    third.says("memory: gone in the end").await;
    assert_eq!(
        running::find(&folder(&app)).unwrap(),
        running,
        "the first is still the one to find"
    );
    assert_eq!(third.terminate(), Some(0));
    assert_eq!(first.terminate(), Some(0));
    let blobs = std::fs::read_dir(folder(&app).join("blobs"))
        .unwrap()
        .count();
    assert!(blobs > 0, "kept without --in-memory");

    let app = app_with_handler(SLEEP);
    // As in a folder that is not to be written: its permissions mean nothing to some who run tests.
    std::fs::write(folder(&app), "a file").unwrap();
    let local = Local::start(&app, &["--no-build", "--no-petstore", "--in-memory"]);
    local
        .says("other commands of this folder will not find this stack")
        .await;
    local.says("Ctrl+C ends it").await;
    assert_eq!(local.terminate(), Some(0));

    let app = app_with_handler(SLEEP);
    let local = Local::start(&app, &["--no-build", "--no-petstore", "--in-memory"]);
    found(&app).await;
    assert_eq!(local.terminate(), Some(0));
    let left: Vec<_> = std::fs::read_dir(folder(&app))
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    assert_eq!(left, ["stack.lock"]);
}

/// Puts something into a cart; what the dashboard shows of the message, and when this run began.
async fn a_click_in(petstore: &str, dashboard: &str) -> Value {
    let client = testkit::net::client();
    let shelf = client.get(format!("{petstore}/products?animal=cat"));
    let shelf = shelf.send().await.unwrap();
    let cookie = shelf.headers()["set-cookie"].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let shelf = shelf.text().await.unwrap();
    let (_, token) = shelf.split_once("name=\"token\" value=\"").unwrap();
    let (token, _) = token.split_once('"').unwrap();
    let click = client
        .post(format!("{petstore}/cart"))
        .header("cookie", cookie)
        .header("origin", petstore)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("token={token}&step=add&product=1"));
    assert_eq!(click.send().await.unwrap().status(), 303);
    let get = async |path: &str| {
        let answer = client.get(format!("{dashboard}{path}")).send().await;
        let text = answer.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let mut shown = Value::Null;
    for _ in 0..3_000 {
        shown = get("/api/messages/1").await;
        if shown["sequence"] == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    shown["started"] = get("/api/state").await["started"].clone();
    shown
}

#[tokio::test]
async fn petstore_runs_beside_the_stack_and_never_longer() {
    if !is_built("petstore") {
        return;
    }
    let app = app_with_handler(SLEEP);
    let local = Local::start(&app, &["--no-build"]);
    let petstore = found(&app).await.petstore.expect("PetStore");
    let client = testkit::net::client();
    let health = || client.get(format!("{petstore}/health")).send();
    assert_eq!(health().await.unwrap().status(), 200);
    assert!(folder(&app).join("petstore-blobs").is_dir(), "its carts");
    let shown = a_click_in(&petstore, &found(&app).await.dashboard.unwrap()).await;
    let times = ["started", "clickedTime", "enqueuedTime"].map(|name| shown[name].as_str());
    assert!(times.is_sorted() && times[0].is_some(), "{shown}");
    // Not even when the stack cannot say good-bye.
    local.kill();
    let gone = async { while health().await.is_ok() {} };
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, gone)
        .await
        .expect("PetStore ends");

    let local = Local::start(&app, &["--no-build"]);
    until("the stack to run with PetStore", || {
        running::find(&folder(&app)).is_ok_and(|running| running.petstore.is_some())
    })
    .await;
    assert_eq!(local.terminate(), Some(0));
}

#[tokio::test]
async fn dead_letters_are_the_operators_tool_on_this_stack() {
    if !is_built("order-items-ops") {
        return;
    }
    let app = app_with_handler(SLEEP);
    let local = Local::start(&app, &["--no-build", "--no-petstore"]);
    found(&app).await;
    assert_eq!(
        run(&app, &["dead-letters"]),
        (Some(0), "0 dead letters\n".to_owned())
    );
    assert_eq!(
        run(&app, &["dead-letters", "--json"]),
        (Some(0), String::new()),
        "none"
    );
    let (code, text) = run(&app, &["redrive", "--yes", "--sequence", "7"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(run(&app, &["dead-letters", "show", "7"]).0 == Some(1));
    let (code, text) = run(&app, &["redrive", "--help"]);
    assert!(code == Some(0) && text.contains("--hand-over"), "{text}");
    assert_eq!(local.terminate(), Some(0));
}

#[test]
fn the_program_says_its_version_its_faults_and_its_words() {
    let app = app_with_handler(SLEEP);
    let (code, text) = run(&app, &["--version"]);
    assert_eq!(
        (code, text.trim()),
        (Some(0), concat!("cargo local ", env!("CARGO_PKG_VERSION")))
    );
    let (_, text) = run(&app, &["load", "--help"]);
    for fault in stand_in::STORAGE_FAULTS
        .iter()
        .chain(&stand_in::LOGIC_APP_FAULTS)
    {
        assert!(text.contains(fault.name()), "{text}");
    }
    for (shell, word) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef order-items-local"),
    ] {
        let (code, text) = run(&app, &["completions", shell]);
        assert_eq!(code, Some(0), "{text}");
        assert!(
            text.contains(word) && text.contains("dead-letters"),
            "{text}"
        );
    }
}

#[test]
fn options_of_the_start_do_not_go_unheard_with_a_command() {
    let app = app_with_handler(SLEEP);
    for given in [&["--in-memory"][..], &["--shops", "2"], &["--func"]] {
        let (code, text) = run(&app, &[given, &["reset"]].concat());
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("options other than --root"), "{text}");
    }
    let (code, text) = run(&app, &["--shops", "99"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("99 is not in 1..=8"), "{text}");
}
