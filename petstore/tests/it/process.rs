//! The command line, the settings, and the end of the process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use azure_app::settings::Mistakes;
use petstore::config::{SETTINGS, Settings};
use testkit::net::nobody;

use crate::support::bus::Bus;
use crate::support::shop::{Shop, command};
use crate::support::shopper::Shopper;
use crate::support::store::Store;

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_it_in_order_and_the_cart_outlives_it() {
    let bus = Bus::open().await;
    let store = Store::open();
    let shop = Shop::over(&store, &bus.connection_string());
    let mut shopper = Shopper::enter(&shop.url).await;
    shopper.does("add", 4).await;
    assert_eq!(shop.terminate(), Some(0));
    assert_eq!(bus.messages().len(), 1);
    let shop = Shop::over(&store, &bus.connection_string());
    shopper.shop.clone_from(&shop.url);
    assert!(shopper.look("/cart").await.text.contains("Plush Moose"));
}

/// What it logs when its input ends, after `word`.
fn attached(word: &[u8]) -> Vec<String> {
    let store = Store::open();
    let settings = [
        ("PORT", "0"),
        (
            "ServiceBusConnection",
            "Endpoint=sb://localhost:1;SharedAccessKeyName=k;SharedAccessKey=k;UseDevelopmentEmulator=true",
        ),
        ("PetStoreStorage", store.connection_string()),
    ];
    let mut command = command(&settings);
    let mut shop = command
        .arg("--attached")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(shop.stdout.take().unwrap());
    let mut log = log.lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains("listening")), "it serves");
    let mut input = shop.stdin.take().unwrap();
    input.write_all(word).unwrap();
    drop(input);
    let rest = log.collect();
    assert_eq!(shop.wait().unwrap().code(), Some(0));
    rest
}

#[test]
fn attached_it_ends_in_order_when_its_parent_asks_and_at_once_when_that_was_killed() {
    let has = |log: &[String], word: &str| log.iter().any(|line| line.contains(word));
    let asked = attached(b"end\n");
    assert!(has(&asked, "\"ended\""), "{asked:?}");
    // Whoever comes after a killed stack takes over only what the dead have left: no time to wait
    // for the bus.
    let alone = attached(b"");
    assert!(
        has(&alone, "the parent is gone") && !has(&alone, "\"ended\""),
        "{alone:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_answers() {
    let run = |arguments: &[&str], settings: &[(&str, &str)]| {
        let output = command(settings).args(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, text) = run(&["--version"], &[]);
    assert_eq!(
        (code, text.trim()),
        (Some(0), concat!("petstore ", env!("CARGO_PKG_VERSION")))
    );
    assert!(run(&["--help"], &[]).1.contains("usage: petstore"));
    assert_eq!(run(&["--no"], &[]).0, Some(64));
    let (code, text) = run(
        &["--check"],
        &[("PORT", "x"), ("WEBSITE_SITE_NAME", "shop")],
    );
    assert_eq!(code, Some(64));
    for name in [
        "PORT: ",
        "ServiceBusConnection: missing",
        "PetStoreStorage: missing",
    ] {
        assert!(text.contains(name), "{text}");
    }
    let mut bus = Bus::open().await;
    let connection = bus.connection_string();
    let store = Store::open();
    let settings = [
        ("ServiceBusConnection", connection.as_str()),
        ("PetStoreStorage", store.connection_string()),
    ];
    let found = tokio::task::block_in_place(|| run(&["--check"], &settings));
    assert_eq!(found.0, Some(0), "{}", found.1);
    assert!(
        found.1.contains("the first click creates it"),
        "{}",
        found.1
    );
    assert!(bus.messages().is_empty());
    let gone = nobody();
    let nobody = format!(
        "BlobEndpoint=http://{}/a;AccountName=a;AccountKey=a2V5",
        gone.address
    );
    let without = [settings[0], ("PetStoreStorage", nobody.as_str())];
    let (code, text) = tokio::task::block_in_place(|| run(&["--check"], &without));
    assert_eq!(code, Some(69), "{text}");
    assert!(
        text.contains("bus       ok") && text.contains("store     FAILED"),
        "{text}"
    );
    bus.shut().await;
    let (code, text) = run(&["--check"], &settings);
    assert_eq!(code, Some(69), "{text}");
}

fn read(given: &[(&str, &str)]) -> Result<Settings, Mistakes> {
    Settings::read(&|name| {
        let found = given.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

const BUS: (&str, &str) = (
    "ServiceBusConnection__fullyQualifiedNamespace",
    "x.servicebus.windows.net",
);

#[test]
fn the_store_is_named_like_the_functions() {
    let azure = read(&[
        BUS,
        ("WEBSITE_SITE_NAME", "shop"),
        (
            "PetStoreStorage__blobServiceUri",
            "https://carts.blob.core.windows.net",
        ),
        ("PetStoreStorage__credential", "managedidentity"),
        ("PetStoreStorage__clientId", "some-id"),
    ])
    .unwrap();
    assert!(azure.address.is_unspecified() && azure.in_azure);
    assert_eq!(
        azure.storage.shown(),
        "https://carts.blob.core.windows.net/"
    );
    for (value, why) in [
        ("AccountName=x", "PetStoreStorage: neither AccountKey"),
        (
            "\"UseDevelopmentStorage=true\"",
            "PetStoreStorage: in quotes",
        ),
        ("", "PetStoreStorage: missing"),
    ] {
        let mistakes = read(&[BUS, ("PetStoreStorage", value)]).unwrap_err();
        assert!(mistakes.to_string().contains(why), "{mistakes}");
    }
}

#[test]
fn settings_are_read_like_the_functions() {
    let storage = ("PetStoreStorage", "UseDevelopmentStorage=true");
    let local = read(&[BUS, storage]).unwrap();
    assert_eq!((local.address.is_loopback(), local.port), (true, 8080));
    let key = "s3cretKey0123456789";
    for connection in [
        format!("Endpoint=sb://x.example;SharedAccessKey={key}"),
        format!(
            "Endpoint=sb://x.example;SharedAccessKeyName=a;SharedAccessKey={key};UseDevelopmentEmulator=true"
        ),
        key.to_owned(),
    ] {
        let mistakes = read(&[("ServiceBusConnection", &connection)])
            .unwrap_err()
            .to_string();
        assert!(
            mistakes.contains("ServiceBusConnection: ") && !mistakes.contains(key),
            "{mistakes}"
        );
    }
    let elsewhere = format!(
        "Endpoint=sb://x.example;SharedAccessKeyName=a;SharedAccessKey={key};EntityPath=other"
    );
    let queues = [
        ("ServiceBusConnection", elsewhere.as_str()),
        ("ORDERS_QUEUE_NAME", "order-items"),
    ];
    let mistakes = read(&queues).unwrap_err().to_string();
    assert!(
        mistakes.contains("ORDERS_QUEUE_NAME: ") && !mistakes.contains(key),
        "{mistakes}"
    );
    let with_storage = [queues[0], storage];
    assert_eq!(read(&with_storage).unwrap().queue.name, "other");
    for (name, default) in SETTINGS {
        assert!(
            read(&[BUS, storage, (name, " ")]).is_ok() || default.is_none(),
            "{name}"
        );
    }
}
