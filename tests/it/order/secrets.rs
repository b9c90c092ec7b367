//! `Debug` is what ends up in a log one day: no body, no key, no signature in it.

use std::time::Duration;

use azure_app::http_client;
use azure_app::identity::Identity;
use azure_app::settings::Reader;
use order_items_reserver::config::Settings;
use order_items_reserver::fallback::logic_app::{Authorization, LogicApp};
use order_items_reserver::fallback::{Notice, Reason};
use order_items_reserver::order::Order;
use order_items_reserver::store::azure::AzureBlobs;
use storage_account::{Access, StorageAccount};

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
    let client = http_client::build("test").unwrap();
    for account in accounts() {
        let blobs = AzureBlobs::new(&account, "carts", &client, Duration::from_secs(1)).unwrap();
        let mut all = vec![
            account.shown(),
            format!("{account:?}"),
            format!("{blobs:?}"),
        ];
        if let Access::Key(key) = &account.access {
            all.push(format!("{key:?}"));
        }
        for shown in all {
            assert_hidden(&shown);
            assert!(shown.contains("orders"), "the account: {shown}");
        }
    }
}

fn fallback() -> String {
    format!("https://me:pa55word@logic.example/workflows/1?api-version=1&sig={SIGNATURE}")
}

#[test]
fn debug_of_the_settings_shows_no_secret() {
    for storage in [
        format!("AccountName=orders;AccountKey={KEY}"),
        format!("BlobEndpoint=https://orders.example;SharedAccessSignature=?sv=1&sig={SIGNATURE}"),
    ] {
        let settings = Settings::read(&|name| match name {
            "OrdersStorage" => Some(storage.clone()),
            "FALLBACK_URL" => Some(fallback()),
            _ => None,
        })
        .unwrap();
        assert_hidden(&format!("{settings:?} {settings:#?}"));
        let shown = format!("{:?}", settings.fallback_url);
        assert_eq!(shown, "https://logic.example/…");
        assert_eq!(settings.fallback_url.origin(), "https://logic.example");
    }
}

#[test]
fn debug_of_the_fallback_shows_no_secret() {
    let client = http_client::build("test").unwrap();
    let authorization = Authorization {
        credential: Identity::Developer.credential(&client).unwrap(),
        scope: "https://scope.example".to_owned(),
    };
    let shown = format!("{authorization:?}");
    assert!(shown.contains("scope.example"), "{shown}");
    let workflow = LogicApp {
        url: fallback().parse().unwrap(),
        client,
        authorization: Some(authorization),
    };
    let shown = format!("{workflow:?} {workflow:#?}");
    assert_hidden(&shown);
    assert!(shown.contains("logic.example"), "{shown}");
}

#[test]
fn debug_of_a_reader_shows_the_mistakes_and_no_setting() {
    let source = |_: &str| Some(format!("AccountKey={KEY}"));
    let mut reader = Reader::new(&[("OrdersStorage", Some(SIGNATURE))], &source);
    assert!(reader.wrong::<()>("OrdersStorage", "no account").is_none());
    let shown = format!("{reader:?} {reader:#?}");
    assert_hidden(&shown);
    assert!(shown.contains("no account"), "{shown}");
}
