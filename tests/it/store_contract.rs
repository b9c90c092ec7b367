//! One contract for Blob Storage, held by the real Azurite and by the embedded endpoint alike: what
//! the write protocol needs of a server, and what it does on the wire.
//!
//! Azurite checks Shared Key signatures, so every accepted request is also a check of ours.
#![cfg(test)]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use azure_core::{credentials::Secret, hmac::hmac_sha256};
use devstack::{
    blob::{ACCOUNT, ACCOUNT_KEY, BlobEndpoint, Conditions, Upload},
    loopback::{Fault, StatusCode},
};
use order_items_reserver::{
    http_client,
    order::Order,
    retry::{Attempted, Retry},
    store::{
        OrderStore, Put, StoreError,
        azure::{AzureBlobs, StorageAccount},
        blob::{BlobService as _, BlobStore, Condition, ETag, PutReply},
    },
};
use tokio::task::JoinSet;

use crate::support::{Azurite, Message, Scripted, Step, listener, rig, scripted, within};

/// A container that does not exist yet, on a server under test.
struct Place {
    server: Server,
    container: String,
}

enum Server {
    Azurite(&'static Azurite),
    Embedded(BlobEndpoint),
}

/// A blob as anybody sees it.
#[derive(Debug)]
struct Read {
    bytes: Vec<u8>,
    content_type: String,
    metadata: BTreeMap<String, String>,
    etag: String,
}

impl Place {
    /// `None` where there is no Azurite. All checks share the one of the process.
    async fn azurite() -> Option<Self> {
        static CONTAINERS: AtomicU32 = AtomicU32::new(0);
        let number = CONTAINERS.fetch_add(1, Ordering::Relaxed);
        Some(Self {
            server: Server::Azurite(Azurite::get()?),
            container: format!("contract-{number}"),
        })
    }

    async fn embedded() -> Option<Self> {
        let endpoint = BlobEndpoint::start(listener().await).unwrap();
        Some(Self {
            server: Server::Embedded(endpoint),
            container: "orders".to_owned(),
        })
    }

    fn connection_string(&self) -> String {
        match &self.server {
            Server::Azurite(azurite) => azurite.connection_string(),
            Server::Embedded(endpoint) => endpoint.connection_string(),
        }
    }

    /// The adapter, with connections of its own.
    fn blobs(&self) -> AzureBlobs {
        blobs(&self.connection_string(), &self.container)
    }

    /// A process that remembers nothing yet.
    fn store(&self) -> BlobStore<AzureBlobs> {
        BlobStore::new(self.blobs())
    }

    /// The adapter on the container, which is created.
    async fn ready(&self) -> AzureBlobs {
        let blobs = self.blobs();
        blobs.create_container().await.unwrap();
        blobs
    }

    /// The blob's address for somebody who is no client of ours.
    fn address(&self, blob: &str) -> String {
        let container = &self.container;
        let name = blob.replace('%', "%25");
        match &self.server {
            Server::Azurite(azurite) => {
                format!("{}/{container}/{name}?{}", azurite.url, azurite.sas("rw"))
            }
            Server::Embedded(endpoint) => format!("{}/{container}/{name}", endpoint.url()),
        }
    }

    async fn read(&self, blob: &str) -> Option<Read> {
        let client = http_client::build().unwrap();
        let answer = client.get(self.address(blob)).send().await.unwrap();
        if answer.status() == 404 {
            return None;
        }
        assert_eq!(answer.status(), 200, "{blob}");
        let headers = answer.headers().clone();
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        let metadata = headers.keys().filter_map(|name| {
            let key = name.as_str().strip_prefix("x-ms-meta-")?;
            Some((key.to_owned(), text(name.as_str())))
        });
        Some(Read {
            content_type: text("content-type"),
            etag: text("etag"),
            metadata: metadata.collect(),
            bytes: answer.bytes().await.unwrap().to_vec(),
        })
    }

    /// Somebody else's blob.
    async fn seed(&self, blob: &str, metadata: &[(&str, &str)]) {
        match &self.server {
            Server::Embedded(endpoint) => {
                let metadata = metadata.iter();
                let upload = Upload {
                    bytes: "{}".into(),
                    metadata: metadata
                        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                        .collect(),
                    content_type: "text/plain".to_owned(),
                };
                let any = Conditions::default();
                endpoint
                    .storage()
                    .put(&self.container, blob, upload, &any)
                    .unwrap();
            }
            Server::Azurite(_) => {
                let client = http_client::build().unwrap();
                let mut put = client
                    .put(self.address(blob))
                    .header("x-ms-blob-type", "BlockBlob");
                for (key, value) in metadata {
                    put = put.header(format!("x-ms-meta-{key}"), *value);
                }
                assert_eq!(put.body("{}").send().await.unwrap().status(), 201);
            }
        }
    }
}

fn blobs(connection_string: &str, container: &str) -> AzureBlobs {
    let account = StorageAccount::from_connection_string(connection_string).unwrap();
    let client = http_client::build().unwrap();
    AzureBlobs::new(&account, container, &client, Duration::from_secs(60)).unwrap()
}

fn written(reply: PutReply) -> ETag {
    match reply {
        PutReply::Written(Some(etag)) => etag,
        other => panic!("not written: {other:?}"),
    }
}

/// Each check runs against both servers.
macro_rules! contract {
    ($($check:ident)*) => {
        contract! { azurite: $($check)* }
        contract! { embedded: $($check)* }
    };
    ($server:ident: $($check:ident)*) => {
        mod $server {
            $(#[tokio::test]
            async fn $check() {
                if let Some(place) = super::Place::$server().await {
                    super::within(stringify!($check), super::$check(&place)).await;
                }
            })*
        }
    };
}

contract! {
    a_fresh_account_needs_no_manual_step
    ten_first_orders_at_once_share_one_missing_container
    a_condition_that_does_not_hold_is_a_conflict_and_changes_nothing
    a_condition_that_holds_writes_and_names_the_version
    a_missing_container_is_no_conflict_and_can_be_created_twice
    an_order_comes_back_byte_for_byte_with_its_position
    a_large_order_and_an_order_without_position_come_back
    a_missing_blob_reads_as_none
    a_foreign_blob_has_no_position_and_gives_way
    an_older_order_is_superseded_and_the_same_one_is_stored
    a_wrong_key_is_refused_with_its_status
    every_session_has_a_blob_of_its_own
    racing_writers_leave_the_highest_number
    memory_that_is_out_of_date_costs_no_order
}

async fn a_fresh_account_needs_no_manual_step(place: &Place) {
    let blobs = place.blobs();
    assert_eq!(blobs.container_exists().await, Ok(false));
    let message = Message::new("first", 1);
    assert_eq!(place.store().put(&message.order()).await, Ok(Put::Stored));
    assert_eq!(blobs.container_exists().await, Ok(true));
    let stored = place.read("first.json").await.unwrap();
    assert_eq!(stored.bytes, message.body);
}

async fn ten_first_orders_at_once_share_one_missing_container(place: &Place) {
    let (shared, mut all) = (Arc::new(place.store()), JoinSet::new());
    for number in 0..10 {
        // Half of them in one process, half in one each.
        let store = match number % 2 {
            0 => Arc::clone(&shared),
            _ => Arc::new(place.store()),
        };
        let order = Message::new(&format!("session-{number}"), number).order();
        all.spawn(async move { store.put(&order).await });
    }
    assert_eq!(all.join_all().await, vec![Ok(Put::Stored); 10]);
    for number in 0..10 {
        let session = format!("session-{number}");
        let stored = place.read(&format!("{session}.json")).await.unwrap();
        assert_eq!(stored.bytes, Message::new(&session, number).body);
    }
}

async fn a_condition_that_does_not_hold_is_a_conflict_and_changes_nothing(place: &Place) {
    let blobs = place.ready().await;
    let [first, second, third] = [1, 2, 3].map(|number| Message::new("cart", number).order());
    let stale = written(blobs.put_blob(&first, &Condition::Absent).await.unwrap());
    let reply = blobs.put_blob(&third, &Condition::Absent).await;
    assert_eq!(reply, Ok(PutReply::Conflict), "If-None-Match: * on a blob");
    let aimed = Condition::Version(stale.clone());
    written(blobs.put_blob(&second, &aimed).await.unwrap());
    let reply = blobs.put_blob(&third, &aimed).await;
    assert_eq!(
        reply,
        Ok(PutReply::Conflict),
        "If-Match with a stale version"
    );
    let elsewhere = Message::new("no-cart", 3).order();
    let reply = blobs.put_blob(&elsewhere, &aimed).await;
    assert_eq!(reply, Ok(PutReply::Conflict), "If-Match without a blob");
    assert_eq!(place.read("cart.json").await.unwrap().bytes, second.body);
    assert!(place.read("no-cart.json").await.is_none());
}

async fn a_condition_that_holds_writes_and_names_the_version(place: &Place) {
    let blobs = place.ready().await;
    let order = |number| Message::new("cart", number).order();
    let mut condition = Condition::Absent;
    let mut versions = Vec::new();
    for number in 1..=3 {
        let etag = written(blobs.put_blob(&order(number), &condition).await.unwrap());
        let head = blobs
            .head_blob(&order(number).session)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            head.etag, etag,
            "the same name for a version in PUT and HEAD"
        );
        assert_eq!(head.etag.0, place.read("cart.json").await.unwrap().etag);
        assert_eq!(head.position, order(number).position);
        assert!(!versions.contains(&etag), "each write is a new version");
        condition = Condition::Version(etag.clone());
        versions.push(etag);
    }
}

async fn a_missing_container_is_no_conflict_and_can_be_created_twice(place: &Place) {
    let blobs = place.blobs();
    let order = Message::new("cart", 1).order();
    for condition in [
        Condition::Absent,
        Condition::Version(ETag("\"0x1\"".to_owned())),
    ] {
        let reply = blobs.put_blob(&order, &condition).await;
        assert_eq!(reply, Ok(PutReply::NoContainer), "{condition:?}");
    }
    assert_eq!(blobs.head_blob(&order.session).await, Ok(None));
    assert_eq!(blobs.create_container().await, Ok(()));
    assert_eq!(blobs.create_container().await, Ok(()));
    written(blobs.put_blob(&order, &Condition::Absent).await.unwrap());
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
        assert_eq!(head.unwrap().position, Some(position));
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
        assert_eq!(head.position, order.position);
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

async fn a_foreign_blob_has_no_position_and_gives_way(place: &Place) {
    let blobs = place.ready().await;
    for (session, metadata) in [
        ("bare", &[][..]),
        ("words", &[("sequence", "many"), ("enqueued", "today")]),
        ("half", &[("sequence", "9999999")]),
        (
            "negative",
            &[("sequence", "-1"), ("enqueued", "2026-05-04T09:30:10Z")],
        ),
        ("other", &[("owner", "somebody")]),
    ] {
        let message = Message::new(session, 7);
        place.seed(&message.blob_name(), metadata).await;
        let head = blobs.head_blob(&message.order().session).await.unwrap();
        assert_eq!(head.unwrap().position, None, "{session}");
        assert_eq!(place.store().put(&message.order()).await, Ok(Put::Stored));
        let stored = place.read(&message.blob_name()).await.unwrap();
        assert_eq!(stored.bytes, message.body, "{session}");
    }
}

async fn an_older_order_is_superseded_and_the_same_one_is_stored(place: &Place) {
    let orders = [7, 8, 9].map(|number| Message::new("cart", number).order());
    let [older, newer, newest] = &orders;
    assert_eq!(place.store().put(newer).await, Ok(Put::Stored));
    for store in [place.store(), place.store()] {
        assert_eq!(store.put(older).await, Ok(Put::Superseded));
        assert_eq!(store.put(newer).await, Ok(Put::Stored), "delivered again");
        assert_eq!(store.put(older).await, Ok(Put::Superseded), "with memory");
    }
    assert_eq!(place.read("cart.json").await.unwrap().bytes, newer.body);
    assert_eq!(place.store().put(newest).await, Ok(Put::Stored));
    assert_eq!(place.read("cart.json").await.unwrap().bytes, newest.body);
}

async fn a_wrong_key_is_refused_with_its_status(place: &Place) {
    place.ready().await;
    let wrong = place
        .connection_string()
        .replace(ACCOUNT_KEY, "d3Jvbmcga2V5");
    let blobs = blobs(&wrong, &place.container);
    let order = Message::new("cart", 1).order();
    let refusals = [
        blobs.put_blob(&order, &Condition::Absent).await.err(),
        blobs.create_container().await.err(),
    ];
    for refusal in refusals {
        let refused = matches!(
            &refusal,
            Some(StoreError::Refused { status: 403, code: Some(code), .. })
                if code.starts_with("Auth")
        );
        assert!(refused, "{refusal:?}");
    }
    assert!(place.read("cart.json").await.is_none());
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
        let position = head.unwrap().position;
        assert_eq!(position, message.order().position, "{session:?}");
        let stored = place.read(&message.blob_name()).await.unwrap();
        assert_eq!(stored.bytes, message.body, "{session:?}");
    }
}

/// As the product does it: four attempts of five rounds.
const RETRY: Retry = Retry {
    attempt_timeout: Duration::from_secs(60),
    backoff_base: Duration::from_millis(5),
};

async fn racing_writers_leave_the_highest_number(place: &Place) {
    let mut writers = JoinSet::new();
    for writer in 0..5 {
        let store = place.store();
        writers.spawn(async move {
            for round in 0..10 {
                let order = Message::new("cart", 1 + round * 5 + writer).order();
                // Contention may exhaust the attempts; then an order goes to a person.
                let highest = order.position.unwrap().sequence.0 == 50;
                let ended = RETRY.run(|| store.put(&order)).await;
                assert!(ended.is_ok() || !highest, "{ended:?}");
            }
        });
    }
    writers.join_all().await;
    let stored = place.read("cart.json").await.unwrap();
    assert_eq!(stored.metadata["sequence"], "50");
    assert_eq!(stored.bytes, Message::new("cart", 50).body);
    if let Server::Embedded(endpoint) = &place.server {
        let history = endpoint.history(&place.container, "cart.json");
        let numbers = history
            .iter()
            .map(|blob| blob.metadata["sequence"].parse::<u64>().unwrap());
        let numbers: Vec<u64> = numbers.collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "went back: {numbers:?}");
        assert!(numbers.len() > 1, "a race: {numbers:?}");
    }
}

/// Another process wrote in between: what this one remembers aims at a version long gone.
async fn memory_that_is_out_of_date_costs_no_order(place: &Place) {
    let (one, other) = (place.store(), place.store());
    let order = |number| Message::new("cart", number).order();
    assert_eq!(one.put(&order(1)).await, Ok(Put::Stored));
    assert_eq!(other.put(&order(3)).await, Ok(Put::Stored));
    assert_eq!(one.put(&order(2)).await, Ok(Put::Superseded));
    assert_eq!(other.put(&order(5)).await, Ok(Put::Stored));
    assert_eq!(one.put(&order(6)).await, Ok(Put::Stored));
    assert_eq!(other.put(&order(4)).await, Ok(Put::Superseded));
    assert_eq!(place.read("cart.json").await.unwrap().bytes, order(6).body);
}

/// A SAS instead of a key, as a connection string of the portal has it.
#[tokio::test]
async fn a_shared_access_signature_opens_the_account() {
    let Some(azurite) = Azurite::get() else {
        return;
    };
    let with = |permissions: &str, container: &str| {
        let sas = azurite.sas(permissions);
        blobs(
            &format!("BlobEndpoint={};SharedAccessSignature={sas}", azurite.url),
            container,
        )
    };
    let message = Message::new("cart", 1);
    let store = BlobStore::new(with("rwc", "opened-by-sas"));
    assert_eq!(store.put(&message.order()).await, Ok(Put::Stored));
    assert_eq!(
        store.put(&Message::new("cart", 0).order()).await,
        Ok(Put::Superseded)
    );
    let may_read = with("r", "opened-by-sas");
    assert_eq!(may_read.container_exists().await, Ok(true));
    let refused = may_read
        .put_blob(&message.order(), &Condition::Absent)
        .await;
    assert!(
        matches!(refused, Err(StoreError::Refused { status: 403, .. })),
        "{refused:?}"
    );
}

/// *Authorize with Shared Key*, worked out by hand for one request: not with our own code.
#[tokio::test]
async fn the_shared_key_signature_is_the_one_in_the_documentation() {
    let server = Scripted::start([], scripted::answering("201 Created", "")).await;
    let message = Message::new("100% päckchen", 8412);
    let blobs = blobs(&rig::storage_at(server.address), "orders");
    blobs
        .put_blob(&message.order(), &Condition::Absent)
        .await
        .unwrap();
    let seen = server.seen().remove(0);
    let sent = |name: &str| seen.header(name).unwrap();
    let expected = format!(
        "PUT\n\n\n{length}\n\napplication/octet-stream\n\n\n\n*\n\n\n\
         x-ms-blob-content-type:application/json\n\
         x-ms-blob-type:BlockBlob\n\
         x-ms-client-request-id:{id}\n\
         x-ms-date:{date}\n\
         x-ms-meta-enqueued:2026-05-04T11:50:22Z\n\
         x-ms-meta-messageid:message-8412\n\
         x-ms-meta-sequence:8412\n\
         x-ms-version:2023-11-03\n\
         /devstoreaccount1/devstoreaccount1/orders/100%2525%2520p%25C3%25A4ckchen.json\n\
         timeout:60",
        length = message.body.len(),
        id = sent("x-ms-client-request-id"),
        date = sent("x-ms-date"),
    );
    let signature = hmac_sha256(&expected, &Secret::new(ACCOUNT_KEY)).unwrap();
    let authorization = format!("SharedKey {ACCOUNT}:{signature}");
    assert_eq!(
        sent("authorization"),
        authorization,
        "{}",
        String::from_utf8_lossy(&seen.0)
    );
}

/// Method and status of every request so far.
fn wire(endpoint: &BlobEndpoint) -> Vec<(String, u16)> {
    let requests = endpoint.requests();
    let words = requests.iter().map(|request| {
        (
            request.method.to_string(),
            request.status.map_or(0, |status| status.as_u16()),
        )
    });
    words.collect()
}

fn expected(words: &[(&str, u16)]) -> Vec<(String, u16)> {
    words
        .iter()
        .map(|(method, status)| ((*method).to_owned(), *status))
        .collect()
}

#[tokio::test]
async fn each_way_of_an_order_takes_its_own_few_requests() {
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    let string = endpoint.connection_string();
    let store = BlobStore::new(blobs(&string, "orders"));
    let order = |number| Message::new("cart", number).order();
    let mut so_far = Vec::new();
    let mut took = |what: &str, words: &[(&str, u16)]| {
        so_far.extend(expected(words));
        assert_eq!(wire(&endpoint), so_far, "{what}");
    };
    store.put(&order(1)).await.unwrap();
    took(
        "the account's first order",
        &[("PUT", 404), ("PUT", 201), ("PUT", 201)],
    );
    store.put(&Message::new("other", 1).order()).await.unwrap();
    took("a session's first order", &[("PUT", 201)]);
    store.put(&order(2)).await.unwrap();
    took("a session that memory knows", &[("PUT", 201)]);
    store.put(&order(2)).await.unwrap();
    took("a redelivery", &[("PUT", 409), ("HEAD", 200)]);
    store.put(&order(1)).await.unwrap();
    took("a straggler", &[("PUT", 409), ("HEAD", 200)]);
    let restarted = BlobStore::new(blobs(&string, "orders"));
    restarted.put(&order(3)).await.unwrap();
    took(
        "after a restart",
        &[("PUT", 409), ("HEAD", 200), ("PUT", 201)],
    );
    store.put(&order(4)).await.unwrap();
    took(
        "memory out of date",
        &[("PUT", 412), ("HEAD", 200), ("PUT", 201)],
    );
    let unnumbered = Order {
        position: None,
        ..order(5)
    };
    store.put(&unnumbered).await.unwrap();
    took("an order without number", &[("HEAD", 200), ("PUT", 201)]);
    store.put(&order(6)).await.unwrap();
    took(
        "after one without number",
        &[("PUT", 409), ("HEAD", 200), ("PUT", 201)],
    );
}

#[tokio::test]
async fn a_dead_store_sees_exactly_four_puts() {
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    endpoint.storage().create_container("orders").unwrap();
    endpoint.set_fault(Fault::Status {
        status: StatusCode::SERVICE_UNAVAILABLE,
        error_code: "ServerBusy",
        retry_after: None,
    });
    let store = BlobStore::new(blobs(&endpoint.connection_string(), "orders"));
    let order = Message::new("cart", 1).order();
    let exhausted = RETRY.run(|| store.put(&order)).await.unwrap_err();
    assert_eq!(exhausted.attempts, 4);
    assert_eq!(wire(&endpoint), expected(&[("PUT", 503); 4]));
    assert!(endpoint.history("orders", "cart.json").is_empty());
}

/// The PUT took effect, but nobody said so: the next attempt reads its own number and is done.
#[tokio::test]
async fn a_lost_answer_is_found_out_by_the_next_attempt() {
    for fault in [
        Fault::ApplyThenDropConnection,
        Fault::ApplyThenStatus(StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        let endpoint = BlobEndpoint::start(listener().await).unwrap();
        endpoint.storage().create_container("orders").unwrap();
        endpoint.fail_next([fault]);
        let store = BlobStore::new(blobs(&endpoint.connection_string(), "orders"));
        let order = Message::new("cart", 1).order();
        let ended = RETRY.run(|| store.put(&order)).await.unwrap();
        assert_eq!(
            ended,
            Attempted {
                value: Put::Stored,
                attempts: 2
            }
        );
        assert_eq!(
            endpoint.history("orders", "cart.json").len(),
            1,
            "{fault:?}"
        );
    }
}

/// A write that the client gave up on lands after a newer order was stored, or tries to.
#[tokio::test]
async fn a_late_write_never_lands_on_a_newer_order() {
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    let address = endpoint.address();
    let [first, second, third] = [1, 2, 3].map(|number| Message::new("cart", number).order());
    for (name, before) in [("fresh", None), ("warm", Some(&first))] {
        let gate = crate::support::Gate::new();
        let direct = vec![Step::ReadAll, Step::Forward(address), Step::Relay];
        let late = vec![
            Step::ReadAll,
            Step::Hold(gate.clone()),
            Step::Forward(address),
            Step::Relay,
        ];
        let proxy = Scripted::start([], direct).await;
        let slow = BlobStore::new(blobs(&rig::storage_at(proxy.address), name));
        if let Some(before) = before {
            slow.put(before).await.unwrap();
        } else {
            endpoint.storage().create_container(name).unwrap();
        }
        proxy.next(late);
        let mut zombie = JoinSet::new();
        let order = second.clone();
        zombie.spawn(async move { slow.put(&order).await });
        gate.reached().await;
        let other = BlobStore::new(blobs(&endpoint.connection_string(), name));
        assert_eq!(other.put(&third).await, Ok(Put::Stored));
        gate.open();
        assert_eq!(
            zombie.join_next().await.unwrap().unwrap(),
            Ok(Put::Superseded),
            "{name}"
        );
        let stored = endpoint.blob(name, "cart.json").unwrap();
        assert_eq!(stored.bytes, third.body, "{name}");
    }
}
