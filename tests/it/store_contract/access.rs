//! Keys and signatures. Azurite checks every Shared Key signature, so all that it accepts in the
//! other checks counts here too.

use azure_core::credentials::Secret;
use azure_core::hmac::hmac_sha256;
use blob::{ACCOUNT, ACCOUNT_KEY};
use order_items_reserver::store::blob::{BlobService as _, BlobStore, Condition};
use order_items_reserver::store::{OrderStore as _, Put, StoreError};
use storage_account::StorageError;
use testkit::scripted;
use testkit::scripted::Scripted;

use super::blobs;
use super::place::Place;
use crate::support::{Azurite, Message, rig};

contract! {
    a_wrong_key_is_refused_with_its_status
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
            Some(StoreError::Storage(StorageError::Refused { status: 403, code: Some(code), .. }))
                if code.starts_with("Auth")
        );
        assert!(refused, "{refusal:?}");
    }
    assert!(place.read("cart.json").await.is_none());
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
        matches!(
            refused,
            Err(StoreError::Storage(StorageError::Refused {
                status: 403,
                ..
            }))
        ),
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
    let seen = server.received().remove(0);
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
        String::from_utf8_lossy(&seen.bytes)
    );
}
