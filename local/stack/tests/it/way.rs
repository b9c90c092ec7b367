//! Where the time of a message goes, from its sender to its blob: figures for a person, of whatever
//! machine this is. `just stack-speed` runs it beside the release binaries, and has the other half.
//!
//! `cargo test --profile harness -p stack --test it way -- --ignored --nocapture`

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use bus::{QueueOptions, Transition};
use host::Event;
use host::app::Settings;
use stack::{Keep, Ports, Stack, StackOptions};
use stand_in::{Method, Moment, Seen};
use testkit::fixture::{AppFolder, Folder};
use testkit::workspace;
use time::OffsetDateTime;
use tokio::sync::broadcast::Receiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// Messages a second: one that has the stack for itself, and one among others.
const RATES: [u32; 2] = [100, 2_000];

/// So long they are sent.
const TIME: Duration = Duration::from_secs(4);

/// The first ones find connections that are not open yet, and a container that is not there.
const WARM: usize = 200;

/// What the function keeps with the order.
const NUMBER: &str = "sequence";

/// The moments of one message, each as the part has it that lived it.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    accepted: Option<OffsetDateTime>,
    handed_out: Option<OffsetDateTime>,
    put: Option<OffsetDateTime>,
    stored: Option<OffsetDateTime>,
    /// From the hand-out to the handler's answer.
    took: Option<Duration>,
}

impl Way {
    /// Wait, to the store, in the store, and back.
    fn stretches(&self) -> Option<[Duration; 4]> {
        let between = |from: OffsetDateTime, to: OffsetDateTime| Duration::try_from(to - from).ok();
        let (put, stored) = (self.put?, self.stored?);
        let handed_out = self.handed_out?;
        Some([
            between(self.accepted?, handed_out)?,
            between(handed_out, put)?,
            between(put, stored)?,
            between(stored, handed_out + self.took?)?,
        ])
    }
}

/// What the parts tell.
struct Told {
    stack: Stack,
    transitions: Receiver<Transition>,
    requests: Receiver<Seen>,
    ways: HashMap<u64, Way>,
}

impl Told {
    /// Listens until the queue is empty and nothing has come for a moment.
    async fn run(mut self) -> (Stack, Vec<Way>) {
        loop {
            tokio::select! {
                Ok(transition) = self.transitions.recv() => self.transition(&transition),
                Ok(seen) = self.requests.recv() => self.request(&seen),
                Ok(event) = self.stack.events.recv() => self.event(&event),
                () = sleep(Duration::from_secs(1)) => break,
            }
        }
        assert!(self.stack.queue.peek().is_empty(), "all is stored");
        (self.stack, self.ways.into_values().collect())
    }

    fn transition(&mut self, transition: &Transition) {
        match transition {
            Transition::Accepted(accepted) => {
                let way = self.ways.entry(accepted.sequence).or_default();
                way.accepted = Some(accepted.enqueued);
            }
            Transition::Locked {
                sequence,
                lock_token,
                ..
            } => {
                // It may be settled already: then nobody knows any more.
                let peeked = self.stack.queue.handed_out(*lock_token);
                let until = peeked.and_then(|peeked| peeked.locked_until);
                let since = until.map(|until| until - QueueOptions::default().lock_duration);
                self.ways.entry(*sequence).or_default().handed_out = since;
            }
            _ => {}
        }
    }

    fn request(&mut self, seen: &Seen) {
        let number = seen.metadata.iter().find(|(name, _)| name == NUMBER);
        let Some(number) = number.and_then(|(_, number)| number.parse().ok()) else {
            return;
        };
        let way = self.ways.entry(number).or_default();
        match seen.moment {
            _ if seen.method != Method::PUT => {}
            Moment::Arrived => way.put = Some(seen.at),
            Moment::Answered(_) => way.stored = Some(seen.at),
            Moment::Unanswered => {}
        }
    }

    fn event(&mut self, event: &Event) {
        if let Event::Delivered(delivered) = event {
            self.ways.entry(delivered.sequence).or_default().took = Some(delivered.took);
        }
    }
}

/// Sends at this rate; how long each took until it was accepted.
async fn send(url: String, rate: u32) -> Vec<Duration> {
    let client = testkit::net::client();
    let mut ticks = interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sending = JoinSet::new();
    for number in 0..rate * TIME.as_secs() as u32 {
        ticks.tick().await;
        let session = format!("{:032X}", number % 500);
        let order = format!(
            r#"{{"id":"{session}","products":[{{"id":8,"name":"Scratcher","quantity":2}}],"complete":false}}"#
        );
        let request = client
            .post(&url)
            .header("Content-Type", "application/json")
            .header(
                "BrokerProperties",
                format!(r#"{{"SessionId":"{session}","MessageId":"{number}"}}"#),
            )
            .body(order);
        sending.spawn(async move {
            let sent = Instant::now();
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 201);
            sent.elapsed()
        });
    }
    sending.join_all().await
}

fn median(mut times: Vec<Duration>) -> u128 {
    times.sort_unstable();
    times[times.len() / 2].as_micros()
}

/// A row of the table: medians in microseconds.
async fn measured(keep: Keep, kind: &str, rate: u32) {
    let app = AppFolder::copy_of(&workspace());
    let handler = Path::new(env!("CARGO_BIN_EXE_order-items-local"))
        .with_file_name("order-items-reserver")
        .display()
        .to_string();
    app.replace(
        "local.settings.json",
        "target/debug/order-items-reserver",
        &handler,
    );
    let stack = Stack::start_with(StackOptions {
        root: app.path().to_owned(),
        ports: Ports::Auto,
        overrides: Settings::new(),
        keep,
        storage: stack::Storage::Embedded,
        hosting: stack::Hosting::Embedded,
    });
    let stack = stack.await.expect("starts");
    let url = format!("{}/{}/messages", stack.door.url(), stack.queue.name());
    let blob = stack.blob.as_ref().expect("a blob endpoint").handle();
    let told = Told {
        transitions: stack.queue.transitions(),
        requests: blob.seen(),
        stack,
        ways: HashMap::new(),
    };
    let (sent, (stack, ways)) = tokio::join!(send(url, rate), told.run());
    stack.stop().await;

    let mut ways: Vec<Way> = ways;
    ways.sort_unstable_by_key(|way| way.accepted);
    let known: Vec<_> = ways.iter().skip(WARM).filter_map(Way::stretches).collect();
    assert!(known.len() > ways.len() / 4, "{} known", known.len());
    let stretch = |at: usize| median(known.iter().map(|it| it[at]).collect());
    let whole = median(known.iter().map(|it| it.iter().sum()).collect());
    println!(
        "| {kind} | {rate} | {} | {} | {} | {} | {} | {whole} |",
        median(sent.into_iter().skip(WARM).collect()),
        stretch(0),
        stretch(1),
        stretch(2),
        stretch(3),
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures for a person"]
async fn where_the_time_of_a_message_goes() {
    println!(
        "| blobs | messages/s | sent until accepted | waits in the queue | host and handler, to the \
         upload | upload | answer, back to the host | accepted until settled |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for rate in RATES {
        let folder = Folder::new();
        measured(Keep::InFolder(folder.path().to_owned()), "on disk", rate).await;
        measured(Keep::InMemory, "in memory", rate).await;
    }
}
