//! A Logic App that does not say yes, and what is handed to it.

use testkit::net::nobody;

use super::{
    ETAG, Message, Rig, Scripted, Step, accepting, answering, assert_answered, each, refusing,
};
use crate::support::Handler;
use crate::support::rig::{settings, storage_at};

#[tokio::test]
async fn only_a_2xx_of_the_fallback_completes_the_message() {
    let cut = vec![
        Step::ReadAll,
        Step::Send(b"HTTP/1.1 202".to_vec()),
        Step::Reset,
    ];
    let cases = vec![
        (
            "fallback answered 500",
            answering("500 Internal Server Error", ""),
        ),
        (
            "fallback answered 429",
            answering("429 Too Many Requests", ""),
        ),
        ("fallback answered 401", answering("401 Unauthorized", "")),
        ("fallback answered 404", answering("404 Not Found", "")),
        (
            "fallback gave no answer within 1000 ms",
            vec![Step::ReadAll, Step::Hang],
        ),
        ("fallback unreachable", vec![Step::ReadAll, Step::Reset]),
        ("fallback unreachable", cut),
    ];
    each(cases, async |(error, steps)| {
        let storage = Scripted::start([], refusing("503 Service Unavailable", "ServerBusy")).await;
        let fallback = Scripted::start([], steps.clone()).await;
        let limit: &[_] = match steps.last() {
            Some(Step::Hang) => &[("FALLBACK_TIMEOUT_MS", "1000")],
            _ => &[],
        };
        let rig = Rig::start(storage, fallback, limit).await;
        let message = Message::new("both-down", 7);
        let ended = rig.deliver(&message).await;
        assert_answered(&ended, 500, "abandoned", 4);
        let told = ended.line["error"].as_str().unwrap();
        assert!(told.starts_with(error), "{error}: {told}");
        assert_eq!(rig.storage.methods(), ["PUT"; 4], "{error}");
        rig.assert_handed_over_whole(&message, 4);
    })
    .await;
}

#[tokio::test]
async fn a_fallback_that_nobody_serves_gives_the_message_back() {
    let nobody = nobody();
    let storage = Scripted::start([], refusing("503 Service Unavailable", "ServerBusy")).await;
    let settings = settings(&storage_at(storage.address), nobody.address);
    let handler = Handler::start(&settings).await;
    let fallback = Scripted::start([], vec![]).await;
    let rig = Rig {
        storage,
        fallback,
        handler,
    };
    let ended = rig.deliver(&Message::new("both-down", 7)).await;
    assert_answered(&ended, 500, "abandoned", 4);
    assert_eq!(rig.storage.methods(), ["PUT"; 4]);
}

#[tokio::test]
async fn redirects_are_failures_and_are_never_followed() {
    let cases = vec![
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ];
    each(cases, async |status| {
        let elsewhere = Scripted::start([], answering("201 Created", ETAG)).await;
        let headers = format!("location: http://{}/\r\n", elsewhere.address);
        let storage = Scripted::start([], answering(status, &headers)).await;
        let fallback = Scripted::start([], answering(status, &headers)).await;
        let rig = Rig::start(storage, fallback, &[]).await;
        let message = Message::new("redirected", 7);
        assert_answered(&rig.deliver(&message).await, 500, "abandoned", 4);
        assert_eq!(rig.storage.methods(), ["PUT"; 4], "{status}");
        rig.assert_handed_over_whole(&message, 4);
        assert!(elsewhere.received().is_empty(), "{status}: nobody followed");
    })
    .await;
}

/// What nobody took is tried again, storage first, with the next delivery.
#[tokio::test]
async fn a_redelivery_tries_storage_and_fallback_again() {
    let storage = Scripted::start([], refusing("503 Service Unavailable", "ServerBusy")).await;
    let fallback = Scripted::start([answering("502 Bad Gateway", "")], accepting()).await;
    let rig = Rig::start(storage, fallback, &[]).await;
    let message = Message::new("again", 7);
    assert_eq!(rig.handler.deliver(&message).await.status, 500);
    assert_eq!(rig.handler.deliver(&message.again()).await.status, 200);
    assert_eq!(rig.storage.methods(), ["PUT"; 8]);
    let notices = rig.notices();
    assert_eq!(notices.len(), 2);
    assert_eq!(
        notices[0]["operationId"], notices[1]["operationId"],
        "one mail can be recognised"
    );
    assert_eq!(notices[1]["failure"]["deliveryCount"], 2);
}

#[tokio::test]
async fn an_unreadable_order_is_never_uploaded() {
    let storage = Scripted::start([], vec![Step::ReadAll, Step::Hang]).await;
    let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
    let mut message = Message::new("poison", 7);
    message.body = "{\"id\":".into();
    assert_answered(&rig.deliver(&message).await, 200, "handed over", 0);
    assert!(rig.storage.received().is_empty());
    assert_eq!(rig.notices()[0]["failure"]["kind"], "unreadable");
    rig.assert_body(b"{\"id\":");
}
