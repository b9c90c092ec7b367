//! What a stranger, a broken publisher or an attacker may send, to the real server on a real
//! socket. Every order is stored or handed over; nothing stops the next one.

mod connections;
mod stage;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use order_items_reserver::http::REQUEST_MAX;
use order_items_reserver::invocation::session_within;
use order_items_reserver::order::{SESSION_ID_MAX, SessionId};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use stage::{Answer, Stage, chunked, invocation, with_length};

#[tokio::test]
async fn garbage_is_refused_and_the_next_invocation_is_served() {
    let stage = Stage::set().await;
    let garbage: [&[u8]; 7] = [
        b"",
        b"\0",
        b"\xff\xfe\xfd",
        b"{\"Data\":",
        b"[[[[[[",
        b"<?xml version=\"1.0\"?>",
        &[b'['; 200_000],
    ];
    for request in garbage {
        for framed in [with_length(request), chunked(request)] {
            let mut connection = stage.connect().await;
            connection.write_all(&framed).await.unwrap();
            let answer = Answer::read(&mut connection).await;
            assert_eq!(answer.status, 400, "{}", answer.text);
            assert!(answer.error().contains("not an invocation"));
        }
    }
    assert!(stage.workflow.is_empty(), "the host gives these back");
    stage.assert_serves().await;
}

#[tokio::test]
async fn what_is_not_http_does_not_stop_the_server() {
    let stage = Stage::set().await;
    let requests: [&[u8]; 5] = [
        b"\r\n\r\n\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /OrderItemsReserver HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /OrderItemsReserver HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ];
    for request in requests {
        let mut connection = stage.connect().await;
        connection.write_all(request).await.unwrap();
        connection.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let end = connection.read_to_end(&mut answer);
        let ended = tokio::time::timeout(stage::SAFETY_NET, end).await;
        drop(ended.expect("an end, whichever"));
        let text = String::from_utf8_lossy(&answer);
        assert!(
            answer.is_empty() || text.starts_with("HTTP/1.1 4"),
            "{text}"
        );
    }
    stage.assert_serves().await;
}

/// The host's envelope takes more than the message: the limit must not be the message's.
#[tokio::test]
async fn a_message_of_300_kb_is_stored_in_every_encoding() {
    let stage = Stage::set().await;
    let plain = format!(r#"{{"id":"large","x":"{}"}}"#, "x".repeat(300_000));
    let control = format!(r#"{{"id":"large","x":"{}"}}"#, "\\u0001".repeat(50_000));
    let emoji = format!(r#"{{"id":"large","x":"{}"}}"#, "🐠".repeat(75_000));
    for body in [plain, control, emoji] {
        let doubly = Value::from(Value::from(body.as_str()).to_string());
        let text = json!({"Data": {"order": doubly}, "Metadata": {"x": doubly}}).to_string();
        for request in [invocation("large", body.as_bytes()), text.into_bytes()] {
            let answer = stage.invoke(&request).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert!(stage.shelf.blob("large.json").unwrap() == body);
        }
    }
}

/// Text mode escapes a control character twice, and passes a property on as Metadata too.
#[tokio::test]
async fn the_largest_message_of_the_tier_fits_in_its_worst_encoding() {
    let mut stage = Stage::set().await;
    let frame = r#"{"id":"S","x":""}"#;
    let worst = "\u{1}".repeat(256 * 1024 - frame.len());
    let body = format!(r#"{{"id":"S","x":"{worst}"}}"#);
    let doubly = |text: &str| Value::from(Value::from(text).to_string());
    let identifier = "x".repeat(4096);
    let metadata =
        json!({"x": doubly(&worst), "Client": {"Identifier": identifier}, "SessionId": "S"});
    let request = json!({"Data": {"order": doubly(&body)}, "Metadata": metadata});
    let answer = stage.invoke(request.to_string().as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(stage.notice().await["body"]["length"], 256 * 1024);
}

fn longer_than_allowed(by: usize) -> Vec<u8> {
    let mut request = br#"{"Data":{"order":""#.to_vec();
    let end = br#""},"Metadata":{"MessageId":"\"m\"","SessionId":"\"S \\u00e9\"","sys":{}}}"#;
    request.resize(REQUEST_MAX + by - end.len(), b'A');
    request.extend_from_slice(end);
    request
}

/// A client that writes all before it reads must find the answer, not a reset.
#[tokio::test]
async fn a_request_beyond_the_limit_is_refused_and_the_client_can_read_why() {
    let stage = Stage::set().await;
    for by in [1, 65_536, 3_000_000] {
        let request = longer_than_allowed(by);
        for framed in [with_length(&request), chunked(&request)] {
            let mut connection = stage.connect().await;
            connection.write_all(&framed).await.unwrap();
            let answer = Answer::read(&mut connection).await;
            assert_eq!(answer.status, 413);
            let error = answer.error();
            assert!(
                error.contains(&format!("longer than {REQUEST_MAX} bytes")),
                "{error}"
            );
            assert!(error.contains("262144 bytes"), "{error}");
            connection
                .write_all(&with_length(&invocation("after", b"{}")))
                .await
                .unwrap();
            let next = Answer::read(&mut connection).await;
            assert_eq!(next.status, 200, "the connection is still good");
        }
    }
    let mut exact = invocation("exact", b"{}");
    exact.resize(REQUEST_MAX, b' ');
    assert_eq!(stage.invoke(&exact).await.status, 200);
}

#[test]
fn the_session_of_a_request_beyond_the_limit_is_found_in_its_tail() {
    let request = longer_than_allowed(1);
    let tail = &request[request.len() - 64 * 1024..];
    assert_eq!(session_within(tail).as_deref(), Some("S é"));
    for (tail, expected) in [
        (
            &br#""SessionId":"\"a\"","SessionId":"\"b\"""#[..],
            Some("b"),
        ),
        (br#"AAAA"},"Metadata":{"SessionId" :"x"}}"#, None),
        (br#""SessionId":"plain"}}"#, Some("plain")),
        (br#""SessionId":8412}}"#, Some("8412")),
        (br#""SessionId":null}}"#, None),
        (br#""SessionId":"\"cut of"#, None),
        (br#""SessionId":"#, None),
        (br#""x":"\"SessionId\":\"forged\"""#, None),
        (br#""ReplyToSessionId":"\"r\"""#, None),
        (b"\xff\xfe\"SessionId\":\"\\\"s\\\"\"", Some("s")),
        (b"\"SessionId\":\"\xff\"", None),
        (b"", None),
    ] {
        let shown = String::from_utf8_lossy(tail);
        assert_eq!(session_within(tail).as_deref(), expected, "{shown}");
    }
    let deep = format!("\"SessionId\":{}", "[".repeat(60_000));
    assert_eq!(session_within(deep.as_bytes()), None);
}

#[tokio::test]
async fn depth_is_stored_or_handed_over_but_never_overflows() {
    const LEVELS: usize = 80_000;
    let mut stage = Stage::set().await;
    let lists = format!("{}{}", "[".repeat(LEVELS), "]".repeat(LEVELS));
    let objects = format!(
        "{}1{}",
        r#"{"a":"#.repeat(LEVELS / 2),
        "}".repeat(LEVELS / 2)
    );
    for deep in [&lists, &objects] {
        let orders = [
            format!(r#"{{"id":"deep","x":{deep}}}"#),
            format!(r#"{{"id":"deep","products":[{{"x":{deep}}}]}}"#),
            format!(r#"{{"id":"deep","products":[{{"quantity":{deep}}}]}}"#),
            format!(r#"{{"id":"deep","products":[{deep}]}}"#),
        ];
        for order in orders {
            let answer = stage.invoke(&invocation("deep", order.as_bytes())).await;
            assert_eq!(answer.status, 200);
            assert!(stage.shelf.blob("deep.json").unwrap() == order);
        }
        let poison = [
            format!(r#"{{"id":"deep","products":{{"a":{deep}}}}}"#),
            format!(r#"{{"id":"deep","products":[{{"quantity":{deep}}}}}"#),
            format!(r#"{{"id":"deep","x":{}"#, &deep[..LEVELS / 2]),
        ];
        for (index, body) in poison.iter().enumerate() {
            let answer = stage.invoke(&invocation("deep", body.as_bytes())).await;
            assert_eq!(answer.status, 200);
            let notice = stage.notice().await;
            assert_eq!(notice["failure"]["kind"], "unreadable", "{index}");
            assert_eq!(notice["body"]["length"], body.len());
        }
        let envelope = format!(
            r#"{{"X":{deep},"Data":{{"y":{deep},"order":"e30="}},"Metadata":{{"sys":{deep},"SessionId":"deep"}}}}"#
        );
        assert_eq!(stage.invoke(envelope.as_bytes()).await.status, 200);
        let object = format!(
            r#"{{"Data":{{"order":{{"id":"deep","x":{deep}}}}},"Metadata":{{"ApplicationProperties":{{"Diagnostic-Id":{deep}}}}}}}"#
        );
        assert_eq!(stage.invoke(object.as_bytes()).await.status, 200);
    }
}

#[tokio::test]
async fn bytes_that_are_no_utf_8_reach_a_person_as_they_are() {
    let mut stage = Stage::set().await;
    let body = b"{\"id\":\"S\",\"email\":\"k\xe4ufer@k\xf6ln.example\"}";
    let answer = stage.invoke(&invocation("S", body)).await;
    assert_eq!(answer.status, 200);
    let notice = stage.notice().await;
    assert_eq!(notice["body"]["encoding"], "base64");
    let data = notice["body"]["data"].as_str().unwrap();
    assert_eq!(STANDARD.decode(data).unwrap(), body);
    assert_eq!(notice["failure"]["sessionId"], "S");
    assert!(
        notice["failure"]["reason"]
            .as_str()
            .unwrap()
            .contains("not UTF-8: byte 20"),
        "{notice}"
    );
    assert!(stage.shelf.names().is_empty());
}

#[tokio::test]
async fn poison_goes_to_a_person_and_not_into_the_store() {
    let mut stage = Stage::set().await;
    let poison: [&[u8]; 8] = [
        b"",
        br#"{"id":"A","id":"B"}"#,
        br#"{"id":"A","products":[],"products":[{"id":2}]}"#,
        br#"{"id":"A","products":18446744073709551616}"#,
        br#"{"id":"A","products":{"quantity":1e400}}"#,
        b"\xff\xfe{\0}\0",
        b"{\"id\":\"A\"}\0",
        b"\x1f\x8b\x08\x00gzip",
    ];
    for body in poison {
        let answer = stage.invoke(&invocation("S", body)).await;
        assert_eq!(answer.status, 200);
        let notice = stage.notice().await;
        assert_eq!(notice["failure"]["attempts"], 0);
        assert_eq!(notice["body"]["length"], body.len());
    }
    assert!(stage.shelf.names().is_empty());
    let huge = br#"{"id":"S","total":123456789012345678901234567890.5e400,"x":-0}"#;
    assert_eq!(stage.invoke(&invocation("S", huge)).await.status, 200);
    assert_eq!(
        stage.shelf.blob("S.json").unwrap(),
        &huge[..],
        "unknown numbers are nobody's business"
    );
}

#[tokio::test]
async fn any_session_is_one_blob_of_its_own() {
    let stage = Stage::set().await;
    let sessions = [
        "/",
        "..",
        "../../etc/passwd",
        "a/b",
        "a\\b",
        ".",
        "%2e%2e",
        "%2e%2e%2f",
        "%00",
        "\0",
        "a\0b",
        "\u{1}\u{1f}\u{7f}",
        "\r\nX-Injected: 1",
        "\"",
        "'",
        "\"}],\"x\":\"",
        "\u{202e}gpj.exe",
        "\u{feff}",
        "עִבְרִית",
        "🐠",
        "?sig=x",
        "#",
        "a b",
        "{{7*7}}",
        "<script>",
        "$(id)",
        "CON",
        "orders",
        "x".repeat(SESSION_ID_MAX).leak(),
        "é".repeat(64).leak(),
    ];
    for session in sessions {
        let order = json!({"id": session}).to_string();
        let by_broker = stage.invoke(&invocation(session, b"{}")).await;
        assert_eq!(by_broker.status, 200, "{session:?}");
        let name = SessionId::new(session).unwrap().blob_name().to_string();
        assert_eq!(stage.shelf.blob(&name).unwrap(), "{}", "{session:?}");
        let by_body = json!({"Data": {"order": STANDARD.encode(&order)}}).to_string();
        assert_eq!(
            stage.invoke(by_body.as_bytes()).await.status,
            200,
            "{session:?}"
        );
        assert_eq!(stage.shelf.blob(&name).unwrap(), order, "{session:?}");
        assert!(by_broker.text.contains(&name), "{}", by_broker.text);
    }
    assert_eq!(stage.shelf.names().len(), sessions.len());
    assert!(stage.workflow.is_empty());
}

#[tokio::test]
async fn a_session_of_129_bytes_goes_to_a_person() {
    let mut stage = Stage::set().await;
    for session in ["x".repeat(129), "é".repeat(65)] {
        let answer = stage.invoke(&invocation(&session, b"{}")).await;
        assert_eq!(answer.status, 200);
        let notice = stage.notice().await;
        assert_eq!(notice["failure"]["sessionId"], session);
        let reason = notice["failure"]["reason"].as_str().unwrap();
        assert!(
            reason.contains(&format!("has {} bytes", session.len())),
            "{reason}"
        );
    }
    assert!(stage.shelf.names().is_empty());
}
