//! The pages in real Chromium: a whole visit with and without script, light and dark, on a phone
//! and a desktop, and what the accessibility auditor says. The pictures are in `target/pages`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::browser;
use testkit::browser::Browser;

use crate::support::bus::Bus;
use crate::support::shop::Shop;

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
