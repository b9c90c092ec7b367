//! `orders show` and `orders put`: an order that came by mail is stored as the function would have.

use std::fs;

use serde_json::Value;

use crate::stage::Stage;

const PLACE: &str = "--session S-1 --sequence 12 --enqueued 2026-05-04T09:30:22Z --message-id m-12";

async fn put(stage: &Stage, body: &str, place: &str) -> (Option<i32>, String) {
    fs::write(stage.folder().join("S-1.json"), body).unwrap();
    let ran = stage.run(&format!("orders put S-1.json {place}")).await;
    (ran.code, ran.out + &ran.err)
}

#[tokio::test]
async fn an_order_is_stored_with_its_place_and_shown() {
    let stage = Stage::new().await;
    let missing = stage.run("orders show S-1").await;
    assert_eq!(missing.code, Some(1), "{missing:?}");
    // Byte for byte: a parser would have refused or rounded it.
    let body = "{ \"id\":\"S-1\",\"x\":1e400,\"total\":12.50}\r\n";
    assert_eq!(
        put(&stage, body, PLACE).await,
        (Some(0), "stored\n".to_owned())
    );
    assert_eq!(put(&stage, body, PLACE).await.1, "stored\n", "once more");
    let shown = stage.run("orders show --body S-1").await;
    assert_eq!((shown.code, shown.out.as_str()), (Some(0), body));
    let facts = stage.run("orders show S-1 --json").await;
    let facts: Value = serde_json::from_str(&facts.out).unwrap();
    assert_eq!(facts["sequenceNumber"], "12");
    assert_eq!(facts["enqueuedTime"], "2026-05-04T09:30:22Z");
    assert_eq!(facts["messageId"], "m-12");
    assert_eq!(facts["bytes"], body.len());
}

#[tokio::test]
async fn an_older_order_is_superseded_and_a_newer_one_replaces() {
    let stage = Stage::new().await;
    stage.store("S-1", 13, 13, r#"{"id":"S-1","n":13}"#);
    let (code, out) = put(&stage, r#"{"id":"S-1"}"#, PLACE).await;
    assert_eq!(code, Some(0));
    assert!(
        out.starts_with("superseded\n") && out.contains("13"),
        "{out}"
    );
    let newer = PLACE.replace("12", "14");
    let newer = newer.replace("09:30:22", "09:30:24");
    assert_eq!(
        put(&stage, r#"{"id":"S-1"}"#, &newer).await,
        (Some(0), "stored\n".to_owned())
    );
}

/// What the guard cannot tell, a person decides, and only about what that person was shown.
#[tokio::test]
async fn a_doubt_changes_nothing_and_is_decided_about_one_version() {
    let stage = Stage::new().await;
    // A lower number, accepted later: the two disagree.
    stage.store("S-1", 20, 0, r#"{"id":"S-1","n":20}"#);
    for place in [PLACE, "--session S-1"] {
        let (code, out) = put(&stage, r#"{"id":"S-1"}"#, place).await;
        assert_eq!(code, Some(1), "{out}");
        assert!(
            out.contains("nothing was changed") && out.contains("20"),
            "{out}"
        );
        let shown = stage.run("orders show --body S-1").await;
        assert_eq!(shown.out, r#"{"id":"S-1","n":20}"#);
    }
    let (_, out) = put(&stage, r#"{"id":"S-1"}"#, PLACE).await;
    let (_, option) = out.split_once("--replace=").unwrap();
    let version = option.split_whitespace().next().unwrap();
    let decided = format!("{PLACE} --replace={version}");
    assert_eq!(
        put(&stage, r#"{"id":"S-1"}"#, &decided).await,
        (Some(0), "stored\n".to_owned())
    );
    let (code, out) = put(&stage, r#"{"id":"S-1","again":1}"#, &decided).await;
    assert_eq!(code, Some(1));
    assert!(out.contains("another version"), "{out}");
}

#[tokio::test]
async fn what_is_no_order_is_not_stored_and_only_the_storage_is_needed() {
    let stage = Stage::new().await;
    let (code, out) = put(&stage, "no JSON", PLACE).await;
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("S-1.json is no order"), "{out}");
    let (code, _) = put(&stage, "{}", "--session S-1 --sequence 12 --enqueued today").await;
    assert_eq!(code, Some(2), "an argument that cannot be read");
    for setting in ["ServiceBusConnection", "FALLBACK_URL"] {
        stage.set(setting, "");
    }
    assert_eq!(put(&stage, "{}", PLACE).await.1, "stored\n");
}
