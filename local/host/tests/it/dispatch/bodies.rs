//! Bodies that the host cannot bind: the message dies after ten deliveries, and the handler never
//! hears of it.

use bus::{AmqpForm, BodyKind, Message};
use host::{DeliveryOutcome, InvocationFailure};
use testkit::fixture::AppFolder;
use testkit::workspace;

use crate::bench::{Bench, many, ok};

fn message(kind: BodyKind) -> Message {
    let form = AmqpForm {
        kind,
        ..AmqpForm::default()
    };
    Message {
        amqp: Some(form),
        ..Message::new("{}")
    }
}

fn app(data_type: &str) -> AppFolder {
    let app = AppFolder::copy_of(&workspace());
    let to = format!("\"dataType\": \"{data_type}\"");
    app.replace(
        "OrderItemsReserver/function.json",
        "\"dataType\": \"binary\"",
        &to,
    );
    app
}

#[tokio::test]
async fn bytes_are_made_of_data_alone_and_text_also_of_a_string() {
    for (data_type, kind, found) in [
        (
            "binary",
            BodyKind::Text,
            Some("an AMQP value that is a string"),
        ),
        ("binary", BodyKind::Value, Some("an AMQP value")),
        ("binary", BodyKind::Sequence, Some("an AMQP sequence")),
        ("binary", BodyKind::Data, None),
        ("string", BodyKind::Text, None),
        ("string", BodyKind::Value, Some("an AMQP value")),
        ("string", BodyKind::Sequence, Some("an AMQP sequence")),
        ("string", BodyKind::Data, None),
    ] {
        let mut bench = Bench::of(&app(data_type), &[], async |_| ok()).await;
        bench.queue.enqueue(message(kind)).expect("accepted");
        for count in 1..=10 {
            let delivered = bench.delivered().await;
            assert_eq!(delivered.delivery_count, count);
            let Some(found) = found else {
                let completed = matches!(delivered.outcome, DeliveryOutcome::Completed { .. });
                assert!(completed, "{data_type} {kind:?}");
                break;
            };
            let DeliveryOutcome::Abandoned { why, last } = delivered.outcome else {
                panic!("{data_type} {kind:?}")
            };
            let told = why.to_string();
            let whole = format!("with dataType {data_type}; found {found}");
            assert!(
                told.starts_with("the host cannot bind #1: expected data sections"),
                "{told}"
            );
            assert!(told.ends_with(&whole), "{told}");
            assert_eq!(last, count == 10);
        }
        let seen = bench.log.lock().expect("unpoisoned").len();
        assert_eq!(seen, usize::from(found.is_none()), "{data_type} {kind:?}");
        assert_eq!(
            bench.queue.counts().dead_lettered,
            usize::from(found.is_some())
        );
    }
}

#[tokio::test]
async fn one_such_body_is_the_end_of_its_batch() {
    let mut bench = Bench::with(
        &many("binary", false),
        &[],
        async |_| ok(),
        async |queue| {
            for kind in [BodyKind::Data, BodyKind::Text, BodyKind::Data] {
                queue.enqueue(message(kind)).expect("accepted");
            }
        },
    )
    .await;
    for _ in 0..30 {
        let DeliveryOutcome::Abandoned { why, .. } = bench.delivered().await.outcome else {
            panic!("abandoned")
        };
        assert!(
            matches!(why, InvocationFailure::Unbindable { sequence: 2, .. }),
            "{why}"
        );
    }
    assert_eq!(bench.queue.counts().dead_lettered, 3);
    assert!(bench.log.lock().expect("unpoisoned").is_empty());
}
