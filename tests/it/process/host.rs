//! The process and its host: it stays while it has one, and comes back after every kill.

use std::process::Stdio;

use blob::BlobEndpoint;
use serde_json::Value;
use testkit::net::{listener, nobody};
use testkit::scripted::Scripted;
use testkit::{until, within};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

use crate::support::handler::BINARY;
use crate::support::rig::{accepting, settings, storage_at};
use crate::support::{Handler, Message};

/// A process that is nobody's child any more, killed when this is dropped.
struct Orphan {
    id: String,
    lines: BufReader<ChildStdout>,
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
        assert_eq!(handler.line(&message).await["outcome"], "stored");
        let stored = endpoint.blob("orders", "cart.json").unwrap();
        assert_eq!(stored.bytes, message.body);
        handler.kill().await;
    }
    assert!(fallback.received().is_empty());
}
