//! When the shopper clicked, and which trace the sender began.

use super::*;
use crate::text::timestamp;

/// An id of version 7, made so many milliseconds before the queue took the message.
fn id_made(before: i64) -> String {
    let at = NOW - Duration::milliseconds(before);
    let milliseconds = (at.unix_timestamp_nanos() / 1_000_000).try_into().unwrap();
    let id = uuid::Builder::from_unix_timestamp_millis(milliseconds, &[7; 10]);
    id.into_uuid().to_string()
}

fn shown(change: impl FnOnce(&mut Sent)) -> Value {
    let mut message = Sent::new("{}").with_session("S");
    change(&mut message);
    let mut world = World::default();
    let accepted = Accepted {
        sequence: 1,
        enqueued: NOW,
        expires: NOW,
        message,
    };
    world.queue(&Transition::Accepted(Arc::new(accepted)));
    world.whole(1)
}

fn clicked(label: &str, id: &str) -> Value {
    let mut shown = shown(|message| {
        message.properties.label = Some(label.to_owned());
        message.properties.message_id = Some(id.to_owned());
    });
    shown["clickedTime"].take()
}

#[test]
fn a_message_of_the_storefront_tells_when_it_was_clicked() {
    assert_eq!(
        clicked("CartUpdated", &id_made(250)),
        timestamp(NOW - Duration::milliseconds(250))
    );
    let hours = 3 * 60 * 60 * 1_000;
    let hours_ago = timestamp(NOW - Duration::milliseconds(hours));
    assert_eq!(clicked("CartUpdated", &id_made(hours)), hours_ago);
}

#[test]
fn of_any_other_message_nobody_knows_a_click() {
    let unknown = [
        ("Another", id_made(250)),
        ("CartUpdated", Uuid::from_u128(4).to_string()),
        // Version 4, and a text that is none.
        (
            "CartUpdated",
            "03f87564-5b1d-4f3a-9c59-2f8f1f6f2a10".to_owned(),
        ),
        ("CartUpdated", "m1".to_owned()),
        ("CartUpdated", String::new()),
        // A clock that is ahead, a little and as far as such an id goes.
        ("CartUpdated", id_made(-1)),
        (
            "CartUpdated",
            "ffffffff-ffff-7fff-bfff-ffffffffffff".to_owned(),
        ),
    ];
    for (label, id) in unknown {
        assert_eq!(clicked(label, &id), Value::Null, "{label} {id}");
    }
    assert_eq!(shown(|_| {})["clickedTime"], Value::Null);
}

#[test]
fn a_trace_is_found_however_its_name_is_written() {
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let context = format!("00-{id}-00f067aa0ba902b7-01");
    for name in [
        "Diagnostic-Id",
        "diagnostic-id",
        "traceparent",
        "Traceparent",
    ] {
        let shown = shown(|message| {
            let all = &mut message.properties.application;
            all.insert(name.to_owned(), context.clone().into());
        });
        assert_eq!(shown["traceId"], id, "{name}");
    }
}
