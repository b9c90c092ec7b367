//! The process as its host and its operator see it: arguments, settings, exit codes, lines of log.
#![cfg(test)]

use std::process::Stdio;

use devstack::blob::{ACCOUNT_KEY, BlobEndpoint};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    net::TcpStream,
    process::{Child, Command},
    task::JoinSet,
};

use crate::support::{
    Azurite, Handler, Message, Rig, Scripted, Step,
    handler::{BINARY, INVOCATION_ID, Run, run},
    listener,
    message::TRACE_ID,
    nobody,
    rig::{accepting, settings, storage_at},
    scripted::{answer, answering, refusing},
    until, within,
};

/// `EX_USAGE`, `EX_UNAVAILABLE`, `EX_OSERR` of `sysexits.h`.
const USAGE: Option<i32> = Some(64);
const UNAVAILABLE: Option<i32> = Some(69);
const OS: Option<i32> = Some(71);

#[tokio::test]
async fn version_and_help_need_no_settings() {
    for argument in ["--version", "-V"] {
        let version = run(&[argument], &[]).await;
        assert_eq!(version.code, Some(0));
        let expected = concat!("order-items-reserver ", env!("CARGO_PKG_VERSION"), "\n");
        assert_eq!(
            (version.stdout.as_str(), version.stderr.as_str()),
            (expected, "")
        );
    }
    for argument in ["--help", "-h"] {
        let help = run(&[argument], &[]).await;
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
        for word in [
            "--check",
            "--version",
            "--help",
            "FUNCTIONS_CUSTOMHANDLER_PORT",
        ] {
            assert!(help.stdout.contains(word), "{word}: {}", help.stdout);
        }
    }
}

#[tokio::test]
async fn an_unknown_argument_is_named_and_refused() {
    for arguments in [
        &["--chekc"][..],
        &["serve"],
        &["--check", "now"],
        &["--help", "me"],
        &[""],
    ] {
        let refused = run(arguments, &[]).await;
        assert_eq!(refused.code, USAGE, "{arguments:?}");
        assert_eq!(refused.stdout, "");
        assert!(refused.stderr.contains(arguments[0]), "{}", refused.stderr);
        assert!(refused.stderr.contains("usage:"), "{}", refused.stderr);
    }
}

#[tokio::test]
async fn missing_settings_are_all_named_at_once() {
    for arguments in [&[][..], &["--check"]] {
        let refused = run(arguments, &[("OrdersStorage", "  ".to_owned())]).await;
        assert_eq!(refused.code, USAGE);
        for name in [
            "OrdersStorage",
            "OrdersStorage__blobServiceUri",
            "FALLBACK_URL",
        ] {
            assert!(refused.stderr.contains(name), "{name}: {}", refused.stderr);
        }
    }
}

#[tokio::test]
async fn wrong_settings_are_all_named_at_once_and_no_secret_is_shown() {
    const SECRET: &str = "S3cr3tS3cr3t";
    let wrong = [
        (
            "OrdersStorage",
            format!("AccountName={SECRET};AccountKey=*{SECRET}*"),
        ),
        (
            "FALLBACK_URL",
            format!("http://logic.example/{SECRET}?sig={SECRET}"),
        ),
        ("ORDERS_CONTAINER", "No Container".to_owned()),
        ("UPLOAD_ATTEMPT_TIMEOUT_MS", "0".to_owned()),
        ("UPLOAD_BACKOFF_BASE_MS", "soon".to_owned()),
        ("FALLBACK_TIMEOUT_MS", "-1".to_owned()),
        ("FUNCTIONS_CUSTOMHANDLER_PORT", "65536".to_owned()),
        ("OrdersStorage__credential", "certificate".to_owned()),
    ];
    let refused = run(&[], &wrong).await;
    assert_eq!(refused.code, USAGE);
    for (name, _) in &wrong {
        assert!(
            refused.stderr.contains(&format!("\n  {name}: ")),
            "{name}: {}",
            refused.stderr
        );
    }
    assert!(!refused.stderr.contains(SECRET), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
}

#[tokio::test]
async fn settings_that_cannot_keep_the_time_budget_are_refused() {
    let (storage, fallback) = (nobody(), nobody());
    let mut settings = settings(&storage_at(storage.address), fallback.address);
    settings.retain(|(name, _)| !name.ends_with("_MS"));
    settings.push(("UPLOAD_ATTEMPT_TIMEOUT_MS", "60000".to_owned()));
    let refused = run(&["--check"], &settings).await;
    assert_eq!(refused.code, USAGE);
    assert!(
        refused.stderr.contains("functionTimeout"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn a_port_that_is_taken_ends_the_process_with_an_error() {
    let taken = listener().await;
    let port = taken.local_addr().unwrap().port();
    let (storage, fallback) = (nobody(), nobody());
    let mut settings = settings(&storage_at(storage.address), fallback.address);
    settings.push(("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string()));
    let refused = run(&[], &settings).await;
    assert_eq!(refused.code, OS);
    assert!(
        refused.stderr.contains(&port.to_string()),
        "{}",
        refused.stderr
    );
}

async fn check(storage: &str, fallback: &Scripted) -> Run {
    run(&["--check"], &settings(storage, fallback.address)).await
}

fn assert_checked(run: &Run, code: Option<i32>, storage: &str, fallback: &str) {
    assert_eq!(run.code, code, "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    let [_, about_storage, about_fallback] = lines[..] else {
        panic!("three lines: {run:?}");
    };
    assert!(
        about_storage.starts_with("storage ") && about_storage.contains(storage),
        "{run:?}"
    );
    assert!(
        about_fallback.starts_with("fallback") && about_fallback.contains(fallback),
        "{run:?}"
    );
}

#[tokio::test]
async fn check_reaches_storage_and_fallback_and_writes_nothing() {
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    let fallback = Scripted::start([], answering("404 Not Found", "")).await;
    let storage = endpoint.connection_string();
    assert_checked(&check(&storage, &fallback).await, Some(0), "ok: ", "ok: ");
    endpoint.storage().create_container("orders").unwrap();
    assert_checked(&check(&storage, &fallback).await, Some(0), "ok: ", "ok: ");
    let requests = endpoint.requests();
    let methods: Vec<String> = requests
        .iter()
        .map(|request| request.method.to_string())
        .collect();
    assert!(
        methods
            .iter()
            .all(|method| ["GET", "HEAD"].contains(&method.as_str())),
        "{methods:?}"
    );
    assert_eq!(methods.len(), 2, "one look each");
    assert_eq!(
        fallback.methods(),
        ["HEAD"; 2],
        "nothing that starts a workflow"
    );
    assert_eq!(fallback.seen()[0].target(), "/", "no signature either");
}

#[tokio::test]
async fn check_works_against_a_real_azurite_without_container() {
    let Some(azurite) = Azurite::get() else {
        return;
    };
    let fallback = Scripted::start([], accepting()).await;
    let mut settings = settings(&azurite.connection_string(), fallback.address);
    settings.push(("ORDERS_CONTAINER", "checked-only".to_owned()));
    for _ in 0..2 {
        let checked = run(&["--check"], &settings).await;
        assert_checked(
            &checked,
            Some(0),
            "missing; the first order creates it",
            "ok: ",
        );
    }
}

#[tokio::test]
async fn check_fails_for_each_side_that_does_not_answer() {
    let nobody = nobody();
    let fallback = Scripted::start([], accepting()).await;
    let run_dead = check(&storage_at(nobody.address), &fallback).await;
    assert_checked(&run_dead, UNAVAILABLE, "FAILED: ", "ok: ");
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    let settings = settings(&endpoint.connection_string(), nobody.address);
    let run_dead = run(&["--check"], &settings).await;
    assert_checked(&run_dead, UNAVAILABLE, "ok: ", "FAILED: ");
    for (answer, named) in [
        (
            refusing("403 Forbidden", "AuthorizationFailure"),
            "403 AuthorizationFailure",
        ),
        (
            refusing("503 Service Unavailable", "ServerBusy"),
            "503 ServerBusy",
        ),
        (vec![Step::ReadAll, Step::Reset], "unreachable"),
    ] {
        let storage = Scripted::start([], answer).await;
        let refused = check(&storage_at(storage.address), &fallback).await;
        assert_checked(&refused, UNAVAILABLE, named, "ok: ");
        assert_eq!(storage.seen().len(), 1, "asked once");
    }
}

/// The fields that every line about an invocation has.
const FIELDS: [&str; 10] = [
    "invocation_id",
    "session",
    "message_id",
    "sequence_number",
    "delivery_count",
    "outcome",
    "attempts",
    "blob_name",
    "duration_ms",
    "trace_id",
];

fn assert_line(line: &Value, message: &Message, outcome: &str, attempts: u32) {
    for field in FIELDS {
        assert!(!line[field].is_null(), "{field}: {line}");
    }
    assert_eq!(line["invocation_id"], INVOCATION_ID);
    assert_eq!(line["session"], message.session);
    assert_eq!(line["message_id"], message.id);
    assert_eq!(line["sequence_number"], message.sequence);
    assert_eq!(line["delivery_count"], message.delivery_count);
    assert_eq!(line["outcome"], outcome);
    assert_eq!(line["attempts"], attempts);
    assert_eq!(line["blob_name"], message.blob_name());
    assert!(line["duration_ms"].is_number(), "{line}");
    assert_eq!(line["trace_id"], TRACE_ID);
}

#[tokio::test]
async fn every_invocation_is_one_line_of_json_on_the_stream_of_its_severity() {
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    let forward = vec![
        Step::ReadAll,
        Step::Forward(endpoint.address()),
        Step::Relay,
    ];
    let storage = Scripted::start([], forward).await;
    let fallback = Scripted::start([accepting()], answering("502 Bad Gateway", "")).await;
    let mut rig = Rig::start(storage, fallback, &[]).await;
    let (older, newer) = (
        Message::new("a/b\n\"quoted\"", 7),
        Message::new("a/b\n\"quoted\"", 8),
    );
    let (handed, abandoned) = (Message::new("handed", 9), Message::new("abandoned", 10));
    rig.handler.deliver(&newer).await;
    rig.handler.deliver(&older).await;
    for message in [&handed, &abandoned] {
        for _ in 0..4 {
            rig.storage
                .next(refusing("503 Service Unavailable", "ServerBusy"));
        }
        rig.handler.deliver(message).await;
    }
    rig.handler
        .door
        .post(b"no invocation".to_vec())
        .await
        .unwrap();
    rig.handler.kill().await;
    let (out, err) = (rig.handler.stdout.outcomes(), rig.handler.stderr.outcomes());
    assert_eq!((out.len(), err.len()), (2, 3), "{out:?} {err:?}");
    assert_line(&out[0], &newer, "stored", 1);
    assert_line(&out[1], &older, "superseded", 1);
    assert_line(&err[0], &handed, "handed over", 4);
    assert_line(&err[1], &abandoned, "abandoned", 4);
    let levels: Vec<&Value> = out.iter().chain(&err).map(|line| &line["level"]).collect();
    assert_eq!(levels, ["INFO", "INFO", "WARN", "ERROR", "ERROR"]);
    assert_eq!(
        err[0]["reason"],
        "upload could not be confirmed: 503 ServerBusy"
    );
    assert_eq!(err[1]["error"], "fallback answered 502");
    assert_eq!(err[2]["outcome"], "refused");
    assert_eq!(err[2]["invocation_id"], INVOCATION_ID);
    let all = [rig.handler.stdout.all(), rig.handler.stderr.all()].concat();
    assert_eq!(all.len(), 6, "those, and the one about listening: {all:#?}");
}

/// What must never be seen, one word for each kind.
const BODY: &str = "canary-of-the-body";
const EMAIL: &str = "canary@example.com";
const SAS: &str = "canary%2Bof%2Bthe%2BSAS";
const SIGNATURE: &str = "canary-of-the-trigger";

fn assert_discreet(lines: &[String]) {
    assert!(!lines.is_empty());
    for line in lines {
        for secret in ["canary", ACCOUNT_KEY, "Bearer", "SharedKey"] {
            assert!(!line.contains(secret), "{secret}: {line}");
        }
    }
}

/// Messages that end in every way there is, all with what must not be shown.
fn telling_bodies() -> [String; 7] {
    [
        format!(r#"{{"id":"cart","email":"{EMAIL}","note":"{BODY}"}}"#),
        format!(r#"{{"id":"cart","email":"{EMAIL}","products":"{BODY}"}}"#),
        format!(r#"{{"id":{{"{EMAIL}":"{BODY}"}}}}"#),
        format!(r#"{{"id":"{BODY}","id":"{EMAIL}"}}"#),
        format!(r#"{{"email":"{EMAIL}" "{BODY}"#),
        format!(r#"["{EMAIL}","{BODY}"]"#),
        format!("{BODY} {EMAIL}"),
    ]
}

/// Ends every telling body in every way that these two servers lead to, all at once.
async fn talk(settings: &[(&'static str, String)]) -> Vec<String> {
    let mut handler = Handler::start(settings).await;
    let mut talking = JoinSet::new();
    for (number, body) in (1..).zip(telling_bodies()) {
        let mut message = Message::new(&format!("cart-{number}"), number);
        message.body = body.clone().into();
        // The same text once more, where the envelope should be.
        for invocation in [message.invocation(), body.into_bytes()] {
            let door = handler.door.clone();
            talking.spawn(async move { door.post(invocation).await.unwrap().body });
        }
    }
    let answers = talking.join_all().await;
    handler.kill().await;
    [answers, handler.stdout.all(), handler.stderr.all()].concat()
}

#[tokio::test]
async fn no_output_ever_holds_a_body_an_address_or_a_secret() {
    let dead = nobody();
    let reset = Scripted::start([], vec![Step::ReadAll, Step::Reset]).await;
    let taking = Scripted::start([], accepting()).await;
    let storing = Scripted::start([], answering("201 Created", "etag: \"1\"\r\n")).await;
    let sas = |address| {
        format!("BlobEndpoint=http://{address}/account;SharedAccessSignature=sv=1&sig={SAS}")
    };
    let trigger = |address| format!("http://{address}/invoke?sp=%2Frun&sig={SIGNATURE}");
    let mut running = JoinSet::new();
    for level in ["info", "trace"] {
        for (storage, fallback) in [
            (storing.address, taking.address),
            (dead.address, taking.address),
            (reset.address, taking.address),
            (dead.address, dead.address),
            (reset.address, reset.address),
        ] {
            for storage in [sas(storage), storage_at(storage)] {
                let settings = vec![
                    ("OrdersStorage", storage),
                    ("FALLBACK_URL", trigger(fallback)),
                    ("UPLOAD_BACKOFF_BASE_MS", "1".to_owned()),
                    ("RUST_LOG", level.to_owned()),
                ];
                running.spawn(async move {
                    let checked = run(&["--check"], &settings).await;
                    assert_discreet(&[checked.stdout, checked.stderr]);
                    assert_discreet(&talk(&settings).await);
                });
            }
        }
    }
    running.join_all().await;
}

/// A process that is nobody's child any more, killed when this is dropped.
struct Orphan {
    id: String,
    lines: BufReader<tokio::process::ChildStdout>,
    host: Child,
}

impl Orphan {
    /// A shell in the host's place starts the handler and stays until it is told to go.
    async fn start(settings: &[(&str, String)]) -> (Self, u16) {
        let mut host = Command::new("/bin/sh")
            .args(["-c", &format!("'{BINARY}' 2>&1 & echo $!; read -r _")])
            .env_clear()
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut orphan = Self {
            id: String::new(),
            lines: BufReader::new(host.stdout.take().unwrap()),
            host,
        };
        let port = within("the handler to listen", async {
            let mut port = None;
            while orphan.id.is_empty() || port.is_none() {
                let mut line = String::new();
                orphan.lines.read_line(&mut line).await.unwrap();
                assert!(!line.is_empty(), "it ended");
                match serde_json::from_str::<Value>(&line).unwrap() {
                    Value::Number(id) => orphan.id = id.to_string(),
                    line => port = line["port"].as_u64(),
                }
            }
            u16::try_from(port.unwrap()).unwrap()
        });
        let port = port.await;
        (orphan, port)
    }

    /// The host goes, and the handler is left behind.
    async fn leave(&mut self) {
        drop(self.host.stdin.take());
        within("the end of the host", self.host.wait())
            .await
            .unwrap();
    }

    /// Whether there still is such a process.
    fn lives(&self) -> bool {
        std::fs::read_to_string(format!("/proc/{}/stat", self.id))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        if self.lives() {
            std::process::Command::new("/bin/kill")
                .args(["-9", &self.id])
                .status()
                .ok();
        }
    }
}

#[tokio::test]
async fn a_handler_whose_host_is_gone_leaves_with_an_error() {
    let (storage, fallback) = (nobody(), nobody());
    let mut settings = settings(&storage_at(storage.address), fallback.address);
    settings.push(("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", "worker".to_owned()));
    let (mut orphan, port) = Orphan::start(&settings).await;
    assert!(orphan.lives());
    orphan.leave().await;
    let mut rest = String::new();
    within(
        "the end of the handler",
        orphan.lines.read_to_string(&mut rest),
    )
    .await
    .unwrap();
    // Nobody can wait for a process that is not its child: its last words stand for its code.
    assert!(rest.contains("the Functions host is gone"), "{rest}");
    until("the end of the process", || !orphan.lives()).await;
    assert!(
        TcpStream::connect(("127.0.0.1", port)).await.is_err(),
        "the port is free again"
    );
}

#[tokio::test]
async fn a_handler_without_host_stays_when_its_parent_goes() {
    let (storage, fallback) = (nobody(), nobody());
    let settings = settings(&storage_at(storage.address), fallback.address);
    let (mut orphan, port) = Orphan::start(&settings).await;
    orphan.leave().await;
    // Twice as long as a hosted one takes to notice.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert!(orphan.lives());
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_ok());
}

#[tokio::test]
async fn a_killed_handler_serves_again_with_no_recovery_step() {
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    let fallback = Scripted::start([], accepting()).await;
    let settings = settings(&endpoint.connection_string(), fallback.address);
    for life in 1..=3 {
        let mut handler = Handler::start(&settings).await;
        let message = Message::new("cart", life);
        assert_eq!(handler.deliver(&message).await.status, 200);
        assert_eq!(handler.line().await["outcome"], "stored");
        let stored = endpoint.blob("orders", "cart.json").unwrap();
        assert_eq!(stored.bytes, message.body);
        handler.kill().await;
    }
    assert!(fallback.seen().is_empty());
}

/// App Service hands out tokens at `IDENTITY_ENDPOINT`; storage is https, and nobody is there.
fn with_identity(endpoint: &Scripted, fallback: &Scripted) -> Vec<(&'static str, String)> {
    let mut settings = settings("", fallback.address);
    settings.extend([
        (
            "OrdersStorage__blobServiceUri",
            "https://127.0.0.1:1/".to_owned(),
        ),
        ("OrdersStorage__credential", "managedidentity".to_owned()),
        (
            "IDENTITY_ENDPOINT",
            format!("http://{}/msi/token", endpoint.address),
        ),
        ("IDENTITY_HEADER", "canary-of-the-header".to_owned()),
    ]);
    settings
}

fn token_query(seen: &crate::support::Seen) -> Vec<(String, String)> {
    assert_eq!(seen.method(), "GET");
    assert_eq!(
        seen.header("x-identity-header").as_deref(),
        Some("canary-of-the-header")
    );
    let url = url::Url::parse(&format!("http://localhost{}", seen.target())).unwrap();
    assert_eq!(url.path(), "/msi/token");
    let mut query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    query.sort();
    query
}

fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

const API_VERSION: (&str, &str) = ("api-version", "2019-08-01");
const RESOURCE: (&str, &str) = ("resource", "https://storage.azure.com");

#[tokio::test]
async fn a_managed_identity_asks_the_apps_endpoint_once_and_says_what_failed() {
    const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
    for (status, client) in [
        ("400 Bad Request", Some(CLIENT)),
        ("400 Bad Request", None),
        ("404 Not Found", None),
        ("409 Conflict", None),
        ("412 Precondition Failed", None),
        ("429 Too Many Requests", None),
        ("500 Internal Server Error", Some(CLIENT)),
        ("503 Service Unavailable", None),
    ] {
        let endpoint = Scripted::start([], answering(status, "")).await;
        let fallback = Scripted::start([], accepting()).await;
        let mut settings = with_identity(&endpoint, &fallback);
        let mut expected = vec![API_VERSION, RESOURCE];
        if let Some(client) = client {
            settings.push(("OrdersStorage__clientId", client.to_owned()));
            expected.insert(1, ("client_id", client));
        }
        let checked = run(&["--check"], &settings).await;
        assert_checked(&checked, UNAVAILABLE, "no token for the storage", "ok: ");
        let seen = endpoint.seen();
        assert_eq!(seen.len(), 1, "no retries of the SDK's own: {status}");
        assert_eq!(token_query(&seen[0]), query(&expected));
        assert!(!checked.stdout.contains("canary-of"), "{}", checked.stdout);
    }
}

#[tokio::test]
async fn an_identity_endpoint_alone_means_the_system_assigned_identity() {
    let endpoint = Scripted::start([], answering("400 Bad Request", "")).await;
    let fallback = Scripted::start([], accepting()).await;
    let mut settings = with_identity(&endpoint, &fallback);
    settings.retain(|(name, _)| *name != "OrdersStorage__credential");
    let checked = run(&["--check"], &settings).await;
    assert_checked(&checked, UNAVAILABLE, "no token for the storage", "ok: ");
    assert_eq!(
        token_query(&endpoint.seen()[0]),
        query(&[API_VERSION, RESOURCE])
    );
}

#[tokio::test]
async fn a_token_is_fetched_within_each_attempt_and_shown_nowhere() {
    let expires = "4102444800";
    let token = format!(
        r#"{{"access_token":"canary-token","expires_on":"{expires}","token_type":"Bearer","resource":"https://storage.azure.com"}}"#
    );
    let fallback = Scripted::start([], accepting()).await;
    for (reply, asked) in [
        // Without a token each attempt asks; with one, storage is what fails.
        (answer("500 Internal Server Error", "", "no identity"), 4),
        (
            answer("200 OK", "content-type: application/json\r\n", &token),
            1,
        ),
    ] {
        let endpoint = Scripted::start([], vec![Step::ReadAll, Step::Send(reply)]).await;
        let mut settings = with_identity(&endpoint, &fallback);
        settings.push(("RUST_LOG", "trace".to_owned()));
        let mut handler = Handler::start(&settings).await;
        handler.deliver(&Message::new("cart", 7)).await;
        let line = handler.line().await;
        assert_eq!(
            (&line["outcome"], &line["attempts"]),
            (&"handed over".into(), &4.into())
        );
        assert_eq!(endpoint.seen().len(), asked);
        handler.kill().await;
        assert_discreet(&[handler.stdout.all(), handler.stderr.all()].concat());
    }
}

/// Whoever reads the lines may go; the orders must not suffer for it.
#[tokio::test]
async fn a_handler_whose_output_nobody_reads_any_more_still_serves() {
    let storage = Scripted::start([], answering("201 Created", "etag: \"1\"\r\n")).await;
    let fallback = Scripted::start([], accepting()).await;
    let settings = settings(&storage_at(storage.address), fallback.address);
    for closed in ["stdout", "stderr", "both"] {
        let mut handler = Handler::start(&settings).await;
        handler
            .stop_reading(closed != "stderr", closed != "stdout")
            .await;
        for number in 1..=3 {
            let mut message = Message::new(&format!("{closed}-{number}"), number);
            assert_eq!(
                handler.deliver(&message).await.status,
                200,
                "{closed}, stored"
            );
            message.body = "poison".into();
            assert_eq!(
                handler.deliver(&message).await.status,
                200,
                "{closed}, handed over"
            );
        }
    }
}
