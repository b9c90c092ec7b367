//! The local stack's dashboard in real Chromium, over the real handler: everything a person does
//! there, with a mouse and with a keyboard, and what the accessibility auditor says. The pictures
//! are in `target/pages/pictures`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use bus::{Accepted, DeadLetter, DeadLetterReason, Message, Queue, Transition};
use dashboard::BuildState;
use serde_json::json;
use stack::{Hosting, Keep, Ports, Stack, StackOptions, Storage};
use testkit::browser::Browser;
use testkit::{browser, clients};
use time::OffsetDateTime;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// Messages at once.
const BURST: u32 = 5_000;

/// What `folder` keeps, the next one finds.
async fn stack(folder: &Path) -> Stack {
    let stack = stack_with(Keep::InFolder(folder.to_owned()), Hosting::Embedded).await;
    stack.dashboard.add_link("petstore", "http://shop.invalid/");
    stack.host.as_ref().unwrap().ready().await;
    stack
}

async fn stack_with(keep: Keep, hosting: Hosting) -> Stack {
    let settings = [
        (
            "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath",
            crate::stack::handler(),
        ),
        ("UPLOAD_BACKOFF_BASE_MS", "5".to_owned()),
        // A storage that hangs costs four of these.
        ("UPLOAD_ATTEMPT_TIMEOUT_MS", "1500".to_owned()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    let settings = BTreeMap::from(settings);
    let options = StackOptions {
        root: testkit::workspace(),
        ports: Ports::Auto,
        overrides: settings,
        keep,
        storage: match hosting {
            Hosting::Embedded => Storage::Embedded,
            Hosting::Elsewhere => Storage::Elsewhere,
        },
        hosting,
    };
    Stack::start_with(options).await.unwrap()
}

/// A cart that nobody took, of half an hour ago.
fn letter(sequence: u64) -> DeadLetter {
    let session = format!("DEAD{sequence:028}");
    let cart = format!(
        r#"{{"id":"{session}","products":[{{"id":3,"name":"Plush Lamb","quantity":4}}],"complete":false}}"#
    );
    let enqueued = OffsetDateTime::now_utc() - time::Duration::minutes(30);
    DeadLetter {
        accepted: Accepted {
            sequence,
            enqueued,
            expires: enqueued + time::Duration::days(14),
            message: Message::new(cart)
                .with_session(session)
                .with_id(format!("dead-{sequence}")),
        },
        delivery_count: 10,
        at: enqueued + time::Duration::minutes(5),
        reason: DeadLetterReason::MaxDeliveryCountExceeded,
    }
}

/// A cart as the storefront sends it, a quarter of a second after the click.
fn clicked() -> Message {
    let clicked = OffsetDateTime::now_utc() - time::Duration::milliseconds(250);
    let milliseconds = clicked.unix_timestamp_nanos() / 1_000_000;
    let (high, low) = (milliseconds >> 16, milliseconds & 0xffff);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut message = Message::new(r#"{"id":"CLICKED","products":[],"complete":false}"#)
        .with_session("CLICKED")
        .with_id(format!("{high:08x}-{low:04x}-7000-8000-000000000001"));
    message.properties.label = Some("CartUpdated".to_owned());
    message.properties.correlation_id = Some(trace.to_owned());
    message
}

/// What the visit cannot do by itself, when a cart of it asks: letters, a great many messages, how a
/// build stands, and the stack's end, at which this returns.
async fn answer(stack: &Stack) {
    let queue = &stack.queue;
    let mut transitions = queue.transitions();
    let build = |state| stack.dashboard.say_build(state);
    loop {
        let accepted = match transitions.recv().await {
            Ok(Transition::Accepted(accepted)) => accepted,
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        match accepted.message.properties.session_id.as_deref() {
            Some("FIRST") => (2..=3).for_each(|sequence| queue.add_dead_letter(letter(sequence))),
            Some("BURST") => burst(queue),
            Some("BUILDING") => build(BuildState::Building),
            Some("BROKEN") => build(BuildState::failed(
                "error[E0425]: cannot find value `no` in this scope\n --> src/main.rs:1:13",
            )),
            Some("BUILT") => build(BuildState::Current),
            Some("CLICK") => drop(queue.enqueue(clicked())),
            Some("GONE") => return,
            _ => {}
        }
    }
}

fn burst(queue: &Queue) {
    assert!(
        queue.counts().active <= 1,
        "all before this cart is settled"
    );
    assert!(queue.dead_letters().is_empty());
    for number in 0..BURST {
        let cart = r#"{"products":[{"id":7,"name":"Mouse","quantity":1}],"complete":false}"#;
        let message = Message::new(cart).with_session(format!("B{number}"));
        queue.enqueue(message).expect("the queue takes it");
    }
}

/// A part of the visit; an empty one is the whole.
async fn visit(browser: &Browser, dashboard: &str, pictures: &Path, part: &str) {
    let visit = tokio::process::Command::new("node")
        .arg(testkit::workspace().join("tests/dashboard/visit.js"))
        .args([browser.modules.as_os_str(), browser.program.as_ref()])
        .arg(dashboard)
        .arg(pictures)
        .arg(part)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let visit = visit.await.unwrap();
    let found = String::from_utf8_lossy(&visit.stdout);
    let error = String::from_utf8_lossy(&visit.stderr);
    assert!(
        visit.status.success() && found.is_empty(),
        "{found}\n{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_a_person_does_at_the_dashboard_works_and_for_everyone() {
    // The storefront's packages do for this page as well.
    let Some(browser) = browser::found(&testkit::workspace().join("petstore/tests/pages")) else {
        return;
    };
    let folder = testkit::fixture::Folder::new();
    let pictures = browser::target().join("pictures");
    fs::create_dir_all(&pictures).unwrap();
    let first = stack(&folder.join("kept")).await;
    let (kills, killed) = watch::channel(0);
    first.dashboard.add_shop(kills);
    let line = r#"{"level":"WARN","message":"not published yet","failures":1}"#;
    first.dashboard.add_line("PetStore", line);
    let dashboard = first.dashboard.url();
    let mut whole = Box::pin(visit(&browser, &dashboard, &pictures, ""));
    tokio::select! {
        () = &mut whole => panic!("the visit sees the stack's end"),
        () = answer(&first) => {}
    }
    first.stop().await;
    whole.await;
    assert_eq!(*killed.borrow(), 1, "the storefront was killed once");
    let again = stack(&folder.join("kept")).await;
    visit(&browser, &again.dashboard.url(), &pictures, "restarted").await;
    again.stop().await;
}

/// Microsoft's client holds a message and a dead letter, by two connections, while the page shows
/// who holds them, and takes both away from it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_foreign_client_holds_is_shown_and_taken_from_it() {
    let found = browser::found(&testkit::workspace().join("petstore/tests/pages"));
    let (Some(browser), Some(client)) = (found, clients::python()) else {
        return;
    };
    let pictures = browser::target().join("pictures");
    fs::create_dir_all(&pictures).unwrap();
    let stack = stack_with(Keep::InMemory, Hosting::Elsewhere).await;
    stack.queue.enqueue(Message::new("{}")).unwrap();
    stack.queue.add_dead_letter(letter(2));
    let connection = &stack.app.settings["ServiceBusConnection"];
    let mut receiving = client.receive(connection);
    let mut letters = client.receive(connection);
    receiving.told(json!({ "do": "open", "name": "m" })).await;
    letters
        .told(json!({ "do": "open", "name": "l", "letters": true }))
        .await;
    let first = receiving
        .told(json!({ "do": "receive", "name": "m" }))
        .await;
    assert_eq!(first[0]["sequence"], 1, "{first}");
    let letter = letters.told(json!({ "do": "receive", "name": "l" })).await;
    assert_eq!(letter[0]["sequence"], 2, "{letter}");

    visit(&browser, &stack.dashboard.url(), &pictures, "foreign").await;
    let lost = receiving
        .ask(json!({ "do": "complete", "name": "m", "sequence": 1 }))
        .await
        .unwrap_err();
    assert!(lost.contains("MessageLockLostError"), "{lost}");
    let again = receiving
        .told(json!({ "do": "receive", "name": "m" }))
        .await;
    assert_eq!(
        (&again[0]["sequence"], &again[0]["count"]),
        (&json!(1), &json!(1))
    );
    receiving
        .told(json!({ "do": "complete", "name": "m", "sequence": 1 }))
        .await;
    assert_eq!(stack.queue.counts().locked, 0);
    stack.stop().await;
}
