//! The queue's AMQP door: whatever a peer says, the door lives and serves the next one, takes
//! memory in proportion, and keeps every message that nobody settled.

mod said;

use std::collections::BTreeSet;
use std::time::Duration;

use allocation_counter::measure;
use bus::{AmqpDoor, AmqpOptions, AmqpService, Message, Queue, QueueOptions, Transition};
use stand_in::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::time::timeout;

use said::{HEADER, QUEUE, frames, greeting, hello};

/// Messages that wait for the peer.
const WAITING: u64 = 3;

/// A safety net: an answer takes milliseconds.
const LIMIT: Duration = Duration::from_secs(20);

/// What the door may hold for a connection: so much, and so much for each byte of the peer. The
/// door lets answers wait for a peer that does not read up to a bound of its own, 4 MB.
const ALLOCATED_BASE: u64 = 12 * 1024 * 1024;
const ALLOCATED_PER_BYTE: u64 = 256;

/// The first byte says what the peer meets: 1 for a queue with sessions; 2 for a peer that speaks
/// from its first byte on, where others have links to everything; 4 for one that does not read. The
/// rest is what it says: frames, each with its length in two bytes and its channel in one.
pub fn check(data: &[u8]) {
    let Some((flags, rest)) = data.split_first() else {
        return;
    };
    let sessions = flags & 1 != 0;
    let said = match flags & 2 != 0 {
        true => rest.to_vec(),
        false => [greeting(sessions), frames(rest)].concat(),
    };
    let mut peer = Peer::meet(sessions);
    let used = measure(|| peer.say(&said, flags & 4 == 0)).bytes_max;
    let allowed = ALLOCATED_BASE + ALLOCATED_PER_BYTE * said.len() as u64;
    assert!(used <= allowed, "{used} bytes for {}", said.len());
    peer.assert_the_next_one_is_served();
    peer.assert_nothing_is_lost();
}

struct Peer {
    runtime: Runtime,
    queue: Queue,
    door: AmqpDoor,
    transitions: tokio::sync::broadcast::Receiver<Transition>,
}

impl Peer {
    fn meet(sessions: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let inside = runtime.enter();
        let options = QueueOptions {
            sessions,
            ..QueueOptions::default()
        };
        let queue = Queue::new(QUEUE, options, Clock::new());
        let transitions = queue.transitions();
        for number in 1..=WAITING {
            let message = Message::new("{}").with_id(format!("m{number}"));
            queue.enqueue(message.with_session("S")).expect("accepted");
        }
        let service = AmqpService::new(AmqpOptions {
            queues: vec![queue.clone()],
            ..AmqpOptions::default()
        });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let door = AmqpDoor::start(listener.expect("a port"), service).expect("a door");
        drop(inside);
        Self {
            runtime,
            queue,
            door,
            transitions,
        }
    }

    /// Says it all and leaves; it may listen meanwhile.
    fn say(&self, said: &[u8], reads: bool) {
        self.runtime.block_on(async {
            let mut stream = self.connect().await;
            let (mut reader, mut writer) = stream.split();
            let write = async {
                // The door hangs up on whom it does not understand.
                writer.write_all(said).await.ok();
                writer.shutdown().await.ok();
            };
            let mut kept = [0; 16 * 1024];
            let read = async { while reads && matches!(reader.read(&mut kept).await, Ok(1..)) {} };
            let both = async { tokio::join!(write, read) };
            timeout(LIMIT, both).await.expect("an end");
        });
    }

    async fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.door.address()).await;
        let stream = stream.expect("a connection");
        // So many peers a second would use up the ports.
        stream.set_zero_linger().expect("a socket");
        stream
    }

    fn assert_the_next_one_is_served(&self) {
        let answer = self.runtime.block_on(async {
            let mut stream = self.connect().await;
            stream.write_all(&hello()).await.expect("it takes a hello");
            let mut answer = [0; HEADER.len() + 8];
            let read = timeout(LIMIT, stream.read_exact(&mut answer)).await;
            read.expect("an answer").expect("an answer");
            answer
        });
        assert!(answer.starts_with(HEADER), "{answer:?}");
    }

    /// Each message that was accepted is there, or was settled, expired or called off.
    fn assert_nothing_is_lost(&mut self) {
        let (mut accepted, mut gone) = (BTreeSet::new(), BTreeSet::new());
        loop {
            match self.transitions.try_recv() {
                Ok(Transition::Accepted(it) | Transition::Scheduled(it)) => {
                    accepted.insert(it.sequence);
                }
                Ok(Transition::Due {
                    scheduled,
                    accepted: it,
                }) => {
                    gone.insert(scheduled);
                    accepted.insert(it.sequence);
                }
                Ok(
                    Transition::Completed { sequence }
                    | Transition::Cancelled { sequence }
                    | Transition::Expired { sequence }
                    | Transition::LetterCompleted { sequence },
                ) => {
                    assert!(gone.insert(sequence), "#{sequence} has ended twice");
                }
                Ok(_) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                Err(TryRecvError::Lagged(_)) => return, // more than is told: nothing to compare
            }
        }
        let waits = self.queue.peek();
        let letters = self.queue.dead_letters();
        let waits = waits.iter().map(|it| it.accepted.sequence);
        let letters = letters.iter().map(|it| it.accepted.sequence);
        let there: BTreeSet<u64> = waits.chain(letters).collect();
        let expected: BTreeSet<u64> = accepted.difference(&gone).copied().collect();
        assert_eq!(there, expected, "of those that were accepted");
        assert!((1..=WAITING).all(|number| accepted.contains(&number)));
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Its task ends with its runtime.
        self.runtime.block_on(tokio::task::yield_now());
    }
}
