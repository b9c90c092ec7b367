//! `Debug` is what ends up in a log one day: no body, no key, no signature in it.

use std::time::Duration;

use order_items_reserver::{
    config::Settings,
    fallback::{Notice, Reason, logic_app::LogicApp},
    http_client,
    identity::Identity,
    order::Order,
    store::azure::{AzureBlobs, StorageAccount},
};

use super::{ADDRESS, error, of_session};

const KEY: &str = "c2VjcmV0LWtleS1vZi1hbi1hY2NvdW50";
const SIGNATURE: &str = "s3cr3tSignature";

fn assert_hidden(shown: &str) {
    for secret in [KEY, SIGNATURE, ADDRESS, "pa55word"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn debug_shows_no_body() {
    let delivery = of_session("S", format!(r#"{{"id":"S","email":"{ADDRESS}"}}"#));
    let order = Order::parse(&delivery).unwrap();
    let reason = Reason::Unreadable(error(ADDRESS));
    let notice = Notice {
        delivery: &delivery,
        order: Some(&order),
        reason: &reason,
    };
    for shown in [
        format!("{delivery:?}"),
        format!("{order:?}"),
        format!("{notice:?}"),
        format!("{notice:#?}"),
    ] {
        assert_hidden(&shown);
        assert!(shown.contains("body_bytes"), "the type under test: {shown}");
    }
}

fn accounts() -> Vec<StorageAccount> {
    [
        format!("AccountName=orders;AccountKey={KEY}"),
        format!("BlobEndpoint=https://orders.example;SharedAccessSignature=sv=1&sig={SIGNATURE}"),
        format!("BlobEndpoint=https://orders.example/?sig={SIGNATURE};SharedAccessSignature=sig={SIGNATURE}"),
        format!("BlobEndpoint=https://me:pa55word@orders.example;AccountName=orders;AccountKey={KEY}"),
    ]
    .iter()
    .map(|text| StorageAccount::from_connection_string(text).unwrap())
    .chain([StorageAccount::with_identity(&format!("https://orders.example/?sig={SIGNATURE}"), Identity::Developer).unwrap()])
    .collect()
}

#[test]
fn debug_of_an_account_shows_no_secret() {
    let client = http_client::build().unwrap();
    for account in accounts() {
        assert_hidden(&format!(
            "{account:?} {:?} {}",
            account.access,
            account.shown()
        ));
        let blobs = AzureBlobs::new(&account, "orders", &client, Duration::from_secs(1)).unwrap();
        assert_hidden(&format!("{blobs:?}"));
    }
}

#[test]
fn debug_of_the_settings_shows_no_secret() {
    let fallback =
        format!("https://me:pa55word@logic.example/workflows/1?api-version=1&sig={SIGNATURE}");
    for storage in [
        format!("AccountName=orders;AccountKey={KEY}"),
        format!("BlobEndpoint=https://orders.example;SharedAccessSignature=?sv=1&sig={SIGNATURE}"),
    ] {
        let settings = Settings::read(&|name| match name {
            "OrdersStorage" => Some(storage.clone()),
            "FALLBACK_URL" => Some(fallback.clone()),
            _ => None,
        })
        .unwrap();
        assert_hidden(&format!(
            "{settings:?} {settings:#?} {}",
            settings.fallback_url.origin()
        ));
        let workflow = LogicApp {
            url: settings.fallback_url.0.clone(),
            client: http_client::build().unwrap(),
            authorization: None,
        };
        assert_hidden(&format!("{workflow:?}"));
    }
}
