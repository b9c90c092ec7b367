//! A stage: queue, door, storage and Logic App on free ports, and the real binary pointed at them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use blob::{BlobEndpoint, Conditions, Upload};
use bus::{
    Accepted, DeadLetter, DeadLetterReason, Message, Queue, QueueOptions, RestDoor, RestOptions,
};
use logic_app::LogicApp;
use order_items_reserver::order::SessionId;
use serde_json::Value;
use stand_in::{Clock, Connection, Method, Request};
use testkit::fixture::Folder;
use testkit::net::listener;
use testkit::within;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;
use tokio::process::{Child, Command};

/// When message 0 would have been enqueued; each later one a second later.
pub(crate) const START: OffsetDateTime = datetime!(2026-05-04 09:30:10 UTC);

pub(crate) struct Stage {
    pub(crate) queue: Queue,
    pub(crate) door: RestDoor,
    pub(crate) blobs: BlobEndpoint,
    pub(crate) mails: LogicApp,
    folder: Folder,
}

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(QueueOptions::default()).await
    }

    pub(crate) async fn with(options: QueueOptions) -> Self {
        let folder = Folder::new();
        let queue = Queue::new("order-items", options, Clock::new());
        let blobs = BlobEndpoint::start(listener().await).unwrap();
        let mails = LogicApp::start(listener().await).unwrap();
        let door = listener().await;
        let connection = format!(
            "Endpoint=sb://{};SharedAccessKeyName=Root;SharedAccessKey=key-of-the-stage;UseDevelopmentEmulator=true",
            door.local_addr().unwrap()
        );
        let options = RestOptions {
            queues: vec![queue.clone()],
            key: Connection::parse(&connection).unwrap().key,
            ..RestOptions::default()
        };
        let door = RestDoor::start(door, options).unwrap();
        let settings = serde_json::json!({"IsEncrypted": false, "Values": {
            "ServiceBusConnection": connection,
            "ORDERS_QUEUE_NAME": "order-items",
            "OrdersStorage": blobs.connection_string(),
            "FALLBACK_URL": mails.url(),
            "UPLOAD_BACKOFF_BASE_MS": "1",
        }});
        fs::write(folder.join("local.settings.json"), settings.to_string()).unwrap();
        blobs.storage().create_container("orders").unwrap();
        Self {
            queue,
            door,
            blobs,
            mails,
            folder,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Changes one of the settings that the binary reads.
    pub(crate) fn set(&self, setting: &str, value: &str) {
        let file = self.folder.join("local.settings.json");
        let text = fs::read(&file).unwrap();
        let mut settings: Value = serde_json::from_slice(&text).unwrap();
        settings["Values"][setting] = value.into();
        fs::write(&file, settings.to_string()).unwrap();
    }

    /// The binary with the stage's settings and nothing of our own environment.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_order-items-ops"));
        command
            .env_clear()
            .current_dir(self.folder())
            .arg("--local")
            .args(arguments.split_whitespace())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) fn start(&self, arguments: &str) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Runs the binary to its end; the queue is empty when it is empty.
    pub(crate) async fn run(&self, arguments: &str) -> Ran {
        ended(self.start(&format!("{arguments} --wait 0"))).await
    }

    /// Adds a dead letter of `session` under `sequence`, enqueued so many seconds after [`START`].
    pub(crate) fn add_letter(&self, sequence: u64, session: &str, body: impl Into<Vec<u8>>) {
        let at = i64::try_from(sequence).unwrap();
        self.add_letter_at(sequence, at, session, body);
    }

    pub(crate) fn add_letter_at(
        &self,
        sequence: u64,
        seconds: i64,
        session: &str,
        body: impl Into<Vec<u8>>,
    ) {
        let message = Message::new(body.into())
            .with_session(session)
            .with_id(format!("m-{sequence}"));
        self.queue
            .add_dead_letter(letter(sequence, seconds, message));
    }

    /// Stores an order as the function would have.
    pub(crate) fn store(&self, session: &str, sequence: u64, seconds: i64, body: &str) {
        let upload = Upload {
            bytes: body.to_owned().into(),
            metadata: BTreeMap::from([
                ("sequence".to_owned(), sequence.to_string()),
                ("enqueued".to_owned(), at(seconds)),
            ]),
            content_type: "application/json".to_owned(),
        };
        let storage = self.blobs.storage();
        let name = blob_name(session);
        storage
            .put("orders", &name, upload, &Conditions::default())
            .unwrap();
    }

    /// Saves a file by hand, now.
    pub(crate) fn save(&self, session: &str, body: &str) {
        let upload = Upload {
            bytes: body.to_owned().into(),
            metadata: BTreeMap::new(),
            content_type: "application/json".to_owned(),
        };
        let name = blob_name(session);
        let storage = self.blobs.storage();
        storage
            .put("orders", &name, upload, &Conditions::default())
            .unwrap();
    }

    /// What is stored, whoever wrote it.
    pub(crate) fn saved(&self, session: &str) -> String {
        let blob = self.blobs.blob("orders", &blob_name(session)).unwrap();
        String::from_utf8(blob.bytes.to_vec()).unwrap()
    }

    /// Sequence number and body of what is stored.
    pub(crate) fn stored(&self, session: &str) -> Option<(u64, String)> {
        let blob = self.blobs.blob("orders", &blob_name(session))?;
        let body = String::from_utf8(blob.bytes.to_vec()).unwrap();
        Some((blob.metadata["sequence"].parse().unwrap(), body))
    }

    /// The sequence numbers that a session's blob has had, oldest first.
    pub(crate) fn history(&self, session: &str) -> Vec<u64> {
        let history = self.blobs.history("orders", &blob_name(session));
        let numbers = history.iter().map(|blob| &blob.metadata["sequence"]);
        numbers.map(|number| number.parse().unwrap()).collect()
    }

    /// The numbers of the letters that were mailed, in order.
    pub(crate) fn mailed(&self) -> Vec<u64> {
        let mails = self.mails.received();
        let mut numbers: Vec<u64> = mails
            .iter()
            .map(|mail| {
                let mail: Value = serde_json::from_slice(&mail.body).unwrap();
                mail["failure"]["sequenceNumber"].as_u64().unwrap()
            })
            .collect();
        numbers.sort_unstable();
        numbers
    }

    /// The numbers of the letters that are still there, in order.
    pub(crate) fn left(&self) -> Vec<u64> {
        let letters = self.queue.dead_letters();
        let mut numbers: Vec<u64> = letters.iter().map(|it| it.accepted.sequence).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Every letter that is left is free.
    pub(crate) fn assert_all_given_back(&self) {
        let free = std::iter::from_fn(|| self.queue.try_receive_dead_letter());
        assert_eq!(free.count(), self.left().len(), "a letter is still locked");
    }

    /// Requests of a method that the queue's door saw.
    pub(crate) fn asked(&self, method: &Method) -> Vec<Request> {
        let requests = self.door.requests().into_iter();
        requests.filter(|it| it.method == *method).collect()
    }
}

pub(crate) fn letter(sequence: u64, seconds: i64, message: Message) -> DeadLetter {
    let enqueued = START + time::Duration::seconds(seconds);
    DeadLetter {
        accepted: Accepted {
            sequence,
            enqueued,
            expires: enqueued + time::Duration::days(14),
            message,
        },
        delivery_count: 10,
        at: enqueued + time::Duration::minutes(5),
        reason: DeadLetterReason::MaxDeliveryCountExceeded,
    }
}

pub(crate) fn at(seconds: i64) -> String {
    let time = START + time::Duration::seconds(seconds);
    time.format(&Rfc3339).unwrap()
}

pub(crate) fn cart(session: &str, sequence: u64) -> String {
    format!(r#"{{ "id":"{session}","products":[{{"id":8,"quantity":{sequence}}}] }}"#)
}

pub(crate) async fn ended(child: Child) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = within("the end of the run", child.wait_with_output())
        .await
        .unwrap();
    Ran {
        code: status.code(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

fn blob_name(session: &str) -> String {
    SessionId::new(session).unwrap().blob_name().to_string()
}
