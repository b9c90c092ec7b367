//! What is stored: bytes, position, names.

use order_items_reserver::order::Order;
use order_items_reserver::store::blob::{BlobService as _, Condition};
use order_items_reserver::store::{Doubt, OrderStore as _, Origin, Put, StoreError};

use super::place::Place;
use super::written;
use crate::support::Message;

contract! {
    an_order_comes_back_byte_for_byte_with_its_position
    a_large_order_and_an_order_without_position_come_back
    a_missing_blob_reads_as_none
    a_foreign_blob_has_no_position_and_gives_way_if_it_is_older
    every_session_has_a_blob_of_its_own
}

async fn an_order_comes_back_byte_for_byte_with_its_position(place: &Place) {
    let blobs = place.ready().await;
    for (session, id) in [
        ("plain", "a3f0c2de-5b1c-4b6e-9a51-0d5c6b1f7e42"),
        ("wide", "päckchen ✓ 🐈 \u{202e}"),
        ("control", "a\r\nx-ms-meta-sequence: 99\u{0}\u{7f}\t"),
        ("spaces", "  around  "),
        ("percent", "100%41%"),
        ("long", &"ß".repeat(128)),
    ] {
        let mut message = Message::new(session, 8412);
        id.clone_into(&mut message.id);
        let reply = blobs.put_blob(&message.order(), &Condition::Absent).await;
        written(reply.unwrap());
        let stored = place.read(&message.blob_name()).await.unwrap();
        assert_eq!(stored.bytes, message.body);
        assert_eq!(stored.content_type, "application/json");
        let position = message.order().position.unwrap();
        let id = &stored.metadata["messageid"];
        let id = percent_encoding::percent_decode_str(id)
            .decode_utf8()
            .unwrap();
        assert_eq!(id, message.id, "{session}");
        assert_eq!(stored.metadata["sequence"], "8412");
        assert_eq!(stored.metadata["enqueued"], position.enqueued.to_string());
        assert_eq!(stored.metadata.len(), 3, "{:?}", stored.metadata);
        let head = blobs.head_blob(&message.order().session).await.unwrap();
        let origin = Origin::Placed {
            position,
            message_id: Some(message.id),
        };
        assert_eq!(head.unwrap().stored.origin, origin);
    }
}

async fn a_large_order_and_an_order_without_position_come_back(place: &Place) {
    let blobs = place.ready().await;
    let mut large = Message::new("large", u64::from(u32::MAX)).order();
    large.body = format!(r#"{{"id":"large","pad":"{}"}}"#, "é\u{2028}".repeat(50_000)).into();
    let bare = Order {
        position: None,
        message_id: None,
        ..Message::new("bare", 1).order()
    };
    for order in [large, bare] {
        written(blobs.put_blob(&order, &Condition::Absent).await.unwrap());
        let stored = place
            .read(order.session.blob_name().as_str())
            .await
            .unwrap();
        assert_eq!(stored.bytes, order.body);
        let head = blobs.head_blob(&order.session).await.unwrap().unwrap();
        assert_eq!(head.stored.position(), order.position);
        let is_ours = head.stored.origin != Origin::Foreign;
        assert!(is_ours && head.stored.modified.is_some(), "{head:?}");
    }
}

async fn a_missing_blob_reads_as_none(place: &Place) {
    let session = Message::new("nobody", 1).order().session;
    assert_eq!(
        place.blobs().head_blob(&session).await,
        Ok(None),
        "no container"
    );
    assert_eq!(
        place.ready().await.head_blob(&session).await,
        Ok(None),
        "no blob"
    );
}

async fn a_foreign_blob_has_no_position_and_gives_way_if_it_is_older(place: &Place) {
    let blobs = place.ready().await;
    for (session, metadata) in [
        ("bare", &[][..]),
        ("words", &[("sequence", "many"), ("enqueued", "today")]),
        ("half", &[("sequence", "9999999")]),
        (
            "negative",
            &[("sequence", "-1"), ("enqueued", "2026-05-04T09:30:10Z")],
        ),
        (
            "nowhere",
            &[("sequence", "0"), ("enqueued", "0001-01-01T00:00:00Z")],
        ),
        ("other", &[("owner", "somebody")]),
    ] {
        let older = Message::new(session, 7);
        place.seed(&older.blob_name(), metadata).await;
        let head = blobs.head_blob(&older.order().session).await.unwrap();
        let stored = head.unwrap().stored;
        assert_eq!(stored.origin, Origin::Foreign, "{session}");
        let refused = place.store().put(&older.order()).await.unwrap_err();
        assert!(
            matches!(
                refused,
                StoreError::Contradictory(Doubt::NotOlder {
                    modified: Some(_),
                    ..
                })
            ),
            "{refused}"
        );
        assert_eq!(place.read(&older.blob_name()).await.unwrap().bytes, b"{}");
        // Accepted long after the file was saved, by the server's clock and by any other.
        let newer = Message::new(session, 400_000_000);
        assert_eq!(place.store().put(&newer.order()).await, Ok(Put::Stored));
        let stored = place.read(&newer.blob_name()).await.unwrap();
        assert_eq!(stored.bytes, newer.body, "{session}");
    }
}

/// Characters that mean something in a path, a URL, a header or a file system.
async fn every_session_has_a_blob_of_its_own(place: &Place) {
    let longest = ["x".repeat(128), "/".repeat(128), "€".repeat(42)];
    let mut sessions: Vec<String> = [
        "E7DBA502A3B795953DDE76EA965EBBF3",
        "a",
        "A",
        ".",
        "..",
        "...",
        "/",
        "//",
        "a/b",
        "a\\b",
        "../a",
        "..%2fa",
        "%2e%2e",
        "%2E%2E",
        "%",
        "%25",
        "%2525",
        "a%2Fb",
        "a%00",
        "a\0",
        "a b",
        "a+b",
        "a?b",
        "a#b",
        "a&b=c",
        "a;b",
        "a:b",
        "a.json",
        "$root",
        "~",
        "\n",
        "\r\n",
        "\u{7f}",
        "\u{85}",
        "é",
        "e\u{301}",
        "Ａ",
        "漢字",
        "🐈",
        "\u{202e}x",
        "\u{feff}",
        "ß",
        "İ",
    ]
    .map(str::to_owned)
    .into();
    sessions.extend(longest);
    let store = place.store();
    for (number, session) in (1..).zip(&sessions) {
        let order = Message::new(session, number).order();
        assert_eq!(store.put(&order).await, Ok(Put::Stored), "{session:?}");
    }
    let blobs = place.blobs();
    for (number, session) in (1..).zip(&sessions) {
        let message = Message::new(session, number);
        let head = blobs.head_blob(&message.order().session).await.unwrap();
        let position = head.unwrap().stored.position();
        assert_eq!(position, message.order().position, "{session:?}");
        let stored = place.read(&message.blob_name()).await.unwrap();
        assert_eq!(stored.bytes, message.body, "{session:?}");
    }
}
