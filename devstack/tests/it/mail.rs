//! The e-mail service: its REST shape, its outbox, its pages, its faults.

use devstack::loopback::{Fault, StatusCode};
use devstack::mail::{MailService, Outbox};
use reqwest::Response;
use serde_json::{Value, json};

use crate::net;

const ID: &str = "8540c0de-899f-5cce-acb5-3ec493af3800";
const HOSTILE: &str = "<script>alert(1)</script> \"Bürste\" 🐕";

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
    let url = format!("{}/emails:send?api-version=2023-03-31", service.url());
    let request = net::client().post(url).body(body.to_string());
    let request = request.header("operation-id", ID);
    request.header("authorization", "Bearer x").send().await
}

async fn get(service: &MailService, path: &str) -> (u16, String, String) {
    let url = format!("{}{path}", service.url());
    let response = net::client().get(url).send().await.unwrap();
    let policy = response.headers().get("content-security-policy");
    let policy = policy.map(|policy| policy.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    (
        status,
        policy.unwrap_or_default(),
        response.text().await.unwrap(),
    )
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

#[tokio::test]
async fn the_file_holds_text_and_html_as_alternatives() {
    let service = service().await;
    send(&service, &email("Bürste\r\nBcc: evil@example.com"))
        .await
        .unwrap();
    let eml = String::from_utf8(service.mails()[0].eml.clone()).unwrap();
    let (headers, body) = eml.split_once("\r\n\r\n").unwrap();
    for header in [
        "From: <a@example.com>",
        "To: <ops@example.com>",
        "Operation-Id: ",
    ] {
        assert!(headers.contains(header), "{headers}");
    }
    assert!(headers.contains("multipart/alternative"), "{headers}");
    assert!(
        !headers.lines().any(|line| line.starts_with("Bcc")),
        "{headers}"
    );
    let (text, html) = (body.find("text/plain"), body.find("text/html"));
    assert!(
        text.unwrap() < html.unwrap(),
        "the better form is last: {body}"
    );
    let (status, _, downloaded) = get(&service, "/1/eml").await;
    assert_eq!((status, downloaded), (200, eml));
}

#[tokio::test]
async fn a_folder_gets_a_file_for_each_mail() {
    let folder = std::env::temp_dir().join(format!("devstack-{}", uuid::Uuid::new_v4()));
    let outbox = Outbox::in_folder(folder.join("outbox"));
    let service = MailService::start(net::listener().await, outbox).unwrap();
    for subject in ["First", "Second"] {
        send(&service, &email(subject)).await.unwrap();
    }
    let files = std::fs::read_dir(folder.join("outbox")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let written: Vec<_> = files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect();
    let kept: Vec<_> = service
        .mails()
        .iter()
        .map(|mail| mail.eml.clone())
        .collect();
    assert_eq!(written, kept);
    std::fs::remove_dir_all(folder.join("outbox")).unwrap();
    std::fs::write(folder.join("outbox"), "in the way").unwrap();
    let response = send(&service, &email("Third")).await.unwrap();
    assert_eq!(
        response.status(),
        500,
        "what cannot be kept is not accepted"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_pages_show_hostile_mails_and_run_nothing() {
    let service = service().await;
    assert!(get(&service, "/").await.2.contains("No mail yet"));
    send(&service, &email(HOSTILE)).await.unwrap();
    for page in ["/", "/1"] {
        let (status, policy, html) = get(&service, page).await;
        assert_eq!(status, 200);
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self';"),
            "{policy}"
        );
        assert!(html.contains("&lt;script&gt;alert(1)"), "{html}");
        assert!(!html.contains("<script") && !html.contains("://"), "{html}");
    }
    let (.., page) = get(&service, "/1").await;
    assert!(page.contains("<iframe sandbox src=\"/1/html\""), "{page}");
    let (_, policy, html) = get(&service, "/1/html").await;
    assert!(
        policy.starts_with("sandbox; default-src 'none';"),
        "{policy}"
    );
    assert_eq!(html, "<p>html ü</p><script>alert(2)</script>");
    assert_eq!(get(&service, "/style.css").await.0, 200);
    assert_eq!(get(&service, "/2").await.0, 404);
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
        net::until(|| service.requests().len() == 4).await;
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
