//! The e-mail service: its REST shape, its outbox, its faults.

mod outbox;

use logic_app::mail::{MailService, Outbox};
use reqwest::Response;
use serde_json::{Value, json};
use stand_in::{Fault, StatusCode};
use testkit::net;

const ID: &str = "8540c0de-899f-5cce-acb5-3ec493af3800";

async fn service() -> MailService {
    let outbox = Outbox::in_memory();
    MailService::start(net::listener().await, outbox).unwrap()
}

fn email(subject: &str) -> Value {
    json!({
        "senderAddress": "a@example.com",
        "recipients": { "to": [{ "address": "ops@example.com" }] },
        "content": {
            "subject": subject,
            "plainText": "text ü\nsecond line\n",
            "html": "<p>html ü</p><script>alert(2)</script>",
        },
        "userEngagementTrackingDisabled": true,
    })
}

async fn send(service: &MailService, body: &Value) -> reqwest::Result<Response> {
    send_as(service, ID, body).await
}

async fn send_as(service: &MailService, id: &str, body: &Value) -> reqwest::Result<Response> {
    let url = format!("{}/emails:send?api-version=2023-03-31", service.url());
    let request = net::client().post(url).body(body.to_string());
    let request = request.header("operation-id", id);
    request.header("authorization", "Bearer x").send().await
}

async fn json_of(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn an_accepted_mail_is_answered_like_the_service_does_and_kept() {
    let service = service().await;
    let mut arrivals = service.arrivals();
    let response = send(&service, &email("Hello")).await.unwrap();
    assert_eq!(response.status(), 202);
    let status = format!(
        "{}/emails/operations/{ID}?api-version=2023-03-31",
        service.url()
    );
    assert_eq!(response.headers()["operation-location"], status);
    assert_eq!(response.headers()["retry-after"], "30");
    let answer = json!({ "id": ID, "status": "Running", "error": null });
    assert_eq!(json_of(response).await, answer);
    let arrived = arrivals.recv().await.unwrap();
    assert_eq!(arrived.number, 1);
    assert_eq!(arrived.operation_id.to_string(), ID);
    assert_eq!(arrived.email.to(), "ops@example.com");
    assert_eq!(service.mails().len(), 1);
}

/// As the real one may: others report that it takes the operation's id as an idempotency key.
#[tokio::test]
async fn a_repeat_of_an_operation_is_answered_and_not_sent_again() {
    let service = service().await;
    for subject in ["first", "again"] {
        let response = send(&service, &email(subject)).await.unwrap();
        assert_eq!(response.status(), 202);
        assert_eq!(json_of(response).await["id"], ID);
    }
    let mails = service.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].email.content.subject, "first");
}

#[tokio::test]
async fn a_wrong_request_is_refused() {
    let service = service().await;
    let mut wrong = email("x");
    wrong["content"]["attachment"] = json!(1);
    let response = send(&service, &wrong).await.unwrap();
    assert_eq!(response.status(), 400);
    let message = json_of(response).await["error"]["message"].to_string();
    assert!(message.contains("content.attachment"), "{message}");
    let url = format!("{}/emails:send?api-version=2023-03-31", service.url());
    let bare = net::client().post(url).body(email("x").to_string());
    assert_eq!(bare.send().await.unwrap().status(), 401);
    let url = format!("{}/emails:send", service.url());
    let bare = net::client().post(url).body(email("x").to_string());
    assert_eq!(bare.send().await.unwrap().status(), 400);
    assert!(service.mails().is_empty());
}

#[tokio::test]
async fn its_faults() {
    let service = service().await;
    service
        .faults()
        .fail_next([429, 401, 500].map(|status| Fault::Status {
            status: StatusCode::from_u16(status).unwrap(),
            error_code: "TooManyRequests",
            retry_after: Some(60),
        }));
    for status in [429, 401, 500] {
        let response = send(&service, &email("x")).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["retry-after"], "60");
        assert_eq!(json_of(response).await["error"]["code"], "TooManyRequests");
    }
    service.faults().set(Fault::Hang);
    let release = async {
        testkit::until("the fourth request", || service.requests().len() == 4).await;
        service.faults().set(Fault::None);
    };
    let mail = email("x");
    let (answer, ()) = tokio::join!(send(&service, &mail), release);
    assert!(answer.is_err() && service.mails().is_empty());
    service.faults().fail_next([Fault::ApplyThenDropConnection]);
    assert!(send(&service, &mail).await.is_err());
    assert_eq!(service.mails().len(), 1);
    service.stop().await;
}
