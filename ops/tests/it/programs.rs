//! What programs and shells get: JSON of every verb, one object a line, and completions.

use serde_json::{Value, json};
use stand_in::{Fault, StatusCode};
use tokio::process::Command;

use crate::stage::{Ran, Stage, cart};

const FALLBACK_DOWN: Fault = Fault::Status {
    status: StatusCode::BAD_GATEWAY,
    error_code: "",
    retry_after: None,
};

fn lines(ran: &Ran) -> Vec<Value> {
    assert_eq!(ran.err, "", "nothing else is told");
    let lines = ran.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

async fn with_letters() -> Stage {
    let stage = Stage::new().await;
    stage.store("new", 900, 900, &cart("new", 900));
    stage.add_letter(6, "new", cart("new", 6));
    stage.add_letter(7, "none", cart("none", 7));
    stage.add_letter(9, "poison", "{");
    stage
}

#[tokio::test]
async fn show_and_export_are_json_with_json() {
    let stage = with_letters().await;
    let shown = lines(&stage.run("dead-letters show 7 --json").await);
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0]["sequenceNumber"], 7);
    assert_eq!(shown[0]["sessionId"], "none");
    assert!(shown[0].get("bodyWrappedIn").is_none(), "{}", shown[0]);
    let file = stage.folder().join("letters.jsonl").display().to_string();
    let export = format!("dead-letters export --to {file} --json");
    let exported = lines(&stage.run(&export).await);
    assert_eq!(exported, [json!({"deadLetters": 3, "file": file})]);
    let text = std::fs::read_to_string(&file).unwrap();
    let kept: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let body = |record: &Value| record["bodyBase64"].clone();
    assert_eq!(body(&kept[1]), body(&shown[0]), "the same record");
}

#[tokio::test]
async fn a_redrive_is_json_with_json_and_asks_nothing() {
    let stage = with_letters().await;
    let plan = lines(&stage.run("dead-letters redrive --json").await);
    assert_eq!(
        plan,
        [
            json!({"sequenceNumber": 6, "sessionId": "new", "wouldBe": "superseded",
                "because": "#900 of 2026-05-04T09:45:10Z is stored"}),
            json!({"sequenceNumber": 7, "sessionId": "none", "wouldBe": "stored",
                "because": "nothing is stored for the session"}),
            json!({"sequenceNumber": 9, "sessionId": "poison", "wouldBe": "handed over",
                "because": "unreadable order: the message is not a JSON object: \
                    EOF while parsing an object at line 1 column 1"}),
            json!({"deadLetters": 3, "changed": false}),
        ]
    );
    assert_eq!(stage.left(), [6, 7, 9]);
    stage.mails.faults().set(FALLBACK_DOWN);
    let ran = stage.run("dead-letters redrive --yes --json").await;
    assert_eq!(ran.code, Some(1));
    let told = lines(&ran);
    let settled = |number: u64, session: &str, outcome: &str| {
        json!({"sequenceNumber": number, "sessionId": session, "outcome": outcome,
            "deleted": true, "why": null})
    };
    assert_eq!(told[0], settled(6, "new", "superseded"));
    assert_eq!(told[1], settled(7, "none", "stored"));
    assert_eq!(
        (&told[2]["outcome"], &told[2]["deleted"]),
        (&json!("left"), &json!(false))
    );
    let why = told[2]["why"].as_str().unwrap();
    assert!(why.contains("fallback answered"), "{why}");
    assert_eq!(
        told[3],
        json!({"deadLetters": 3, "stored": 1, "superseded": 1, "handedOver": 0, "left": 1,
            "perhapsNotDeleted": 0, "lockedByOthers": 0, "ended": "empty"})
    );
    assert_eq!(told.len(), 4);
}

#[tokio::test]
async fn status_is_json_with_json() {
    let stage = with_letters().await;
    let told = lines(&stage.run("--json status").await);
    assert_eq!(
        told[..2],
        [
            json!({"queue": "order-items", "active": 0, "deadLettered": 3, "scheduled": 0}),
            json!({"container": "orders", "orders": 1}),
        ]
    );
    assert_eq!(told.len(), 3);
    let mut blob = told[2].clone();
    assert!(
        blob["modified"].take().as_str().unwrap().ends_with('Z'),
        "{blob}"
    );
    assert_eq!(
        blob,
        json!({"blob": "new.json", "modified": null, "sequenceNumber": 900,
            "enqueuedTime": "2026-05-04T09:45:10Z", "bytes": cart("new", 900).len()})
    );
}

#[tokio::test]
async fn completions_know_every_verb() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = Command::new(env!("CARGO_BIN_EXE_order-items-ops"))
            .env_clear()
            .args(["completions", shell])
            .output()
            .await
            .unwrap();
        assert!(ran.status.success(), "{shell}: no settings are needed");
        let script = String::from_utf8(ran.stdout).unwrap();
        for word in ["dead-letters", "redrive", "hand-over", "status"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[tokio::test]
async fn who_has_no_connection_is_told_of_the_local_one() {
    let run = async |arguments: &[&str], folder: &std::path::Path| {
        let ran = Command::new(env!("CARGO_BIN_EXE_order-items-ops"))
            .env_clear()
            .current_dir(folder)
            .args(arguments)
            .output()
            .await
            .unwrap();
        assert_eq!(ran.status.code(), Some(64), "{arguments:?}");
        String::from_utf8(ran.stderr).unwrap()
    };
    let stage = Stage::new().await;
    for arguments in [&["dead-letters", "list"][..], &["status"]] {
        let said = run(arguments, stage.folder()).await;
        let hint = "with --local the settings are those of local.settings.json";
        assert!(
            said.contains("ServiceBusConnection: missing") && said.contains(hint),
            "{said}"
        );
    }
    std::fs::write(stage.folder().join("local.settings.json"), "{}").unwrap();
    let said = run(&["--local", "status"], stage.folder()).await;
    assert!(said.contains("ServiceBusConnection: missing"), "{said}");
    assert!(
        !said.contains("with --local"),
        "it is there already: {said}"
    );
}

/// What the Functions host cannot bind dies without the function ever having seen it.
#[tokio::test]
async fn an_amqp_value_is_shown_and_comes_home_under_the_guard() {
    let stage = Stage::new().await;
    let value = |order: &str| {
        let length = u8::try_from(order.len()).unwrap();
        [&[0, 0x53, 0x77, 0xa1, length], order.as_bytes()].concat()
    };
    let bytes = |order: &str| {
        let length = u32::try_from(order.len()).unwrap().to_be_bytes();
        [&[0xb0], &length[..], order.as_bytes()].concat()
    };
    stage.store("new", 900, 900, &cart("new", 900));
    stage.add_letter(5, "new", value(&cart("new", 5)));
    stage.add_letter(6, "text", value(&cart("text", 6)));
    stage.add_letter(7, "bytes", bytes(&cart("bytes", 7)));
    stage.add_letter(8, "none", value("no order"));
    let shown = stage.run("dead-letters show 6").await;
    assert!(
        shown
            .out
            .contains("body taken out of      a string in an AMQP value\n"),
        "{}",
        shown.out
    );
    assert!(
        shown.out.ends_with(&format!(":\n{}\n", cart("text", 6))),
        "{}",
        shown.out
    );
    let record = &lines(&stage.run("dead-letters show 7 --json").await)[0];
    assert_eq!(record["bodyWrappedIn"], "bytes in an AMQP value");
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(
        ran.out,
        "4 dead letters: 2 stored, 1 superseded, 1 handed over, 0 left\n"
    );
    assert_eq!(stage.stored("text"), Some((6, cart("text", 6))));
    assert_eq!(stage.stored("bytes"), Some((7, cart("bytes", 7))));
    assert_eq!(
        stage.stored("new").unwrap().0,
        900,
        "an older value overwrites nothing"
    );
    assert_eq!(
        stage.mailed(),
        [8],
        "what is no order goes to a person as it was handed out"
    );
}
