//! The pages in real Chromium: a whole visit with and without script, light and dark, on a phone
//! and a desktop, and what the accessibility auditor says. The pictures are in `target/pages`.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use testkit::browser::Browser;
use testkit::{browser, until_async};

use crate::support::bus::Bus;
use crate::support::shop::Shop;
use crate::support::shopper::Shopper;
use crate::support::store::Store;

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pages");

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_works_with_and_without_script_and_for_everyone() {
    let Some(Browser { program, modules }) = browser::found(Path::new(HERE)) else {
        return;
    };
    let bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    let pictures = browser::target().join("pictures");
    fs::create_dir_all(&pictures).unwrap();
    let visit = Command::new("node")
        .arg(format!("{HERE}/visit.js"))
        .args([
            modules.as_os_str(),
            program.as_ref(),
            shop.url.as_ref(),
            pictures.as_os_str(),
        ])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let found = String::from_utf8_lossy(&visit.stdout);
    let error = String::from_utf8_lossy(&visit.stderr);
    assert!(
        visit.status.success() && found.is_empty(),
        "{found}\n{error}\n{}",
        shop.log()
    );
    let complete = bus
        .orders()
        .into_iter()
        .filter(|order| order["complete"] == true);
    assert_eq!(complete.count(), 5, "one a visit");
}

/// Empty, one item, pending, placed, and the store away: every page says how things are, looks as it
/// should in the pictures, and passes the auditor.
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_say_how_things_are_when_the_bus_or_the_store_is_away() {
    let Some(Browser { program, modules }) = browser::found(Path::new(HERE)) else {
        return;
    };
    let (mut bus, mut store) = (Bus::open().await, Store::open());
    let shop = Shop::over(&store, &bus.connection_string());
    let pictures = browser::target().join("pictures");
    fs::create_dir_all(&pictures).unwrap();
    let mut visit = Command::new("node")
        .arg(format!("{HERE}/states.js"))
        .args([
            modules.as_os_str(),
            program.as_ref(),
            shop.url.as_ref(),
            pictures.as_os_str(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = visit.stdin.take().unwrap();
    let (mut shut, mut wrong, mut done) = (None, Vec::new(), Vec::new());
    for line in BufReader::new(visit.stdout.take().unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let Some(wish) = line["do"].as_str() else {
            wrong.push(line);
            continue;
        };
        match wish {
            "bus down" => bus.shut().await,
            "bus up" => {
                bus.reopen().await;
                let mut anyone = Shopper::enter(&shop.url).await;
                until_async("sent", async || anyone.pending().await == 0).await;
            }
            "store down" => shut = Some(store.shut().await),
            "store up" => store.reopen(shut.take().unwrap()).await,
            other => panic!("{other}"),
        }
        done.push(wish.to_owned());
        answers.write_all(b"done\n").unwrap();
    }
    assert!(
        visit.wait().unwrap().success() && wrong.is_empty(),
        "{wrong:#?}"
    );
    assert_eq!(done, ["bus down", "bus up", "store down", "store up"]);
}
