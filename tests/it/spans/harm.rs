//! Whoever takes the spans is down, slow, or talks nonsense; and how it all ends.

use serde_json::Value;
use testkit::net::nobody;
use testkit::scripted::{Scripted, Step, answer, answering};
use testkit::spans::{SpanReceiver, decode};
use testkit::{until, within};

use super::{ENDPOINT, exporting, storing};
use crate::support::handler::{BINARY, run};
use crate::support::rig::{accepting, settings, storage_at};
use crate::support::{Message, Rig};

/// What no line may quote.
const KEY: &str = "s3cretKey";

const SAID: &str = "spans are not exported";

/// The warnings about spans.
fn warnings(rig: &Rig) -> Vec<Value> {
    let lines = rig.handler.stderr.all().into_iter();
    let lines = lines.map(|line| serde_json::from_str::<Value>(&line).expect("a line of JSON"));
    let about = |line: &Value| {
        line["message"]
            .as_str()
            .is_some_and(|it| it.starts_with(SAID))
    };
    lines.filter(about).collect()
}

async fn rig_with(endpoint: &str, more: &[(&'static str, &str)]) -> Rig {
    let storage = Scripted::start([], storing()).await;
    let fallback = Scripted::start([], accepting()).await;
    let headers = format!("api-key={KEY}");
    let mut settings = vec![
        (ENDPOINT, endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS", headers.as_str()),
    ];
    settings.extend_from_slice(more);
    Rig::start(storage, fallback, &settings).await
}

/// Orders flow, one line tells, and the end is not held up for long.
async fn assert_harmless(name: &str, endpoint: &str, problem: &str) {
    // The end waits for no more than two seconds, and the limit of a request is longer.
    let limit = match problem {
        "no answer within" => "300",
        _ => "60000",
    };
    let mut rig = rig_with(endpoint, &[("OTEL_EXPORTER_OTLP_TIMEOUT", limit)]).await;
    for number in 1..=20 {
        let ended = rig.deliver(&Message::new("cart", number)).await;
        assert_eq!(
            (ended.answer.status, &ended.line["attempts"]),
            (200, &1.into()),
            "{name}"
        );
    }
    until(name, || !warnings(&rig).is_empty()).await;
    for number in 21..=40 {
        let ended = rig.deliver(&Message::new("cart", number)).await;
        assert_eq!(ended.answer.status, 200, "{name}");
    }
    assert_eq!(rig.storage.received().len(), 40, "{name}: nothing twice");
    let told = warnings(&rig);
    assert_eq!(told.len(), 1, "{name}: one line a minute: {told:?}");
    let said = told[0]["problem"].as_str().unwrap();
    assert!(said.starts_with(problem), "{name}: {said}");
    rig.handler.terminate().await;
    assert_eq!(rig.handler.ended().await.code(), Some(143), "{name}");
    let lines = [rig.handler.stdout.all(), rig.handler.stderr.all()].concat();
    for line in &lines {
        assert!(!line.contains(KEY), "{name}: {line}");
    }
    let last: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(
        last["message"], "spans were not exported: the program ends",
        "{name}"
    );
    assert!(last["lost"].as_u64().unwrap() > 0, "{name}: {last}");
}

#[tokio::test]
async fn nobody_there_harms_no_order() {
    let nobody = nobody();
    let endpoint = format!("http://{}", nobody.address);
    assert_harmless("nobody", &endpoint, "unreachable: ").await;
}

#[tokio::test]
async fn an_answer_that_is_no_yes_harms_no_order() {
    let elsewhere = SpanReceiver::start().await;
    let location = format!("location: {}/v1/traces\r\n", elsewhere.endpoint());
    let cut = vec![
        Step::ReadAll,
        Step::Send(b"HTTP/1.1 2".to_vec()),
        Step::Reset,
    ];
    let noise = vec![
        Step::ReadAll,
        Step::Send(b"\0\xff what\r\n\r\n".to_vec()),
        Step::Close,
    ];
    for (name, steps, problem) in [
        (
            "500",
            answering("500 Internal Server Error", ""),
            "the receiver answers 500",
        ),
        (
            "401",
            answering("401 Unauthorized", ""),
            "the receiver answers 401",
        ),
        (
            "429",
            answering("429 Too Many Requests", "retry-after: 9999\r\n"),
            "the receiver answers 429",
        ),
        (
            "redirected",
            answering("307 Temporary Redirect", &location),
            "the receiver answers 307",
        ),
        (
            "silent",
            vec![Step::ReadAll, Step::Hang],
            "no answer within",
        ),
        ("cut off", cut, "unreachable: "),
        ("noise", noise, "unreachable: "),
    ] {
        let receiver = Scripted::start([], steps).await;
        assert_harmless(name, &format!("http://{}", receiver.address), problem).await;
    }
    assert!(
        elsewhere.headers().is_empty(),
        "the key went to somebody else"
    );
}

/// A yes is a yes, whatever stands in it; but for how many spans it leaves out.
#[tokio::test]
async fn a_yes_with_anything_in_it_is_a_yes() {
    let endless = "x".repeat(100_000);
    for body in ["", "<html>", "\u{1}\u{2}", &endless] {
        let yes = vec![Step::ReadAll, Step::Send(answer("200 OK", "", body))];
        let receiver = Scripted::start([], yes).await;
        let mut rig = rig_with(&format!("http://{}", receiver.address), &[]).await;
        rig.deliver(&Message::new("cart", 1)).await;
        until("a request", || !receiver.received().is_empty()).await;
        rig.handler.terminate().await;
        rig.handler.ended().await;
        assert_eq!(decode(receiver.received()[0].body()).len(), 2);
        assert_eq!(
            receiver.received()[0].header("api-key").as_deref(),
            Some(KEY)
        );
        let lines = rig.handler.stderr.all();
        assert!(lines.is_empty(), "{lines:?}");
    }
    // ExportTraceServiceResponse { partial_success { rejected_spans: 2 } }
    let partly = vec![
        Step::ReadAll,
        Step::Send(answer("200 OK", "", "\u{a}\u{2}\u{8}\u{2}")),
    ];
    let receiver = Scripted::start([], partly).await;
    let rig = rig_with(&format!("http://{}", receiver.address), &[]).await;
    rig.deliver(&Message::new("cart", 1)).await;
    let told = || rig.handler.stderr.all().concat();
    until("a line", || told().contains("\"lost\":2")).await;
}

#[tokio::test]
async fn what_failed_for_a_moment_arrives_once() {
    let busy = answering("503 Service Unavailable", "");
    let receiver = Scripted::start([busy], answering("200 OK", "")).await;
    let rig = rig_with(&format!("http://{}", receiver.address), &[]).await;
    rig.deliver(&Message::new("cart", 1)).await;
    until("the second try", || receiver.received().len() == 2).await;
    let told = || rig.handler.stdout.all().concat();
    until("a line", || told().contains("spans are exported again")).await;
    let [refused, taken] = &receiver.received()[..] else {
        panic!("two requests");
    };
    assert_eq!(refused.body(), taken.body());
    assert_eq!(decode(taken.body()).len(), 2);
}

/// What an order leaves in its last second is not lost when the process is told to end.
#[tokio::test]
async fn at_sigterm_what_waits_is_sent() {
    let receiver = SpanReceiver::start().await;
    let mut rig = exporting(storing(), &receiver).await;
    for number in 1..=300 {
        let answer = rig.handler.deliver(&Message::new("cart", number)).await;
        assert_eq!(answer.status, 200);
    }
    rig.handler.terminate().await;
    assert_eq!(rig.handler.ended().await.code(), Some(143));
    assert_eq!(receiver.spans().len(), 600);
    let lines = rig.handler.stderr.all();
    assert!(lines.is_empty(), "{lines:?}");
}

/// Without a word about spans there is no exporter: no request, and the end is the system's own.
#[tokio::test]
async fn turned_off_nothing_is_sent_and_nothing_waits() {
    let receiver = SpanReceiver::start().await;
    let endpoint = receiver.endpoint();
    let off = [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ];
    let mut rig = rig_with(&endpoint, &off).await;
    let message = Message::new("cart", 1);
    rig.deliver(&message).await;
    rig.handler.terminate().await;
    assert_eq!(
        rig.handler.ended().await.code(),
        None,
        "killed by the signal"
    );
    assert!(receiver.headers().is_empty());
    assert!(
        rig.handler
            .stdout
            .all()
            .iter()
            .all(|line| !line.contains("\"spans\""))
    );
}

#[tokio::test]
async fn what_cannot_be_done_stops_the_start_and_the_check_says_where_spans_go() {
    let nobody = nobody();
    let with = |more: &[(&'static str, &str)]| {
        let mut all = settings(&storage_at(nobody.address), nobody.address);
        all.extend(
            more.iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        all
    };
    for (more, said) in [
        (
            &[
                (ENDPOINT, "http://127.0.0.1:1"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ][..],
            "OTEL_EXPORTER_OTLP_PROTOCOL: `grpc` is not supported; expected http/protobuf",
        ),
        (
            &[(ENDPOINT, "127.0.0.1:4318")],
            "OTEL_EXPORTER_OTLP_ENDPOINT: not an http(s) URL; expected",
        ),
        (
            &[
                (ENDPOINT, "http://127.0.0.1:1"),
                ("OTEL_EXPORTER_OTLP_HEADERS", KEY),
            ],
            "OTEL_EXPORTER_OTLP_HEADERS: pair 1 is not name=value; expected",
        ),
    ] {
        let ended = run(&[], &with(more)).await;
        assert_eq!(ended.code, Some(64), "{ended:?}");
        assert!(ended.stderr.contains(said), "{ended:?}");
        assert!(!ended.stderr.contains(KEY), "{ended:?}");
        // Beside what else is wrong.
        let mut worse = with(more);
        worse.push(("ORDERS_CONTAINER", "X".to_owned()));
        let ended = run(&[], &worse).await;
        assert!(ended.stderr.contains(said) && ended.stderr.contains("ORDERS_CONTAINER"));
    }
    let ended = run(&["--check"], &with(&[])).await;
    assert!(
        ended
            .stdout
            .starts_with("settings  ok; no spans are exported"),
        "{ended:?}"
    );
    let secret = [(ENDPOINT, "https://otlp.example/x?key=s3cretKey")];
    let ended = run(&["--check"], &with(&secret)).await;
    assert!(
        ended.stdout.starts_with(
            "settings  ok; spans go to https://otlp.example/x/v1/traces (none was sent)\n"
        ),
        "{ended:?}"
    );
    assert!(!ended.stdout.contains(KEY));
}

/// A host that is gone takes no more spans than it takes orders; its handler still sends its own.
#[tokio::test]
async fn the_end_of_the_host_sends_what_waits_too() {
    let receiver = SpanReceiver::start().await;
    let storage = Scripted::start([], storing()).await;
    let mut all = settings(&storage_at(storage.address), storage.address);
    all.push((ENDPOINT, receiver.endpoint()));
    // A shell that ends leaves the handler to another parent.
    let script = r#"FUNCTIONS_CUSTOMHANDLER_PORT=0 FUNCTIONS_CUSTOMHANDLER_WORKER_ID=1 "$0" & read -r _; exit 1"#;
    let mut host = tokio::process::Command::new("sh");
    host.args(["-c", script, BINARY])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(all);
    host.stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true);
    let mut host = host.spawn().unwrap();
    let mut lines =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(host.stdout.take().unwrap()));
    let line = within("the handler", lines.next_line())
        .await
        .unwrap()
        .unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    let url = format!("http://127.0.0.1:{}/OrderItemsReserver", line["port"]);
    let client = azure_app::http_client::build("test").unwrap();
    let body = Message::new("cart", 1).invocation();
    assert_eq!(
        client.post(url).body(body).send().await.unwrap().status(),
        200
    );
    drop(host.stdin.take());
    host.wait().await.unwrap();
    receiver.wait(2, |_| true).await;
    within("the handler's end", async {
        while let Ok(Some(_)) = lines.next_line().await {}
    })
    .await;
}
