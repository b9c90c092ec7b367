//! One contract for Blob Storage, held by the real Azurite and by the embedded endpoint alike: what
//! the write protocol needs of a server, and what it does on the wire.

use std::time::Duration;

use azure_app::http_client;
use order_items_reserver::retry::Retry;
use order_items_reserver::store::azure::AzureBlobs;
use order_items_reserver::store::blob::{ETag, PutReply};
use storage_account::StorageAccount;

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
                    testkit::within(stringify!($check), super::$check(&place)).await;
                }
            })*
        }
    };
}

mod access;
mod content;
mod place;
mod protocol;
mod requests;

/// As the product does it: four attempts of five rounds.
const RETRY: Retry = Retry {
    attempt_timeout: Duration::from_secs(60),
    backoff_base: Duration::from_millis(5),
};

fn blobs(connection_string: &str, container: &str) -> AzureBlobs {
    let account = StorageAccount::from_connection_string(connection_string).unwrap();
    let client = http_client::build("test").unwrap();
    AzureBlobs::new(&account, container, &client, Duration::from_secs(60)).unwrap()
}

fn written(reply: PutReply) -> ETag {
    match reply {
        PutReply::Written(Some(etag)) => etag,
        other => panic!("not written: {other:?}"),
    }
}

#[tokio::test]
async fn the_link_that_cargo_local_prints_opens_azurite() {
    let Some(azurite) = crate::support::Azurite::get() else {
        return;
    };
    let client = testkit::net::client();
    let list = format!("{}?comp=list", azurite.url);
    let without = client.get(&list).send().await.unwrap();
    assert_eq!(without.status(), 403, "which is why");
    let query = blob::Account::ORDERS.look_query();
    let with = client.get(format!("{list}&{query}")).send().await.unwrap();
    assert_eq!(with.status(), 200);
    let container = format!("{}/not-to-be?restype=container&{query}", azurite.url);
    let written = client.put(container).send().await.unwrap();
    assert_eq!(written.status(), 403, "to look, and no more");
}
