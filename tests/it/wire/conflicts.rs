//! Conditions that do not hold, and containers that are not there: more than one request per
//! attempt, but never more than documented.

use super::{
    Message, Rig, Scripted, Step, accepting, answering, assert_answered, each, holding, refusing,
};

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
