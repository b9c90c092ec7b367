//! Whatever is done to a queue: after a restart it looks the same, and it goes on the same.

use std::time::Duration;

use bus::{
    Accepted, AmqpBytes, DeadLetter, DeadLetterReason, Enqueued, Message, MessageState,
    PropertyChanges, Queue, QueueOptions,
};
use proptest::prelude::*;
use stand_in::Clock;
use testkit::fixture::Folder;
use time::OffsetDateTime;
use tokio::time::advance;
use uuid::Uuid;

use super::journal;

#[derive(Debug, Clone)]
enum Step {
    Send {
        id: u8,
        session: u8,
        body: Vec<u8>,
        time_to_live: Option<u16>,
        due_in: Option<u16>,
    },
    Receive,
    Take,
    GiveBack(usize),
    Change(usize, u8),
    Defer(usize),
    ReceiveDeferred(usize),
    DeadLetter(usize),
    Cancel(usize),
    DeferLetter(usize),
    Complete(usize),
    Abandon(usize),
    ReceiveLetter,
    UnlockLetter(usize),
    CompleteLetter(usize),
    Pass(u16),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let send = (
        0..12_u8,
        0..3_u8,
        prop::collection::vec(any::<u8>(), 0..6),
        prop::option::of(1..400_u16),
        prop::option::of(1..400_u16),
    );
    prop_oneof![
        4 => send.prop_map(|(id, session, body, time_to_live, due_in)| Step::Send { id, session, body, time_to_live, due_in }),
        1 => Just(Step::Take),
        1 => any::<usize>().prop_map(Step::GiveBack),
        2 => (any::<usize>(), any::<u8>()).prop_map(|(which, value)| Step::Change(which, value)),
        3 => any::<usize>().prop_map(Step::Defer),
        2 => any::<usize>().prop_map(Step::ReceiveDeferred),
        1 => any::<usize>().prop_map(Step::DeadLetter),
        1 => any::<usize>().prop_map(Step::Cancel),
        1 => any::<usize>().prop_map(Step::DeferLetter),
        6 => Just(Step::Receive),
        2 => any::<usize>().prop_map(Step::Complete),
        4 => any::<usize>().prop_map(Step::Abandon),
        2 => Just(Step::ReceiveLetter),
        1 => any::<usize>().prop_map(Step::UnlockLetter),
        1 => any::<usize>().prop_map(Step::CompleteLetter),
        2 => (1..400_u16).prop_map(Step::Pass),
        2 => Just(Step::Reopen),
    ]
}

struct Run {
    folder: Folder,
    queue: Queue,
    clock: Clock,
    held: Vec<Uuid>,
    letters: Vec<Uuid>,
}

const OPTIONS: QueueOptions = QueueOptions {
    lock_duration: Duration::from_secs(60),
    max_delivery_count: 3,
    duplicate_window: Duration::from_secs(300),
    time_to_live: Duration::from_secs(3600),
    dead_letter_expired: true,
    sessions: false,
};

type Seen = (Vec<(Accepted, u32)>, Vec<DeadLetter>);

impl Run {
    fn new() -> Self {
        let folder = Folder::new();
        let clock = Clock::new();
        let queue = open(&folder, clock);
        Self {
            folder,
            queue,
            clock,
            held: Vec::new(),
            letters: Vec::new(),
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Send {
                id,
                session,
                body,
                time_to_live,
                due_in,
            } => {
                let mut message = Message::new(body)
                    .with_id(format!("m-{id}"))
                    .with_session(format!("s-{session}"));
                let properties = &mut message.properties;
                properties.time_to_live = time_to_live.map(f64::from);
                let later = |seconds| self.clock.now() + Duration::from_secs(seconds);
                properties.scheduled_enqueue = due_in.map(|due_in| later(due_in.into()));
                self.queue.enqueue(message).unwrap();
            }
            Step::Pass(seconds) => advance(Duration::from_secs(seconds.into())).await,
            Step::Reopen => self.reopen(),
            settlement => self.settle(&settlement),
        }
    }

    fn settle(&mut self, step: &Step) {
        match *step {
            Step::Receive => self
                .held
                .extend(self.queue.try_receive().map(|it| it.lock_token)),
            Step::Take => drop(self.queue.try_receive_and_delete()),
            Step::GiveBack(which) => {
                pick(&mut self.held, which).map(|it| self.queue.give_back(it));
            }
            Step::Change(which, value) => {
                let changes = changes(value);
                pick(&mut self.held, which).map(|it| self.queue.abandon_with(it, changes));
            }
            Step::Defer(which) => {
                pick(&mut self.held, which).map(|it| self.queue.defer(it, changes(7)));
            }
            Step::ReceiveDeferred(which) => {
                if let Some(number) = self.one(MessageState::Deferred, which) {
                    let received = self.queue.receive_deferred(&[number], None).unwrap();
                    let received = received.into_iter().flatten();
                    self.held.extend(received.map(|it| it.lock_token));
                }
            }
            Step::DeadLetter(which) => {
                let reason = DeadLetterReason::ByReceiver {
                    reason: Some("odd".to_owned()),
                    description: None,
                };
                let held = pick(&mut self.held, which);
                held.map(|it| self.queue.dead_letter(it, reason, changes(8)));
            }
            Step::Cancel(which) => {
                if let Some(number) = self.one(MessageState::Scheduled, which) {
                    self.queue.cancel_scheduled(&[number]).unwrap();
                }
            }
            Step::DeferLetter(which) => {
                let held = pick(&mut self.letters, which);
                held.map(|it| self.queue.defer_dead_letter(it, changes(9)));
            }
            Step::Complete(which) => {
                pick(&mut self.held, which).map(|it| self.queue.complete(it));
            }
            Step::Abandon(which) => {
                pick(&mut self.held, which).map(|it| self.queue.abandon(it));
            }
            Step::ReceiveLetter => {
                let letter = self.queue.try_receive_dead_letter();
                self.letters.extend(letter.map(|it| it.lock_token));
            }
            Step::UnlockLetter(which) => {
                pick(&mut self.letters, which).map(|it| self.queue.unlock_dead_letter(it));
            }
            Step::CompleteLetter(which) => {
                pick(&mut self.letters, which).map(|it| self.queue.complete_dead_letter(it));
            }
            Step::Send { .. } | Step::Pass(_) | Step::Reopen => unreachable!("done elsewhere"),
        }
    }

    /// The number of a message that stands there.
    fn one(&self, state: MessageState, which: usize) -> Option<u64> {
        let there = self.queue.peek().into_iter().filter(|it| it.state == state);
        let numbers: Vec<u64> = there.map(|it| it.accepted.sequence).collect();
        (!numbers.is_empty()).then(|| numbers[which % numbers.len()])
    }

    fn reopen(&mut self) {
        // Ends what ended with time; the rest of the locks end with the process.
        assert!(self.queue.counts().locked <= self.held.len());
        let before = self.seen();
        let known = self.duplicates();
        let states = self.states();
        let elsewhere = Queue::new("elsewhere", OPTIONS, self.clock);
        drop(std::mem::replace(&mut self.queue, elsewhere));
        self.queue = open(&self.folder, self.clock);
        let after = self.seen();
        assert_eq!(whole(&after), whole(&before));
        let was_last = |count: u32| count >= OPTIONS.max_delivery_count;
        let waiting: Vec<_> = before
            .0
            .into_iter()
            .filter(|(_, count)| !was_last(*count))
            .collect();
        assert_eq!(
            after.0, waiting,
            "but for the last hand-outs, which the lost locks end"
        );
        assert_eq!(after.1[..before.1.len()], before.1);
        assert_eq!(self.duplicates(), known);
        assert_eq!(self.states(), states);
        self.held.clear();
        self.letters.clear();
    }

    fn seen(&self) -> Seen {
        let waiting = self
            .queue
            .peek()
            .into_iter()
            .map(|one| (one.accepted, one.delivery_count));
        (waiting.collect(), self.queue.dead_letters())
    }

    /// Where those stand that are no dead letters, but for those that were out for the last time.
    fn states(&self) -> Vec<(u64, MessageState)> {
        let all = self.queue.peek().into_iter();
        let all = all.filter(|it| it.delivery_count < OPTIONS.max_delivery_count);
        all.map(|it| (it.accepted.sequence, it.state)).collect()
    }

    /// Which ids a copy of this queue would drop, by asking the copy.
    fn duplicates(&self) -> Vec<bool> {
        let copy = Folder::new();
        std::fs::create_dir_all(journal(&copy).parent().expect("a folder")).expect("created");
        std::fs::copy(journal(&self.folder), journal(&copy)).expect("copied");
        let queue = open(&copy, self.clock);
        let dropped = |id: u8| {
            let again = Message::new("").with_id(format!("m-{id}"));
            queue.enqueue(again).unwrap() == Enqueued::Duplicate
        };
        (0..12).map(dropped).collect()
    }
}

fn open(folder: &Folder, clock: Clock) -> Queue {
    Queue::open("order-items", OPTIONS, clock, &journal(folder)).expect("opens")
}

fn changes(value: u8) -> PropertyChanges {
    let typed = AmqpBytes(vec![0x50, value].into());
    PropertyChanges {
        application: [("changed".to_owned(), value.into())].into_iter().collect(),
        typed: [("changed".to_owned(), typed)].into(),
    }
}

fn pick(tokens: &mut Vec<Uuid>, which: usize) -> Option<Uuid> {
    let count = tokens.len();
    (count > 0).then(|| tokens.swap_remove(which % count))
}

/// Every message of the queue, wherever it is.
fn whole(seen: &Seen) -> Vec<(u64, OffsetDateTime, u32)> {
    let waiting = seen
        .0
        .iter()
        .map(|(accepted, count)| (accepted.sequence, accepted.enqueued, *count));
    let dead = seen.1.iter().map(|it| {
        (
            it.accepted.sequence,
            it.accepted.enqueued,
            it.delivery_count,
        )
    });
    let mut all: Vec<_> = waiting.chain(dead).collect();
    all.sort_unstable();
    all
}

fn run(steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut run = Run::new();
        for step in steps {
            run.step(step).await;
        }
        run.reopen();
        run.reopen();
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_at_any_point_changes_nothing_but_locks(steps in prop::collection::vec(step(), 1..60)) {
        run(steps);
    }
}
