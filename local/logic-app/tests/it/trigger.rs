//! The trigger, the list of what it accepted, and its faults.

use logic_app::LogicApp;
use serde_json::{Value, json};
use stand_in::{Fault, StatusCode};
use testkit::net;

fn fallback(operation_id: &str) -> Value {
    let shown = json!({
        "customer": null, "productList": "absent", "products": [], "text": "{}", "textIsCut": false,
    });
    json!({
        "schemaVersion": 2,
        "operationId": operation_id,
        "body": {
            "encoding": "base64",
            "data": "e30=",
            "length": 2,
            "fileName": "E7DB.json",
            "contentType": "application/json",
        },
        "shown": shown,
        "failure": { "kind": "notConfirmed", "reason": "503 ServerBusy", "attempts": 4 },
    })
}

const FIRST: &str = "6ba7b814-9dad-51d1-80b4-00c04fd430c1";
const SECOND: &str = "6ba7b814-9dad-51d1-80b4-00c04fd430c2";

async fn send(url: &str, body: String) -> reqwest::Result<(u16, Value)> {
    let request = net::client().post(url).body(body);
    let request = request.header("content-type", "application/json; charset=utf-8");
    let response = request
        .header("authorization", "Bearer secret")
        .send()
        .await?;
    let status = response.status().as_u16();
    let body = response.bytes().await?;
    Ok((status, serde_json::from_slice(&body).unwrap()))
}

#[tokio::test]
async fn an_accepted_request_is_kept_byte_for_byte_and_without_its_token() {
    let app = LogicApp::start(net::listener().await).unwrap();
    let body = format!("{:#}", fallback(FIRST));
    let answer = send(&app.url(), body.clone()).await.unwrap();
    assert_eq!(
        answer,
        (202, json!({ "status": "accepted", "operationId": FIRST }))
    );
    let received = app.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].body, body);
    assert_eq!(received[0].operation_id, FIRST);
    assert_eq!(received[0].workflow, "order-fallback");
    assert_eq!(received[0].headers["authorization"], "(removed)");
    assert_eq!(
        received[0].headers["content-type"],
        "application/json; charset=utf-8"
    );
}

#[tokio::test]
async fn the_list_is_for_people_newest_first() {
    let app = LogicApp::start(net::listener().await).unwrap();
    for id in [FIRST, SECOND] {
        send(&app.url(), fallback(id).to_string()).await.unwrap();
    }
    let root = app.url().split_once("/workflows").unwrap().0.to_owned();
    let http = net::client();
    let text = http.get(&root).send().await.unwrap().text().await.unwrap();
    assert!(!text.contains("secret"), "{text}");
    assert!(text.contains("\n      \"operationId\""), "{text}");
    let list: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(list[0]["body"], fallback(SECOND));
    assert_eq!(list[1]["body"], fallback(FIRST));
    assert_eq!(http.delete(&root).send().await.unwrap().status(), 204);
    assert_eq!(
        http.get(&root).send().await.unwrap().text().await.unwrap(),
        "[]\n"
    );
    assert!(app.received().is_empty());
}

#[tokio::test]
async fn a_wrong_request_is_refused_by_name_and_not_kept() {
    let app = LogicApp::start(net::listener().await).unwrap();
    let mut wrong = fallback(FIRST);
    wrong["schemaVersion"] = json!(1);
    let (status, answer) = send(&app.url(), wrong.to_string()).await.unwrap();
    assert_eq!(status, 400);
    assert_eq!(answer["error"]["code"], "TriggerInputSchemaMismatch");
    assert_eq!(
        answer["error"]["message"],
        "schemaVersion: not one of the values that are allowed"
    );
    let plain = net::client()
        .post(app.url())
        .body(fallback(FIRST).to_string());
    let plain = plain
        .header("content-type", "text/plain")
        .send()
        .await
        .unwrap();
    assert_eq!(plain.status(), 400);
    assert!(app.received().is_empty());
    assert_eq!(app.requests().len(), 2);
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let app = LogicApp::start(net::listener().await).unwrap();
    for (body, words) in [
        ("", "not JSON"),
        ("[]", "expected [object]"),
        ("\"text\"", "expected [object]"),
        ("{", "not JSON"),
        ("\u{FEFF}{}", "not JSON"),
    ] {
        let (status, answer) = send(&app.url(), body.to_owned()).await.unwrap();
        let message = answer["error"]["message"].as_str().unwrap();
        assert_eq!(status, 400, "{body}");
        assert!(message.starts_with(words), "{body}: {message}");
    }
    let request = net::client()
        .post(app.url())
        .body(b"{\"a\":\"\xFF\"}".to_vec());
    let request = request.header("content-type", "application/json");
    assert_eq!(request.send().await.unwrap().status(), 400);
    assert!(app.received().is_empty());
}

#[tokio::test]
async fn its_faults() {
    let app = LogicApp::start(net::listener().await).unwrap();
    let body = fallback(FIRST).to_string();
    app.faults().set(Fault::Status {
        status: StatusCode::BAD_GATEWAY,
        error_code: "MailRefused",
        retry_after: None,
    });
    let (status, answer) = send(&app.url(), body.clone()).await.unwrap();
    assert_eq!(
        (status, answer["error"]["code"].as_str()),
        (502, Some("MailRefused"))
    );
    assert!(app.received().is_empty());

    app.faults().set(Fault::Hang);
    let url = app.url();
    let release = async {
        testkit::until("the second request", || app.requests().len() == 2).await;
        app.faults().set(Fault::None);
    };
    let (answer, ()) = tokio::join!(send(&url, body.clone()), release);
    assert!(answer.is_err());
    assert!(app.received().is_empty());

    app.faults().fail_next([Fault::ApplyThenDropConnection]);
    assert!(send(&url, body.clone()).await.is_err());
    assert_eq!(app.received().len(), 1);
    assert_eq!(send(&url, body).await.unwrap().0, 202);
    assert_eq!(app.received().len(), 2);

    app.stop().await;
    assert!(send(&url, String::new()).await.unwrap_err().is_connect());
}
