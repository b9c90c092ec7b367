//! The local stack's dashboard in real Chromium, over the real handler: everything a person does
//! there, with a mouse and with a keyboard, and what the accessibility auditor says. The pictures
//! are in `target/pages/pictures`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use bus::{Accepted, DeadLetter, DeadLetterReason, Message, Queue, Transition};
use stack::{Hosting, Keep, Ports, Stack, StackOptions, Storage};
use testkit::browser;
use testkit::browser::Browser;
use time::OffsetDateTime;
use tokio::sync::broadcast::error::RecvError;

/// Messages at once.
const BURST: u32 = 5_000;

/// What `folder` keeps, the next one finds.
async fn stack(folder: &Path) -> Stack {
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
        keep: Keep::InFolder(folder.to_owned()),
        storage: Storage::Embedded,
        hosting: Hosting::Embedded,
    };
    let stack = Stack::start_with(options).await.unwrap();
    stack.dashboard.add_link("petstore", "http://shop.invalid/");
    stack.host.as_ref().unwrap().ready().await;
    stack
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

/// What the visit cannot do by itself, when a cart of it asks: letters, a great many messages, and
/// the stack's end, at which this returns.
async fn answer(queue: Queue) {
    let mut transitions = queue.transitions();
    loop {
        let accepted = match transitions.recv().await {
            Ok(Transition::Accepted(accepted)) => accepted,
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        match accepted.message.properties.session_id.as_deref() {
            Some("FIRST") => (2..=3).for_each(|sequence| queue.add_dead_letter(letter(sequence))),
            Some("BURST") => burst(&queue),
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
    let dashboard = first.dashboard.url();
    let queue = first.queue.clone();
    let mut whole = Box::pin(visit(&browser, &dashboard, &pictures, ""));
    tokio::select! {
        () = &mut whole => panic!("the visit sees the stack's end"),
        () = answer(queue) => first.stop().await,
    }
    whole.await;
    let again = stack(&folder.join("kept")).await;
    visit(&browser, &again.dashboard.url(), &pictures, "restarted").await;
    again.stop().await;
}
