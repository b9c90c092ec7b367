//! The mails: anyone may have written what they say.

use logic_app::mail::MailService;
use reqwest::Method;
use serde_json::{Value, json};

use super::World;

const HOSTILE: &str = "<script>alert(1)</script> \"Bürste\" 🐕";
const HTML: &str = "<p>html ü</p><script>alert(2)</script>";

async fn send(world: &World, mail: &MailService) {
    let body = json!({
        "senderAddress": "a@example.com",
        "recipients": { "to": [{ "address": "ops@example.com" }] },
        "content": { "subject": HOSTILE, "plainText": HOSTILE, "html": HTML },
        "attachments": [{ "name": "\"\r\nx\"é.json", "contentType": "application/json", "contentInBase64": "eyJhIjoi/yJ9" }],
    });
    let url = format!("{}/emails:send?api-version=2023-03-31", mail.url());
    let request = world.client.post(url).body(body.to_string());
    let request = request.header("authorization", "Bearer x");
    assert_eq!(request.send().await.unwrap().status(), 202);
}

/// Status, the headers asked for, and the body.
async fn get<const N: usize>(
    world: &World,
    path: &str,
    names: [&str; N],
) -> (u16, [String; N], String) {
    let answer = world.request(Method::GET, path).send().await.unwrap();
    let headers = names.map(|name| {
        let value = answer.headers().get(name);
        value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    });
    let status = answer.status().as_u16();
    (status, headers, answer.text().await.unwrap())
}

#[tokio::test]
async fn hostile_mails_are_shown_and_run_nothing() {
    let world = World::with_workflow().await;
    let mail = world.stack.mail.as_ref().unwrap();
    assert_eq!(world.get("/api/mails").await, json!([]));
    send(&world, mail).await;

    // Data is JSON, which no browser takes for a page; the script writes it as text only.
    for path in ["/api/mails", "/api/mails/1"] {
        let names = ["content-type", "x-content-type-options"];
        let (status, headers, body) = get(&world, path, names).await;
        assert_eq!(
            (status, headers),
            (200, ["application/json", "nosniff"].map(str::to_owned))
        );
        let value: Value = serde_json::from_str(&body).unwrap();
        let mail = value.get(0).unwrap_or(&value);
        assert_eq!(mail["subject"], HOSTILE, "{path}");
        assert_eq!(mail["url"], "/api/mails/1/eml");
    }
    assert_eq!(world.get("/api/mails/1").await["plainText"], HOSTILE);
    let scripts = [
        "main",
        "messages",
        "lists",
        "dialog",
        "way",
        "pulse",
        "receivers",
        "faults",
        "dom",
    ];
    for path in scripts.map(|name| format!("/script/{name}.js")) {
        let (status, _, script) = get(&world, &path, []).await;
        assert_eq!(status, 200, "{path}");
        for unsafe_way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
        ] {
            assert!(!script.contains(unsafe_way), "{path}: {unsafe_way}");
        }
        if path.ends_with("/dialog.js") {
            assert!(script.contains(r#"el("iframe", { sandbox: "","#), "{path}");
        }
    }

    let names = ["content-security-policy", "content-type"];
    let (status, [policy, content_type], html) = get(&world, "/api/mails/1/html", names).await;
    assert_eq!((status, html.as_str()), (200, HTML));
    assert!(
        policy.starts_with("sandbox; default-src 'none';"),
        "{policy}"
    );
    assert_eq!(content_type, "text/html; charset=utf-8");
    for path in ["/api/mails/2", "/api/mails/2/html", "/api/mails/2/eml"] {
        assert_eq!(get(&world, path, []).await.0, 404, "{path}");
    }
    world.stack.stop().await;
}

#[tokio::test]
async fn a_mail_can_be_taken_as_the_file_that_is_kept() {
    let world = World::with_workflow().await;
    let mail = world.stack.mail.as_ref().unwrap();
    send(&world, mail).await;
    let names = ["content-type", "content-disposition"];
    let (status, headers, file) = get(&world, "/api/mails/1/eml", names).await;
    assert_eq!(status, 200);
    let expected = ["message/rfc822", "attachment; filename=\"1.eml\""];
    assert_eq!(headers, expected.map(str::to_owned));
    assert_eq!(file.as_bytes(), mail.mails()[0].eml);

    let shown = &world.get("/api/mails/1").await["attachments"][0];
    assert_eq!(
        (&shown["name"], &shown["body"]["length"]),
        (&json!("\"\r\nx\"é.json"), &json!(9))
    );
    let url = shown["url"].as_str().unwrap();
    let attached = world.request(Method::GET, url).send().await.unwrap();
    assert_eq!(
        attached.headers()["content-type"],
        "application/octet-stream"
    );
    assert_eq!(attached.headers()["content-disposition"], "attachment");
    assert_eq!(&attached.bytes().await.unwrap()[..], b"{\"a\":\"\xff\"}");
    let (status, _, problem) = get(&world, "/api/mails/1/attachments/1", []).await;
    assert!(
        status == 404 && problem.contains("mail 1 has no attachment 1"),
        "{problem}"
    );
    world.stack.stop().await;
}
