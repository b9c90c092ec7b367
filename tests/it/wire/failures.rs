//! Storage that never says yes.

use testkit::net::nobody;

use super::{
    ETAG, Fault, Message, Rig, Scripted, Step, accepting, answer, answering, assert_answered,
    assert_handed_over, created, each, fault, refusing,
};
use crate::support::Handler;
use crate::support::rig::{settings, storage_at};

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
        fault("unread", "no answer within 1000 ms", vec![Step::Hang]),
        fault(
            "unanswered",
            "no answer within 1000 ms",
            vec![Step::ReadAll, Step::Hang],
        ),
        fault(
            "half-head",
            "no answer within 1000 ms",
            vec![Step::ReadAll, Step::Send(half), Step::Hang],
        ),
        fault(
            "half-body",
            "no answer within 1000 ms",
            vec![Step::ReadAll, Step::Send(body), Step::Hang],
        ),
    ];
    let short = || vec![("UPLOAD_ATTEMPT_TIMEOUT_MS", "1000")];
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
        handler: Handler::start(&settings).await,
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
