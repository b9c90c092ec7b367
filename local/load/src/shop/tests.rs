//! What a report of shoppers counts.

use super::*;
use crate::evidence::{Blob, Mailed, Mark, Write};
use shopper::Confirmed;

const DUE: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn after(milliseconds: i64) -> OffsetDateTime {
    DUE + time::Duration::milliseconds(milliseconds)
}

fn write(name: &str, milliseconds: i64) -> Write {
    Write {
        name: name.to_owned(),
        etag: name.to_owned(),
        at: after(milliseconds),
        sha256: String::new(),
        mark: Mark {
            message_id: Some("m".to_owned()),
            ..Mark::default()
        },
    }
}

/// One shopper whose last change was confirmed after 80 ms and stored after 30, and whose clicks
/// before were slower than that.
fn shopped() -> (ShopperLog, ShopEvidence) {
    let mut log = ShopperLog {
        times: vec![900_000, 80_000],
        ..ShopperLog::default()
    };
    log.clicks.confirmed = 2;
    let last = Confirmed {
        due: DUE,
        at: after(80),
    };
    log.last.insert("A".to_owned(), last);
    let cart = Cart::default();
    let written = write("A.json", 30);
    let blob = Blob {
        etag: written.etag.clone(),
        sha256: String::new(),
        mark: written.mark.clone(),
    };
    let evidence = ShopEvidence {
        shown: BTreeMap::from([("A".to_owned(), cart.clone())]),
        blobs: BTreeMap::from([("A.json".to_owned(), (blob, Some(cart)))]),
        writes: vec![written],
        ..ShopEvidence::default()
    };
    (log, evidence)
}

#[test]
fn nothing_is_stored_before_it_is_accepted() {
    let (log, evidence) = shopped();
    let report = report(Ran::default(), &[log], &evidence);
    let (accepted, stored) = (report.to_accepted, report.to_stored);
    assert_eq!((accepted.count, stored.count), (1, 1));
    assert!(
        stored.p50 >= accepted.p50 && stored.max >= accepted.max,
        "{report}"
    );
    let clicks = report.clicks.expect("clicks").to_confirmed;
    assert_eq!(clicks.count, 2);
    assert!(clicks.max > 800.0, "every click counts there: {report}");
}

#[test]
fn mails_and_writes_of_others_and_of_before_are_not_counted() {
    let (log, mut evidence) = shopped();
    let mailed = |session: Option<&str>| Mailed {
        session: session.map(str::to_owned),
        ..Mailed::default()
    };
    evidence.mailed = vec![mailed(Some("A")), mailed(Some("BEFORE")), mailed(None)];
    evidence.writes.push(write("BEFORE.json", 40));
    let report = report(Ran::default(), &[log], &evidence);
    assert_eq!((report.mails, report.writes, report.foreign), (1, 1, 1));
}

#[test]
fn clicks_a_second_are_those_of_the_time_of_clicking() {
    let (log, evidence) = shopped();
    let ran = Ran {
        took: Duration::from_secs(1),
        settled: Duration::from_secs(100),
        ..Ran::default()
    };
    let report = report(ran, &[log], &evidence);
    assert!((report.throughput - 2.0).abs() < 1e-9, "{report}");
}
