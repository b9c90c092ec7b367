//! A letter as the real service writes it: the example of the documentation, and what may be odd.

use std::time::Duration;

use order_items_ops::letter::{Letter, LetterError};
use reqwest::header::{HeaderMap, HeaderName};

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let lines = lines.iter().map(|(name, value)| {
        let name = HeaderName::try_from(*name).unwrap();
        (name, value.parse().unwrap())
    });
    lines.collect()
}

const EXAMPLE: &[(&str, &str)] = &[
    ("Transfer-Encoding", "chunked"),
    (
        "Content-Type",
        "application/atom+xml;type=entry;charset=utf-8",
    ),
    (
        "Location",
        "https://your-namespace.servicebus.windows.net/httpclientsamplequeue/messages/2/7da9cfd5-40d5-4bb1-8d64-ec5a52e1c547",
    ),
    ("Server", "Microsoft-HTTPAPI/2.0"),
    (
        "BrokerProperties",
        r#"{"DeliveryCount":1,"EnqueuedSequenceNumber":0,"EnqueuedTimeUtc":"Wed, 02 Jul 2014 01:32:27 GMT","Label":"M1","LockToken":"7da9cfd5-40d5-4bb1-8d64-ec5a52e1c547","LockedUntilUtc":"Wed, 02 Jul 2014 01:33:27 GMT","MessageId":"31907572164743c38741631acd554d6f","SequenceNumber":2,"State":"Active","TimeToLive":10}"#,
    ),
    ("Priority", "\"High\""),
    ("Customer", "\"12345,ABC\""),
    ("Date", "Wed, 02 Jul 2014 01:32:27 GMT"),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("Content-Length", "18"),
];

#[test]
fn the_documented_example_is_read() {
    let (letter, lock) = Letter::read(&headers(EXAMPLE), "This is a message.".into()).unwrap();
    let position = letter.delivery.position().unwrap();
    assert_eq!(position.to_string(), "#2 of 2014-07-02T01:32:27Z");
    assert_eq!(letter.delivery.delivery_count, Some(1));
    assert_eq!(letter.doubtful_position(), None);
    let names: Vec<&String> = letter.custom.keys().collect();
    assert_eq!(names, ["customer", "priority"]);
    assert_eq!(letter.custom["customer"], "12345,ABC");
    assert_eq!(letter.broker["Label"], "M1");
    assert!(!letter.broker.contains_key("LockToken"));
    assert_eq!(
        lock.renewal,
        Duration::from_secs(30),
        "half of the minute that it lasts"
    );
    assert!(
        lock.location
            .unwrap()
            .path()
            .ends_with("/2/7da9cfd5-40d5-4bb1-8d64-ec5a52e1c547")
    );
}

#[test]
fn a_lock_is_renewed_by_the_brokers_clock_and_without_one_often_enough() {
    let renewal = |date: &str, end: &str| {
        let properties =
            format!(r#"{{"SequenceNumber":1,"LockToken":"t","LockedUntilUtc":"{end}"}}"#);
        let headers = headers(&[("Date", date), ("BrokerProperties", &properties)]);
        Letter::read(&headers, "".into()).unwrap().1.renewal
    };
    let now = "Mon, 04 May 2026 12:00:00 GMT";
    let seconds = Duration::from_secs;
    assert_eq!(renewal(now, "Mon, 04 May 2026 12:05:00 GMT"), seconds(30));
    assert_eq!(renewal(now, "Mon, 04 May 2026 12:00:10 GMT"), seconds(5));
    assert_eq!(
        renewal(now, "Mon, 04 May 2026 11:59:00 GMT"),
        seconds(30),
        "no sense"
    );
    assert_eq!(renewal(now, now), Duration::from_millis(200));
    assert_eq!(
        renewal("today", "Mon, 04 May 2026 12:00:10 GMT"),
        seconds(30)
    );
}

#[test]
fn a_trace_context_is_one_or_none() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let read = |correlation: &str, diagnostic: &str| {
        let properties =
            format!(r#"{{"SequenceNumber":1,"LockToken":"t","CorrelationId":"{correlation}"}}"#);
        let headers = headers(&[
            ("BrokerProperties", &properties),
            ("diagnostic-id", diagnostic),
        ]);
        let letter = Letter::read(&headers, "".into()).unwrap().0;
        letter.delivery.trace.map(|trace| trace.to_string())
    };
    assert_eq!(read(TRACE, "\"x\"").as_deref(), Some(TRACE));
    assert_eq!(
        read("order 7", &format!("\"{TRACE}\"")).as_deref(),
        Some(TRACE)
    );
    assert_eq!(
        read("order 7\\r\\nX: y", "\"x\""),
        None,
        "it would become a header"
    );
}

#[test]
fn what_can_be_neither_judged_nor_settled_is_an_error() {
    let read = |lines: &[(&str, &str)]| Letter::read(&headers(lines), "".into()).map(drop);
    assert!(matches!(read(&[]), Err(LetterError::NoProperties)));
    for properties in ["x", "[]", "{}", r#"{"SequenceNumber":"7","LockToken":"t"}"#] {
        let error = read(&[("BrokerProperties", properties)]);
        assert!(
            matches!(error, Err(LetterError::Properties(_))),
            "{properties}"
        );
    }
    let unlocked = read(&[("BrokerProperties", r#"{"SequenceNumber":7}"#)]);
    assert!(matches!(unlocked, Err(LetterError::NoLock)));
}
