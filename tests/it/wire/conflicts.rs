//! Conditions that do not hold, and containers that are not there: more than one request per
//! attempt, but never more than documented.

use super::{
    Message, Rig, Scripted, Step, accepting, answering, assert_answered, each, holding_at, refusing,
};

const CONDITION_NOT_MET: &str = "x-ms-error-code: ConditionNotMet\r\n";

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
    let creations = rig.storage.received();
    let creations = creations
        .iter()
        .filter(|seen| seen.target().contains("restype=container"));
    assert_eq!(creations.count(), 4);
    assert_eq!(rig.storage.received().len(), 8);
}

/// Other writers come first each time: five rounds make an attempt, no more.
#[tokio::test]
async fn a_storm_of_conflicts_ends_after_five_rounds_of_each_attempt() {
    let older = Message::new("storm", 6);
    let script = (0..20).flat_map(|round| {
        let etag = format!("\"0x{round}\"");
        let conflict = refusing("412 Precondition Failed", "ConditionNotMet");
        [conflict, holding_at(&older, &etag)]
    });
    let storage = Scripted::start(script, vec![Step::ReadAll, Step::Hang]).await;
    let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
    let message = Message::new("storm", 7);
    assert_answered(&rig.deliver(&message).await, 200, "handed over", 4);
    rig.assert_handed_over_whole(&message, 4);
    assert_eq!(rig.storage.methods(), ["PUT", "HEAD"].repeat(20));
    let reason = rig.notices()[0]["failure"]["reason"].to_string();
    assert!(reason.contains("other writers"), "{reason}");
}

/// Whatever stands between us and the storage and refuses conditions that hold: two rounds of each
/// attempt are enough to know, and the reason names what was refused.
#[tokio::test]
async fn a_write_to_the_very_state_that_is_shown_is_tried_twice_and_named() {
    let older = Message::new("refused", 6);
    let holding = |etag| holding_at(&older, etag);
    let absent = || refusing("404 Not Found", "BlobNotFound");
    let (strong, weak) = ("\"0x8DC\"", "W/\"0x8DC\"");
    let cases = vec![
        ("409 Conflict", "", holding(strong), "0x8DC"),
        ("412 Precondition Failed", "", holding(strong), "0x8DC"),
        (
            "412 Precondition Failed",
            CONDITION_NOT_MET,
            holding(weak),
            "W/",
        ),
        ("409 Conflict", "", absent(), "no such blob"),
        (
            "409 Conflict",
            "x-ms-error-code: BlobAlreadyExists\r\n",
            absent(),
            "no such blob",
        ),
    ];
    each(cases, async |(status, code, head, named)| {
        let script = (0..8).flat_map(|_| [answering(status, code), head.clone()]);
        let storage = Scripted::start(script, vec![Step::ReadAll, Step::Hang]).await;
        let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
        let message = Message::new("refused", 7);
        assert_answered(&rig.deliver(&message).await, 200, "handed over", 4);
        rig.assert_handed_over_whole(&message, 4);
        assert_eq!(rig.storage.methods(), ["PUT", "HEAD"].repeat(8), "{status}");
        let reason = rig.notices()[0]["failure"]["reason"].to_string();
        let is_named = reason.contains("the very state that it shows") && reason.contains(named);
        assert!(is_named, "{reason}");
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
