//! Storage that says yes in the end, or something that has to be looked into.

use super::{
    ETAG, Message, Rig, Scripted, Step, accepting, assert_answered, created, each, holding,
    refusing,
};

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
    let seen = rig.storage.received();
    assert_eq!(rig.storage.methods(), ["PUT", "PUT", "HEAD", "PUT"]);
    assert_eq!(seen[1].header("if-none-match").as_deref(), Some("*"));
    assert_eq!(seen[3].header("if-match").as_deref(), Some("\"0x8DC\""));
    assert_eq!(seen[3].body(), newer.body);
    assert!(rig.fallback.received().is_empty());
}

#[tokio::test]
async fn an_interim_answer_is_not_the_answer() {
    let interim = [b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), created(ETAG)].concat();
    let storage = Scripted::start([], vec![Step::ReadAll, Step::Send(interim)]).await;
    let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
    let message = Message::new("interim", 7);
    assert_answered(&rig.deliver(&message).await, 200, "stored", 1);
    assert_eq!(rig.storage.methods(), ["PUT"]);
    assert_eq!(rig.storage.received()[0].body(), message.body);
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
            rig.storage.received().len(),
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
        assert_eq!(rig.storage.received().len(), failures + 1);
        assert!(rig.fallback.received().is_empty());
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
