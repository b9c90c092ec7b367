//! The command line, the settings, and the end of the process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use petstore::config::{SETTINGS, Settings};
use testkit::fixture::Folder;

use crate::support::bus::Bus;
use crate::support::shop::{KEY, Shop, command};
use crate::support::shopper::Shopper;

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_it_in_order_and_the_cart_outlives_it() {
    let bus = Bus::open().await;
    let data = Folder::new();
    let shop = Shop::over(&data, &bus.connection_string());
    let mut shopper = Shopper::enter(&shop.url).await;
    shopper.does("add", 4).await;
    assert_eq!(shop.terminate(), Some(0));
    assert_eq!(bus.messages().len(), 1);
    let shop = Shop::over(&data, &bus.connection_string());
    shopper.shop.clone_from(&shop.url);
    assert!(shopper.look("/cart").await.text.contains("Plush Moose"));
}

/// What it logs when its input ends, after `word`.
fn attached(word: &[u8]) -> Vec<String> {
    let data = Folder::new();
    let settings = [
        ("PORT", "0"),
        (
            "ServiceBusConnection",
            "Endpoint=sb://localhost:1;SharedAccessKeyName=k;SharedAccessKey=k;UseDevelopmentEmulator=true",
        ),
        ("PETSTORE_DATA", data.to_str().unwrap()),
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

#[tokio::test]
async fn the_key_of_a_laptop_is_kept() {
    let bus = Bus::open().await;
    let data = Folder::new();
    let settings = [("PETSTORE_COOKIE_KEY", "")];
    let shop = Shop::over_with(&data, &bus.connection_string(), &settings);
    let mut shopper = Shopper::enter(&shop.url).await;
    shopper.does("add", 4).await;
    assert!(
        shop.log().contains("PETSTORE_COOKIE_KEY is not set"),
        "{}",
        shop.log()
    );
    shop.kill();
    let shop = Shop::over_with(&data, &bus.connection_string(), &settings);
    shopper.shop.clone_from(&shop.url);
    assert!(shopper.look("/cart").await.text.contains("Plush Moose"));
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
        "PETSTORE_COOKIE_KEY: missing",
    ] {
        assert!(text.contains(name), "{text}");
    }
    let mut bus = Bus::open().await;
    let connection = bus.connection_string();
    let settings = [("ServiceBusConnection", connection.as_str())];
    let found = tokio::task::block_in_place(|| run(&["--check"], &settings));
    assert_eq!(found.0, Some(0), "{}", found.1);
    assert!(bus.messages().is_empty());
    bus.shut().await;
    let (code, text) = run(&["--check"], &settings);
    assert_eq!(code, Some(69), "{text}");
}

#[test]
fn settings_are_read_like_the_functions() {
    let read = |given: &[(&str, &str)]| {
        Settings::read(&|name| {
            let found = given.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    };
    let bus = (
        "ServiceBusConnection__fullyQualifiedNamespace",
        "x.servicebus.windows.net",
    );
    let local = read(&[bus]).unwrap();
    assert_eq!((local.address.is_loopback(), local.port), (true, 8080));
    let azure = read(&[
        bus,
        ("WEBSITE_SITE_NAME", "shop"),
        ("PETSTORE_COOKIE_KEY", KEY),
    ])
    .unwrap();
    assert!(azure.address.is_unspecified());
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
    assert_eq!(read(&queues[..1]).unwrap().queue.name, "other");
    let short = read(&[bus, ("PETSTORE_COOKIE_KEY", key)])
        .unwrap_err()
        .to_string();
    assert!(
        short.contains("too short") && !short.contains(key),
        "{short}"
    );
    for (name, default) in SETTINGS {
        assert!(
            read(&[bus, (name, " ")]).is_ok() || default.is_none(),
            "{name}"
        );
    }
}
