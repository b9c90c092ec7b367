//! One contract for the store, held by the real Azurite and by the embedded endpoint alike.

use blob::{Azurite, AzuriteOptions, BlobEndpoint};
use petstore::cookie::ShopperKey;
use petstore::record::RECORD_MAX;
use petstore::store::azure::AzureCarts;
use petstore::store::{CartStore as _, Expected, RecordName, Version, WriteReply};
use stand_in::Fault;
use storage_account::StorageAccount;

fn store(connection: &str) -> AzureCarts {
    let account = StorageAccount::from_connection_string(connection).unwrap();
    let client = azure_app::http_client::build("test").unwrap();
    AzureCarts::new(&account, &client).unwrap()
}

fn name() -> RecordName {
    ShopperKey::fresh(0).name()
}

fn written(reply: WriteReply) -> Version {
    match reply {
        WriteReply::Written(version) => version,
        WriteReply::Refused => panic!("refused"),
    }
}

/// What is asked of every server.
async fn hold(store: &AzureCarts) {
    missing_container(store).await;
    conditions(store).await;
    racing_writers(store).await;
    marks(store).await;
    odd_records(store).await;
}

async fn missing_container(store: &AzureCarts) {
    assert!(!store.container_exists().await.unwrap());
    assert_eq!(store.read(&name()).await.unwrap(), None);
    assert_eq!(store.marks().await.unwrap(), []);
    let gone = Version::of_etag("0x8DC000000000000");
    assert!(!store.unmark(&name(), &gone).await.unwrap());
    written(
        store
            .write(&name(), b"{}".to_vec(), &Expected::Absent)
            .await
            .unwrap(),
    );
    assert!(store.container_exists().await.unwrap());
}

async fn conditions(store: &AzureCarts) {
    let name = name();
    let first = written(
        store
            .write(&name, b"1".to_vec(), &Expected::Absent)
            .await
            .unwrap(),
    );
    let again = store
        .write(&name, b"2".to_vec(), &Expected::Absent)
        .await
        .unwrap();
    assert_eq!(again, WriteReply::Refused);
    let read = store.read(&name).await.unwrap().unwrap();
    assert_eq!((&read.bytes[..], &read.version), (&b"1"[..], &first));
    let expected = Expected::Version(first.clone());
    let second = written(store.write(&name, b"1".to_vec(), &expected).await.unwrap());
    assert_ne!(first, second, "equal bytes are another state");
    let late = store.write(&name, b"3".to_vec(), &expected).await.unwrap();
    assert_eq!(late, WriteReply::Refused);
    let absent = store
        .write(&self::name(), b"1".to_vec(), &expected)
        .await
        .unwrap();
    assert_eq!(absent, WriteReply::Refused, "a record that is gone");
}

async fn racing_writers(store: &AzureCarts) {
    let name = name();
    let writes = (0..8_u8).map(|byte| async move {
        let reply = store
            .write(&name, vec![byte], &Expected::Absent)
            .await
            .unwrap();
        (byte, reply != WriteReply::Refused)
    });
    let replies = futures::future::join_all(writes).await;
    let won: Vec<u8> = replies
        .into_iter()
        .filter(|(_, won)| *won)
        .map(|(byte, _)| byte)
        .collect();
    assert_eq!(won.len(), 1);
    assert_eq!(store.read(&name).await.unwrap().unwrap().bytes, won);
}

async fn marks(store: &AzureCarts) {
    let names: Vec<RecordName> = (0..3).map(|_| name()).collect();
    let mut made = Vec::new();
    for name in &names {
        made.push((*name, store.mark(name).await.unwrap()));
    }
    made.sort_by_key(|(name, _)| *name);
    assert_eq!(
        store.marks().await.unwrap(),
        made,
        "records are not among them"
    );
    let (renewed, first) = made[0].clone();
    let second = store.mark(&renewed).await.unwrap();
    assert!(
        !store.unmark(&renewed, &first).await.unwrap(),
        "it was renewed"
    );
    assert!(store.unmark(&renewed, &second).await.unwrap());
    assert!(
        !store.unmark(&renewed, &second).await.unwrap(),
        "it is gone"
    );
    for (name, version) in &store.marks().await.unwrap() {
        assert!(
            store.unmark(name, version).await.unwrap(),
            "by the listed version"
        );
    }
    assert_eq!(store.marks().await.unwrap(), []);
}

async fn odd_records(store: &AzureCarts) {
    let empty = name();
    store
        .write(&empty, Vec::new(), &Expected::Absent)
        .await
        .unwrap();
    assert_eq!(store.read(&empty).await.unwrap().unwrap().bytes, b"");
    let large = name();
    let bytes = vec![b'x'; 1024 * 1024];
    store.write(&large, bytes, &Expected::Absent).await.unwrap();
    let read = store.read(&large).await.unwrap().unwrap();
    assert_eq!(
        read.bytes.len(),
        RECORD_MAX + 1,
        "no more than tells that it is too large"
    );
}

#[tokio::test]
async fn the_embedded_endpoint_holds_it() {
    let endpoint = BlobEndpoint::start(testkit::net::listener().await).unwrap();
    hold(&store(&endpoint.connection_string())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azurite_holds_it() {
    let options = AzuriteOptions {
        package: testkit::workspace().join("tests/azurite"),
        installed: testkit::target().join("azurite"),
        port: 0,
        data: None,
    };
    match Azurite::start(&options).await {
        Ok(azurite) => {
            hold(&store(&azurite.connection_string())).await;
            azurite.stop().await;
        }
        Err(problem) => testkit::skipped(
            "the real Azurite",
            &problem.to_string(),
            "Node.js 20 or later with npm; the tests do the rest",
        ),
    }
}

#[tokio::test]
async fn a_lost_answer_is_an_error_and_the_write_is_seen() {
    let endpoint = BlobEndpoint::start(testkit::net::listener().await).unwrap();
    let (store, name) = (store(&endpoint.connection_string()), name());
    endpoint.storage().create_container("carts").unwrap();
    for fault in [
        Fault::ApplyThenDropConnection,
        Fault::ApplyThenStatus(axum::http::StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        let before = store.read(&name).await.unwrap();
        let expected = before.map_or(Expected::Absent, |read| Expected::Version(read.version));
        endpoint.faults().set(fault);
        let lost = store.write(&name, b"1".to_vec(), &expected).await;
        endpoint.faults().set(Fault::None);
        assert!(lost.is_err(), "{lost:?}");
        assert_eq!(store.read(&name).await.unwrap().unwrap().bytes, b"1");
        let again = store.write(&name, b"2".to_vec(), &expected).await.unwrap();
        assert_eq!(
            again,
            WriteReply::Refused,
            "its condition does not hold any more"
        );
    }
}
