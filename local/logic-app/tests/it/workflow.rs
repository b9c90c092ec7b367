//! The Logic App with the workflow in infra/ behind it.

use logic_app::LogicApp;
use logic_app::mail::{MailService, Outbox};
use serde_json::json;
use stand_in::{Fault, StatusCode};
use testkit::net;
use testkit::workflow::{post, read, vector};
use workflow::Workflow;

async fn start() -> (LogicApp, MailService) {
    let mail = MailService::start(net::listener().await, Outbox::in_memory()).unwrap();
    let parameters = json!({
        "acsEndpoint": mail.url(),
        "senderAddress": "DoNotReply@x.azurecomm.net",
        "recipients": [{ "address": "ops@example.com" }],
    });
    let parameters = parameters.as_object().unwrap().clone();
    let workflow = Workflow::load(&read("fallback.definition.json"), parameters).unwrap();
    let app = LogicApp::start_with(net::listener().await, workflow).unwrap();
    (app, mail)
}

#[tokio::test]
async fn an_order_becomes_the_mail_that_azure_would_send() {
    let (app, service) = start().await;
    let vector = vector();
    let (status, answer) = post(&app.url(), &vector["request"]).await;
    assert_eq!((status, &answer["status"]), (202, &json!("accepted")));
    assert_eq!(answer["emailOperationId"], vector["request"]["operationId"]);
    assert_eq!(answer["runId"].as_str().map(str::len), Some(32));
    let mails = service.mails();
    let (content, expected) = (&mails[0].email.content, &vector["mail"]["body"]["content"]);
    assert_eq!(json!(content.subject), expected["subject"]);
    assert_eq!(json!(content.plain_text), expected["plainText"]);
    assert_eq!(json!(content.html), expected["html"]);
    assert_eq!(mails.len(), 1);
    let file = &mails[0].email.attachments[0];
    let sent = &vector["request"]["body"];
    assert_eq!(file.name, sent["fileName"]);
    assert_eq!(sent["length"], file.content.len());
    assert!(file.content.starts_with(br#"{"id":"68FAE9B1"#));
    let received = app.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].operation_id, vector["request"]["operationId"]);
    assert_eq!(received[0].body, vector["request"].to_string());
}

#[tokio::test]
async fn a_mail_that_is_refused_is_a_no_and_is_not_counted_as_received() {
    let (app, service) = start().await;
    // 401 is not tried again, so nothing has to be waited for.
    service.faults().set(Fault::Status {
        status: StatusCode::UNAUTHORIZED,
        error_code: "Denied",
        retry_after: None,
    });
    let (status, answer) = post(&app.url(), &vector()["request"]).await;
    assert_eq!((status, &answer["upstreamStatus"]), (502, &json!(401)));
    assert!(app.received().is_empty() && service.mails().is_empty());
    assert_eq!(service.requests().len(), 1);
}

#[tokio::test]
async fn a_request_that_does_not_fit_the_schema_starts_no_run() {
    let (app, service) = start().await;
    let mut request = vector()["request"].clone();
    request["failure"]["attempts"] = json!(-1);
    let (status, answer) = post(&app.url(), &request).await;
    assert_eq!(status, 400);
    assert_eq!(answer["error"]["message"], "failure.attempts: less than 0");
    assert!(app.received().is_empty() && service.requests().is_empty());
}
