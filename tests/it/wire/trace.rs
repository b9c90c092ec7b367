//! One trace, from what the host names to the storage, the line and the mail.

use azure_app::trace::TraceContext;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::scripted::{Received, Scripted, answering};

use crate::support::message::TRACE_ID;
use crate::support::rig::{accepting, refusing};
use crate::support::{Message, Rig};

/// What the host names.
const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const GIVEN_ID: &str = "0af7651916cd43dd8448eb211c80319c";

/// The trace and the span that a request is told, in hexadecimal.
fn told(request: &Received) -> Option<(String, String)> {
    let header = request.header("traceparent")?;
    assert!(TraceContext::parse(&header).is_some(), "{header}");
    let fields: Vec<&str> = header.split('-').collect();
    Some((fields[1].to_owned(), fields[2].to_owned()))
}

async fn rig_without_storage() -> Rig {
    let storage = Scripted::start([], refusing("503 Service Unavailable", "ServerBusy")).await;
    Rig::start(storage, Scripted::start([], accepting()).await, &[]).await
}

#[tokio::test]
async fn the_trace_that_the_host_names_goes_to_the_storage_the_line_and_the_mail() {
    let rig = rig_without_storage().await;
    let message = Message::new("cart", 7);
    let headers = [("traceparent", GIVEN)];
    let answer = rig.handler.door.post_with(message.invocation(), &headers);
    assert_eq!(answer.await.unwrap().status, 200);
    assert_eq!(rig.handler.line(&message).await["trace_id"], GIVEN_ID);
    let uploads = rig.storage.received();
    assert_eq!(uploads.len(), 4);
    let calls = [uploads, rig.fallback.received()].concat();
    for request in &calls {
        let (trace, span) = told(request).expect("a trace");
        assert_eq!(trace, GIVEN_ID);
        assert_ne!(span, "b7ad6b7169203331", "a span of its own");
    }
    let mail = calls.last().unwrap();
    assert_eq!(
        mail.header("x-ms-client-tracking-id").as_deref(),
        Some(GIVEN_ID)
    );
    let traceparent = rig.notices()[0]["traceparent"].clone();
    assert_eq!(traceparent.as_str(), mail.header("traceparent").as_deref());
}

/// The message's own trace is taken then, as far as it has one.
#[tokio::test]
async fn what_is_no_trace_changes_nothing() {
    let rig = rig_without_storage().await;
    let upper = GIVEN.to_uppercase();
    let unknown = GIVEN.replacen("00", "ff", 1);
    let long = format!("{GIVEN}-00");
    let zeros = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
    let two = [("traceparent", GIVEN), ("traceparent", GIVEN)];
    let one = |text| vec![("traceparent", text)];
    // The host began it, since it found none in the message.
    let begun = GIVEN.replacen("-01", "-00", 1);
    let odd = [
        Vec::new(),
        one(""),
        one(&*upper),
        one(&*unknown),
        one(&*long),
        one(&*zeros),
        one(&*begun),
        two.to_vec(),
    ];
    for (number, headers) in (1..).zip(&odd) {
        let message = Message::new("cart", number);
        let answer = rig.handler.door.post_with(message.invocation(), headers);
        assert_eq!(answer.await.unwrap().status, 200, "{headers:?}");
        let line = rig.handler.line(&message).await;
        assert_eq!(line["trace_id"], TRACE_ID, "{headers:?}");
    }
    let mut bare: Value = serde_json::from_slice(&Message::new("bare", 99).invocation()).unwrap();
    bare["Metadata"]["CorrelationId"] = json!("\"order 7\"");
    let answer = rig.handler.door.post(bare.to_string().into_bytes());
    assert_eq!(answer.await.unwrap().status, 200);
    let calls = [rig.storage.received(), rig.fallback.received()].map(|mut calls| calls.pop());
    for request in calls.iter().flatten() {
        assert_eq!(told(request), None);
    }
    let (mail, notice) = (calls[1].as_ref().unwrap(), rig.notices().pop().unwrap());
    assert!(notice.get("traceparent").is_none());
    let tracking = mail.header("x-ms-client-tracking-id");
    assert_eq!(tracking.as_deref(), notice["operationId"].as_str());
}

/// A batch's request has one trace, and each of its messages one of its own.
#[tokio::test]
async fn in_a_batch_each_message_keeps_its_own_trace() {
    let storage = Scripted::start([], answering("201 Created", "etag: \"1\"\r\n")).await;
    let rig = Rig::start(storage, Scripted::start([], accepting()).await, &[]).await;
    let body = |session: &str| STANDARD.encode(format!(r#"{{"id":"{session}"}}"#));
    let own = format!("00-{TRACE_ID}-00f067aa0ba902b7-01");
    let bodies = json!([body("own"), body("none")]).to_string();
    let properties = json!([{"Diagnostic-Id": own}, {}]).to_string();
    let batch = json!({
        "Data": { "order": bodies },
        "Metadata": {
            "SequenceNumberArray": "[1,2]",
            "EnqueuedTimeArray": json!(["2026-05-04T09:30:10+00:00", "2026-05-04T09:30:11+00:00"]).to_string(),
            "ApplicationPropertiesArray": properties,
        }
    });
    let headers = [("traceparent", GIVEN)];
    let posted = rig
        .handler
        .door
        .post_with(batch.to_string().into_bytes(), &headers);
    assert_eq!(posted.await.unwrap().status, 200);
    let uploads = rig.storage.received();
    assert_eq!(uploads.len(), 2);
    for upload in &uploads {
        let expected = match upload.target().contains("own.json") {
            true => TRACE_ID,
            false => GIVEN_ID,
        };
        assert_eq!(
            told(upload).expect("a trace").0,
            expected,
            "{}",
            upload.target()
        );
    }
}
