//! The stack with Service Bus sessions.

use std::time::Duration;

use host::{Delivered, DeliveryOutcome, Event};
use stack::{Hosting, Keep, Ports, Stack, StackOptions, Storage};
use testkit::fixture::{AppFolder, settings};
use testkit::workspace;
use tokio::sync::broadcast;
use tokio::time::timeout;

async fn next_delivered(events: &mut broadcast::Receiver<Event>) -> Delivered {
    let next = async {
        loop {
            if let Event::Delivered(delivered) = events.recv().await.expect("an event") {
                return delivered;
            }
        }
    };
    timeout(Duration::from_secs(60), next)
        .await
        .expect("a delivery")
}

fn app() -> AppFolder {
    let app = AppFolder::copy_of(&workspace());
    app.replace(
        "OrderItemsReserver/function.json",
        "\"isSessionsEnabled\": false",
        "\"isSessionsEnabled\": true",
    );
    app.run_the_fake_handler("stack::fake_handler");
    app
}

async fn start(app: &AppFolder) -> Stack {
    let options = StackOptions {
        hosting: Hosting::Embedded,
        root: app.path().to_owned(),
        ports: Ports::Auto,
        overrides: settings(&[]),
        keep: Keep::InFolder(app.path().join(".local")),
        storage: Storage::Embedded,
    };
    Stack::start_with(options).await.expect("starts")
}

async fn post(stack: &Stack, path: &str, properties: &str) -> (u16, String) {
    let url = format!("{}/order-items{path}", stack.door.url());
    let request = testkit::net::client()
        .post(url)
        .header("BrokerProperties", properties);
    let answer = request.body("{}").send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.text().await.expect("a body"))
}

#[tokio::test]
async fn with_sessions_on_messages_go_through_and_the_next_stack_goes_on_where_this_ended() {
    let app = app();
    for sequence in 1..=2 {
        let mut stack = start(&app).await;
        let (status, why) = post(&stack, "/messages", "{}").await;
        assert_eq!(status, 400);
        assert!(why.contains("expected a SessionId"), "{why}");
        let (status, why) = post(&stack, "/messages/head?timeout=1", "{}").await;
        assert_eq!(status, 400);
        assert!(why.contains("requires sessions"), "{why}");
        let (status, _) = post(&stack, "/messages", r#"{"SessionId":"S"}"#).await;
        assert_eq!(status, 201);
        let delivered = next_delivered(&mut stack.events).await;
        assert_eq!(
            (delivered.sequence, delivered.session.as_deref()),
            (sequence, Some("S"))
        );
        assert!(
            matches!(delivered.outcome, DeliveryOutcome::Completed { .. }),
            "{delivered:?}"
        );
        stack.stop().await;
    }
    assert!(app.path().join(".local/queue.jsonl").is_file());
}
