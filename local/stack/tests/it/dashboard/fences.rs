//! Who gets in, and what the page may do.

use reqwest::Method;

use super::World;

#[tokio::test]
async fn other_sites_and_foreign_names_are_turned_away_before_anything_happens() {
    let world = World::start().await;
    let body = r#"{"body":"x"}"#;
    for (name, value) in [
        ("host", "rebound.example:5310"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://example.org"),
        ("content-type", "text/plain"),
    ] {
        let request = world
            .request(Method::POST, "/api/messages")
            .header(name, value);
        let response = request.body(body).send().await.unwrap();
        assert!(
            matches!(response.status().as_u16(), 403 | 415),
            "{name}: {value}"
        );
    }
    for read in [
        "/",
        "/script/main.js",
        "/api/state",
        "/api/events",
        "/api/faults",
        "/api/messages",
        "/api/messages/1",
        "/api/dead-letters",
        "/api/blobs",
        "/api/blobs/history",
        "/api/mails",
        "/api/mails/1/html",
        "/api/mails/1/eml",
        "/api/handed-over",
        "/api/nothing",
    ] {
        let rebound = world
            .request(Method::GET, read)
            .header("host", "rebound.example");
        assert_eq!(rebound.send().await.unwrap().status(), 403, "{read}");
    }
    assert_eq!(world.stack.queue.counts().active, 0);
    world.stack.stop().await;
}

#[tokio::test]
async fn the_page_is_small_and_its_policy_lets_only_its_own_script_run() {
    let world = World::start().await;
    let mut weight = 0;
    let scripts = [
        "main",
        "messages",
        "lists",
        "dialog",
        "dom",
        "way",
        "pulse",
        "faults",
        "receivers",
    ];
    let scripts = scripts.map(|name| format!("/script/{name}.js"));
    let others = ["/", "/style.css", "/favicon.svg"].map(str::to_owned);
    for path in others.iter().chain(&scripts) {
        let response = world.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        if path == "/" {
            let policy = response.headers()["content-security-policy"]
                .to_str()
                .unwrap();
            assert!(
                policy.starts_with("default-src 'none'; script-src 'self';"),
                "{policy}"
            );
            assert!(!policy.contains("unsafe"), "{policy}");
        }
        weight += response.bytes().await.unwrap().len();
    }
    assert!(weight < 100_000, "{weight} bytes");
    world.stack.stop().await;
}
