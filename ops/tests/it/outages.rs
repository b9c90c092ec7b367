//! Storage or fallback down: nothing is deleted that is not where it belongs.

use stand_in::{Fault, Method, StatusCode};

use crate::stage::{Stage, cart};

const STORAGE_DOWN: Fault = Fault::Status {
    status: StatusCode::SERVICE_UNAVAILABLE,
    error_code: "ServerBusy",
    retry_after: None,
};
const FALLBACK_DOWN: Fault = Fault::Status {
    status: StatusCode::BAD_GATEWAY,
    error_code: "",
    retry_after: None,
};

async fn with_letters(letters: u64) -> Stage {
    let stage = Stage::new().await;
    for number in 1..=letters {
        let session = format!("s{number}");
        stage.add_letter(number, &session, cart(&session, number));
    }
    stage
}

#[tokio::test]
async fn while_the_storage_is_down_nothing_is_deleted_and_nobody_is_mailed() {
    let stage = with_letters(20).await;
    stage.blobs.faults().set(STORAGE_DOWN);
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.out,
        "3 dead letters: 0 stored, 0 superseded, 0 handed over, 3 left; \
         stopped, for the storage did not take 3 letters in a row\n"
    );
    let first =
        "     1  #1  s1  LEFT: upload could not be confirmed: 503 ServerBusy; not handed over";
    assert_eq!(ran.err.lines().next(), Some(first));
    assert_eq!(stage.left().len(), 20);
    assert_eq!(stage.asked(&Method::DELETE), []);
    assert_eq!(stage.mailed(), [0_u64; 0]);
    stage.assert_all_given_back();
}

#[tokio::test]
async fn a_storage_that_nobody_answers_at_is_no_different() {
    let mut stage = with_letters(4).await;
    let elsewhere = blob::BlobEndpoint::start(testkit::net::listener().await).unwrap();
    std::mem::replace(&mut stage.blobs, elsewhere).stop().await;
    for (command, said) in [
        ("dead-letters redrive --yes", "3 left; stopped"),
        (
            "dead-letters redrive",
            "UNKNOWN   the storage cannot be read: storage unreachable",
        ),
        ("status", "4 dead-lettered"),
    ] {
        let ran = stage.run(command).await;
        assert!(ran.out.contains(said), "{command}: {}", ran.out);
        assert_ne!(ran.code, Some(0), "{command}");
    }
    assert_eq!(stage.left().len(), 4);
    assert_eq!(stage.asked(&Method::DELETE), []);
    stage.assert_all_given_back();
}

#[tokio::test]
async fn a_short_outage_is_sat_out_by_the_functions_own_retries() {
    let stage = with_letters(5).await;
    stage.blobs.faults().fail_next([STORAGE_DOWN; 3]);
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!((ran.code, stage.left()), (Some(0), vec![]), "{}", ran.err);
    assert_eq!(stage.mailed(), [0_u64; 0]);
}

#[tokio::test]
async fn what_the_storage_does_not_take_is_mailed_when_the_operator_says_so() {
    let stage = with_letters(5).await;
    stage.blobs.faults().set(STORAGE_DOWN);
    let ran = stage.run("dead-letters redrive --yes --hand-over").await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(stage.mailed(), [1, 2, 3, 4, 5]);
    assert_eq!(stage.left(), [0_u64; 0]);
}

#[tokio::test]
async fn poison_stays_while_the_fallback_is_down_and_holds_nothing_up() {
    let stage = with_letters(6).await;
    for number in 7..=12 {
        stage.add_letter(number, "poison", "no order");
    }
    stage.add_letter(13, "last", cart("last", 13));
    stage.mails.faults().set(FALLBACK_DOWN);
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.out,
        "13 dead letters: 7 stored, 0 superseded, 0 handed over, 6 left\n"
    );
    assert!(
        ran.err
            .contains("unreadable order: the message is not a JSON object")
    );
    assert!(ran.err.contains("; fallback answered 502"), "{}", ran.err);
    assert_eq!(stage.left(), [7, 8, 9, 10, 11, 12]);
    stage.assert_all_given_back();
}

#[tokio::test]
async fn the_queue_is_told_apart_from_nobody_and_from_another() {
    let stage = with_letters(1).await;
    let settings = stage.folder().join("local.settings.json");
    let text = std::fs::read_to_string(&settings).unwrap();
    let broken = |from: &str, to: &str| {
        let file = stage.folder().join("broken.json");
        std::fs::write(&file, text.replace(from, to)).unwrap();
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_order-items-ops"));
        command.env_clear().arg("--local-settings").arg(&file);
        command
    };
    for (from, to, said) in [
        (
            "key-of-the-stage",
            "another-key",
            "does not accept our token (401)",
        ),
        (
            "order-items\"",
            "orders-items\"",
            "there is no queue `orders-items` in http://127.0.0.1:",
        ),
    ] {
        let mut command = broken(from, to);
        let ran = command
            .args(["dead-letters", "list"])
            .output()
            .await
            .unwrap();
        let err = String::from_utf8(ran.stderr).unwrap();
        assert!(err.contains(said), "{err}");
        assert!(
            !err.contains("another-key") && !err.contains("sig="),
            "{err}"
        );
        assert_eq!(ran.status.code(), Some(69));
    }
    let mut command = broken("key-of-the-stage", "another-key");
    let ran = command.arg("status").output().await.unwrap();
    assert_eq!(ran.status.code(), Some(1));
    let err = String::from_utf8(ran.stderr).unwrap();
    assert!(
        err.contains("reading the counts needs Manage rights"),
        "{err}"
    );
    assert!(
        String::from_utf8(ran.stdout)
            .unwrap()
            .contains("container orders: 0 orders")
    );
}
