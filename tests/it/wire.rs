//! Faults on real sockets, against the real binary: each ends as documented, after exactly the
//! documented number of requests, and whatever could not be stored is handed over whole.
#![cfg(test)]

use tokio::task::JoinSet;

use crate::support::{
    Ended, Message, Rig, Scripted, Step, nobody,
    rig::{accepting, settings, storage_at},
    scripted::{answer, answering, refusing},
};

/// What storage does with every request, and the reason in the notice.
struct Fault {
    name: &'static str,
    reason: &'static str,
    steps: Vec<Step>,
}

fn fault(name: &'static str, reason: &'static str, steps: Vec<Step>) -> Fault {
    Fault {
        name,
        reason,
        steps,
    }
}

fn created(headers: &str) -> Vec<u8> {
    answer("201 Created", headers, "")
}

const ETAG: &str = "etag: \"0x8DC\"\r\n";

/// The headers of a HEAD whose blob holds the order of `message`.
fn holding(message: &Message) -> Vec<Step> {
    let position = message.order().position.unwrap();
    let headers = format!(
        "{ETAG}x-ms-meta-sequence: {}\r\nx-ms-meta-enqueued: {}\r\n",
        position.sequence, position.enqueued
    );
    answering("200 OK", &headers)
}

/// Runs one case after another's start, all at once; each has a process of its own.
async fn each<C: Send + 'static, F>(cases: Vec<C>, run: impl Fn(C) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    for case in cases {
        running.spawn(run(case));
    }
    while let Some(ended) = running.join_next().await {
        if let Err(error) = ended {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

fn assert_answered(ended: &Ended, status: u16, outcome: &str, attempts: u32) {
    assert_eq!(ended.answer.status, status, "{ended:?}");
    let body: serde_json::Value = serde_json::from_str(&ended.answer.body).unwrap();
    assert!(body.is_object(), "every answer carries a JSON object");
    assert_eq!(ended.line["outcome"], outcome, "{ended:?}");
    assert_eq!(ended.line["attempts"], attempts, "{ended:?}");
}

/// Four attempts, one PUT each and not one request more; then one notice, and success.
async fn assert_handed_over(fault: Fault, changed: Vec<(&'static str, &'static str)>) {
    let storage = Scripted::start([], fault.steps).await;
    let rig = Rig::start(storage, Scripted::start([], accepting()).await, &changed).await;
    let message = Message::new(fault.name, 7);
    let ended = rig.deliver(&message).await;
    assert_answered(&ended, 200, "handed over", 4);
    rig.assert_handed_over_whole(&message, 4);
    let reason = rig.notices()[0]["failure"]["reason"].to_string();
    assert!(reason.contains(fault.reason), "{}: {reason}", fault.name);
    let methods = rig.storage.methods();
    assert_eq!(methods.len(), 4, "{}: {methods:?}", fault.name);
    // As much of it as was read: none of it, in some cases.
    let puts = methods.iter().all(|method| "PUT".starts_with(method));
    assert!(puts, "{}: {methods:?}", fault.name);
}

#[tokio::test]
async fn every_refusal_of_a_dead_store_takes_exactly_four_puts_and_one_notice() {
    let mut cases: Vec<Fault> = [
        (
            "400 Bad Request",
            "InvalidHeaderValue",
            "400 InvalidHeaderValue",
        ),
        (
            "401 Unauthorized",
            "NoAuthenticationInformation",
            "401 NoAuth",
        ),
        (
            "403 Forbidden",
            "AuthorizationFailure",
            "403 AuthorizationFailure",
        ),
        ("404 Not Found", "ResourceNotFound", "404 ResourceNotFound"),
        (
            "408 Request Timeout",
            "RequestTimeout",
            "408 RequestTimeout",
        ),
        (
            "409 Conflict",
            "ContainerBeingDeleted",
            "409 ContainerBeingDeleted",
        ),
        (
            "412 Precondition Failed",
            "LeaseIdMissing",
            "412 LeaseIdMissing",
        ),
        (
            "429 Too Many Requests",
            "TooManyRequests",
            "429 TooManyRequests",
        ),
        (
            "500 Internal Server Error",
            "InternalError",
            "500 InternalError",
        ),
        ("502 Bad Gateway", "Any", "502 Any"),
        ("503 Service Unavailable", "ServerBusy", "503 ServerBusy"),
        (
            "504 Gateway Timeout",
            "OperationTimedOut",
            "504 OperationTimedOut",
        ),
    ]
    .into_iter()
    .map(|(status, code, reason)| fault(code, reason, refusing(status, code)))
    .collect();
    cases.push(fault("200-for-201", "200", answering("200 OK", ETAG)));
    cases.push(fault("202-for-201", "202", answering("202 Accepted", ETAG)));
    cases.push(fault(
        "204-for-201",
        "204",
        answering("204 No Content", ETAG),
    ));
    each(cases, |case| assert_handed_over(case, Vec::new())).await;
}

#[tokio::test]
async fn a_broken_connection_is_a_failed_attempt_and_sent_only_once() {
    let ok = created(ETAG);
    let half_head = ok[..ok.len() / 2].to_vec();
    let half_body = answer("503 Service Unavailable", "", "not even half of it")[..60].to_vec();
    let cut = |bytes: Vec<u8>, end| vec![Step::ReadAll, Step::Send(bytes), end];
    let cases = vec![
        fault("reset-unread", "unreachable", vec![Step::Reset]),
        fault(
            "reset-at-byte-1",
            "unreachable",
            vec![Step::Read(1), Step::Reset],
        ),
        fault(
            "reset-in-body",
            "unreachable",
            vec![Step::Read(900), Step::Reset],
        ),
        fault(
            "reset-unanswered",
            "unreachable",
            vec![Step::ReadAll, Step::Reset],
        ),
        fault(
            "closed-unanswered",
            "unreachable",
            vec![Step::ReadAll, Step::Close],
        ),
        fault(
            "reset-in-status",
            "unreachable",
            cut(b"HTTP/1.1 20".to_vec(), Step::Reset),
        ),
        fault(
            "half-head",
            "unreachable",
            cut(half_head.clone(), Step::Close),
        ),
        fault(
            "half-head-reset",
            "unreachable",
            cut(half_head, Step::Reset),
        ),
        fault("half-body", "", cut(half_body, Step::Close)),
        fault("garbage", "unreachable", cut(vec![0xff; 64], Step::Close)),
        fault(
            "not-http",
            "unreachable",
            cut(b"220 smtp ready\r\n\r\n".to_vec(), Step::Close),
        ),
        fault(
            "empty-lines",
            "unreachable",
            cut(b"\r\n\r\n\r\n".to_vec(), Step::Close),
        ),
        fault(
            "bad-length",
            "unreachable",
            cut(
                b"HTTP/1.1 201 Created\r\ncontent-length: -1\r\n\r\n".to_vec(),
                Step::Close,
            ),
        ),
    ];
    each(cases, |case| assert_handed_over(case, Vec::new())).await;
}

#[tokio::test]
async fn a_store_that_hangs_costs_four_attempts_of_their_time_limit() {
    let half = b"HTTP/1.1 201 Created\r\netag: ".to_vec();
    let body = answer("503 Service Unavailable", "", "a body that never ends")[..60].to_vec();
    let cases = vec![
        fault("unread", "no answer within 250 ms", vec![Step::Hang]),
        fault(
            "unanswered",
            "no answer within 250 ms",
            vec![Step::ReadAll, Step::Hang],
        ),
        fault(
            "half-head",
            "no answer within 250 ms",
            vec![Step::ReadAll, Step::Send(half), Step::Hang],
        ),
        fault(
            "half-body",
            "no answer within 250 ms",
            vec![Step::ReadAll, Step::Send(body), Step::Hang],
        ),
    ];
    let short = || vec![("UPLOAD_ATTEMPT_TIMEOUT_MS", "250")];
    each(cases, |case| assert_handed_over(case, short())).await;
}

#[tokio::test]
async fn a_refused_connection_is_tried_four_times_and_handed_over() {
    let nobody = nobody();
    let fallback = Scripted::start([], accepting()).await;
    let settings = settings(&storage_at(nobody.address), fallback.address);
    let rig = Rig {
        storage: Scripted::start([], vec![]).await,
        fallback,
        handler: crate::support::Handler::start(&settings).await,
    };
    let message = Message::new("refused", 7);
    assert_answered(&rig.deliver(&message).await, 200, "handed over", 4);
    rig.assert_handed_over_whole(&message, 4);
    let reason = rig.notices()[0]["failure"]["reason"].to_string();
    assert!(reason.contains("refused"), "{reason}");
}

#[tokio::test]
async fn retry_after_never_changes_the_number_of_attempts() {
    let cases = [
        "1",
        "0",
        "-1",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "99999999999999999999",
        "soon",
    ];
    each(cases.to_vec(), async |header| {
        let headers = format!("x-ms-error-code: ServerBusy\r\nretry-after: {header}\r\n");
        let first = answering("503 Service Unavailable", &headers);
        let second = answering("429 Too Many Requests", &headers);
        let then = refusing("503 Service Unavailable", "ServerBusy");
        let storage = Scripted::start([first, second], then).await;
        let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
        let message = Message::new("busy", 7);
        assert_answered(&rig.deliver(&message).await, 200, "handed over", 4);
        rig.assert_handed_over_whole(&message, 4);
        assert_eq!(rig.storage.methods(), ["PUT"; 4], "{header}");
    })
    .await;
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
        assert!(elsewhere.seen().is_empty(), "{status}: nobody followed");
    })
    .await;
}

#[tokio::test]
async fn an_answer_without_etag_still_stores_and_the_next_order_of_the_session_too() {
    let (older, newer) = (Message::new("cart", 7), Message::new("cart", 8));
    let script = [
        vec![Step::ReadAll, Step::Send(created(""))],
        refusing("409 Conflict", "BlobAlreadyExists"),
        holding(&older),
        vec![Step::ReadAll, Step::Send(created(ETAG))],
    ];
    let storage = Scripted::start(script, vec![Step::ReadAll, Step::Hang]).await;
    let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
    assert_answered(&rig.deliver(&older).await, 200, "stored", 1);
    assert_answered(&rig.deliver(&newer).await, 200, "stored", 1);
    let seen = rig.storage.seen();
    assert_eq!(rig.storage.methods(), ["PUT", "PUT", "HEAD", "PUT"]);
    assert_eq!(seen[1].header("if-none-match").as_deref(), Some("*"));
    assert_eq!(seen[3].header("if-match").as_deref(), Some("\"0x8DC\""));
    assert_eq!(seen[3].body(), newer.body);
    assert!(rig.fallback.seen().is_empty());
}

#[tokio::test]
async fn an_interim_answer_is_not_the_answer() {
    let interim = [b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), created(ETAG)].concat();
    let storage = Scripted::start([], vec![Step::ReadAll, Step::Send(interim)]).await;
    let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
    let message = Message::new("interim", 7);
    assert_answered(&rig.deliver(&message).await, 200, "stored", 1);
    assert_eq!(rig.storage.methods(), ["PUT"]);
    assert_eq!(rig.storage.seen()[0].body(), message.body);
}

#[tokio::test]
async fn a_pooled_connection_that_breaks_costs_one_attempt_and_no_second_request() {
    let broken = [
        vec![Step::Reset],
        vec![Step::Read(1), Step::Reset],
        vec![Step::ReadAll, Step::Close],
        vec![Step::ReadAll, Step::Reset],
    ];
    each(broken.to_vec(), async |steps| {
        let case = format!("{steps:?}");
        let ok = vec![Step::ReadAll, Step::Send(created(ETAG))];
        let storage = Scripted::start([ok.clone(), steps], ok).await;
        let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
        assert_answered(
            &rig.deliver(&Message::new("one", 7)).await,
            200,
            "stored",
            1,
        );
        let ended = rig.deliver(&Message::new("two", 8)).await;
        assert_answered(&ended, 200, "stored", 2);
        assert_eq!(
            rig.storage.seen().len(),
            3,
            "one request per attempt: {case}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_store_that_recovers_is_believed_at_any_attempt() {
    each(vec![1, 2, 3], async |failures| {
        let down = refusing("503 Service Unavailable", "ServerBusy");
        let ok = vec![Step::ReadAll, Step::Send(created(ETAG))];
        let storage = Scripted::start(vec![down; failures], ok).await;
        let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
        let attempts = u32::try_from(failures).unwrap() + 1;
        let ended = rig.deliver(&Message::new("recovers", 7)).await;
        assert_answered(&ended, 200, "stored", attempts);
        assert_eq!(rig.storage.seen().len(), failures + 1);
        assert!(rig.fallback.seen().is_empty());
    })
    .await;
}

/// A lost answer: the PUT was applied, the next attempt finds its own order stored.
#[tokio::test]
async fn an_order_whose_answer_was_lost_counts_as_stored_once_it_is_read_back() {
    let message = Message::new("lost", 7);
    let script = [
        vec![Step::ReadAll, Step::Reset],
        refusing("409 Conflict", "BlobAlreadyExists"),
        holding(&message),
    ];
    let storage = Scripted::start(script, vec![Step::ReadAll, Step::Hang]).await;
    let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
    assert_answered(&rig.deliver(&message).await, 200, "stored", 2);
    assert_eq!(rig.storage.methods(), ["PUT", "PUT", "HEAD"]);
}

/// A yes that breaks off is no clear yes: the next attempt reads what became of it.
#[tokio::test]
async fn a_yes_that_breaks_off_is_checked_by_the_next_attempt() {
    let message = Message::new("broken-yes", 7);
    let half = b"HTTP/1.1 201 Created\r\netag: \"1\"\r\ncontent-length: 10\r\n\r\nhal".to_vec();
    let script = [
        vec![Step::ReadAll, Step::Send(half), Step::Close],
        refusing("409 Conflict", "BlobAlreadyExists"),
        holding(&message),
    ];
    let storage = Scripted::start(script, vec![Step::ReadAll, Step::Hang]).await;
    let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
    assert_answered(&rig.deliver(&message).await, 200, "stored", 2);
    assert_eq!(rig.storage.methods(), ["PUT", "PUT", "HEAD"]);
}

#[tokio::test]
async fn a_container_that_may_not_be_created_is_named_as_the_reason() {
    let (missing, denied) = (
        refusing("404 Not Found", "ContainerNotFound"),
        refusing("403 Forbidden", "AuthorizationPermissionMismatch"),
    );
    let script: Vec<_> = (0..4)
        .flat_map(|_| [missing.clone(), denied.clone()])
        .collect();
    let storage = Scripted::start(script, vec![Step::ReadAll, Step::Hang]).await;
    let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
    let message = Message::new("homeless", 7);
    assert_answered(&rig.deliver(&message).await, 200, "handed over", 4);
    rig.assert_handed_over_whole(&message, 4);
    let reason = rig.notices()[0]["failure"]["reason"].to_string();
    let named = reason.contains("container") && reason.contains("403");
    assert!(named, "{reason}");
    let creations = rig.storage.seen();
    let creations = creations
        .iter()
        .filter(|seen| seen.target().contains("restype=container"));
    assert_eq!(creations.count(), 4);
    assert_eq!(rig.storage.seen().len(), 8);
}

/// Every condition fails, whatever is read in between: five rounds make an attempt, no more.
#[tokio::test]
async fn a_storm_of_conflicts_ends_after_five_rounds_of_each_attempt() {
    let older = Message::new("storm", 6);
    let absent = refusing("404 Not Found", "BlobNotFound");
    let cases = vec![
        ("409 Conflict", "BlobAlreadyExists", absent),
        (
            "412 Precondition Failed",
            "ConditionNotMet",
            holding(&older),
        ),
    ];
    each(cases, async |(status, code, head)| {
        let script = (0..20).flat_map(|_| [refusing(status, code), head.clone()]);
        let storage = Scripted::start(script, vec![Step::ReadAll, Step::Hang]).await;
        let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
        let message = Message::new("storm", 7);
        assert_answered(&rig.deliver(&message).await, 200, "handed over", 4);
        rig.assert_handed_over_whole(&message, 4);
        assert_eq!(rig.storage.methods(), ["PUT", "HEAD"].repeat(20), "{code}");
    })
    .await;
}

#[tokio::test]
async fn a_conflict_that_cannot_be_read_settles_nothing() {
    let unreadable = vec![
        answering("200 OK", ""),
        refusing("403 Forbidden", "AuthorizationFailure"),
        refusing("500 Internal Server Error", "InternalError"),
        vec![Step::ReadAll, Step::Reset],
        vec![
            Step::ReadAll,
            Step::Send(b"HTTP/1.1 200 OK\r\netag".to_vec()),
            Step::Close,
        ],
    ];
    each(unreadable, async |head| {
        let case = format!("{head:?}");
        let conflict = refusing("409 Conflict", "BlobAlreadyExists");
        let script = (0..4).flat_map(|_| [conflict.clone(), head.clone()]);
        let storage = Scripted::start(script, vec![Step::ReadAll, Step::Hang]).await;
        let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
        let message = Message::new("unreadable", 7);
        assert_answered(&rig.deliver(&message).await, 200, "handed over", 4);
        rig.assert_handed_over_whole(&message, 4);
        assert_eq!(rig.storage.methods(), ["PUT", "HEAD"].repeat(4), "{case}");
    })
    .await;
}

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
            "fallback gave no answer within 400 ms",
            vec![Step::ReadAll, Step::Hang],
        ),
        ("fallback unreachable", vec![Step::ReadAll, Step::Reset]),
        ("fallback unreachable", cut),
    ];
    each(cases, async |(error, steps)| {
        let storage = Scripted::start([], refusing("503 Service Unavailable", "ServerBusy")).await;
        let fallback = Scripted::start([], steps.clone()).await;
        let limit: &[_] = match steps.last() {
            Some(Step::Hang) => &[("FALLBACK_TIMEOUT_MS", "400")],
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
    let handler = crate::support::Handler::start(&settings).await;
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
    assert!(rig.storage.seen().is_empty());
    assert_eq!(rig.notices()[0]["rawBody"]["data"], "{\"id\":");
}
