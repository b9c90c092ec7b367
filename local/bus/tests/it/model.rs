//! Receivers that crash, lose locks and settle in every way, against a model that only counts: no
//! message is lost, none is in two places, and each hand-out is counted once.

use std::collections::BTreeMap;
use std::time::Duration;

use bus::{
    DeadLetterReason, Delivery, Message, MessageState, PropertyChanges, Queue, QueueOptions,
    SessionLock,
};
use proptest::prelude::*;
use stand_in::Clock;
use tokio::time::advance;

const MAX_DELIVERIES: u32 = 4;

#[derive(Debug, Clone, Copy)]
enum Step {
    Send(u8),
    /// A receiver takes a session, if the queue has them, and a message.
    Receive(usize),
    Complete(usize),
    Abandon(usize),
    GiveBack(usize),
    Defer(usize),
    DeadLetter(usize),
    Deferred(usize),
    /// A receiver is gone: its session with it; of a plain queue its locks end in time.
    Crash(usize),
    LockEnds,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..3_usize;
    prop_oneof![
        4 => (0..3_u8).prop_map(Step::Send),
        8 => who.clone().prop_map(Step::Receive),
        2 => who.clone().prop_map(Step::Complete),
        4 => who.clone().prop_map(Step::Abandon),
        2 => who.clone().prop_map(Step::GiveBack),
        2 => who.clone().prop_map(Step::Defer),
        1 => who.clone().prop_map(Step::DeadLetter),
        2 => who.clone().prop_map(Step::Deferred),
        2 => who.prop_map(Step::Crash),
        1 => Just(Step::LockEnds),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Waits,
    Aside,
    /// With this receiver, and whether it goes back aside.
    With(usize, bool),
    Dead,
    Gone,
}

/// What the model does otherwise than the queue, to show that a difference is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    None,
    CountsWhatIsGivenBack,
    ForgetsACrash,
    PutsTheDeferredBack,
    LosesTheLast,
}

struct Model {
    sessions: bool,
    mistake: Mistake,
    messages: BTreeMap<u64, (Place, u32)>,
}

impl Model {
    fn back(&mut self, number: u64, counted: bool) {
        let Some((place, count)) = self.messages.get_mut(&number) else {
            return;
        };
        let Place::With(_, aside) = *place else {
            return;
        };
        *count -= u32::from(!counted && self.mistake != Mistake::CountsWhatIsGivenBack);
        *place = match (*count >= MAX_DELIVERIES, aside) {
            (true, _) if self.mistake == Mistake::LosesTheLast => Place::Gone,
            (true, _) => Place::Dead,
            (false, true) if self.mistake != Mistake::PutsTheDeferredBack => Place::Aside,
            (false, _) => Place::Waits,
        };
    }

    fn all_back(&mut self, of: impl Fn(usize) -> bool) {
        let held = self.messages.iter();
        let held = held.filter(|(_, (place, _))| matches!(place, Place::With(who, _) if of(*who)));
        let held: Vec<u64> = held.map(|(number, _)| *number).collect();
        for number in held {
            // A session's end does not count what was out; a lock's end does.
            self.back(number, !self.sessions);
        }
    }

    fn seen(&self) -> BTreeMap<u64, (String, u32)> {
        let alive = self
            .messages
            .iter()
            .filter(|(_, (place, _))| *place != Place::Gone);
        let told = |place: Place| match place {
            Place::With(_, true) => "Aside with".to_owned(),
            Place::With(_, false) => "Waits with".to_owned(),
            other => format!("{other:?}"),
        };
        alive
            .map(|(number, (place, count))| (*number, (told(*place), *count)))
            .collect()
    }
}

struct World {
    queue: Queue,
    model: Model,
    held: [Option<Delivery>; 3],
    locks: [Option<SessionLock>; 3],
}

impl World {
    fn new(sessions: bool, mistake: Mistake) -> Self {
        let options = QueueOptions {
            max_delivery_count: MAX_DELIVERIES,
            sessions,
            ..QueueOptions::default()
        };
        Self {
            queue: Queue::new("order-items", options, Clock::new()),
            model: Model {
                sessions,
                mistake,
                messages: BTreeMap::new(),
            },
            held: [None, None, None],
            locks: [None, None, None],
        }
    }

    async fn step(&mut self, step: Step) {
        let none = PropertyChanges::default();
        match step {
            Step::Send(session) => {
                let message = Message::new("x").with_session(format!("s-{session}"));
                let number = self.model.messages.len() as u64 + 1;
                self.queue.enqueue(message).unwrap();
                self.model.messages.insert(number, (Place::Waits, 0));
            }
            Step::Receive(who) if self.held[who].is_none() => {
                let delivery = self.next(who).await;
                self.takes(who, delivery);
            }
            Step::Deferred(who) if self.held[who].is_none() => {
                let aside = |place| place == Place::Aside;
                let mut all = self.model.messages.iter();
                let number = all
                    .find(|(_, (place, _))| aside(*place))
                    .map(|(number, _)| *number);
                let session = self.locks[who].as_ref().map(|lock| lock.token);
                if let Some(number) = number
                    && let Ok(Ok(mut received)) = self.queue.receive_deferred(&[number], session)
                {
                    self.takes(who, received.pop());
                }
            }
            Step::Complete(who) => self.settle(who, |queue, held| {
                queue.complete(held.lock_token).unwrap();
                Some(Place::Gone)
            }),
            Step::DeadLetter(who) => self.settle(who, |queue, held| {
                let reason = DeadLetterReason::ByReceiver {
                    reason: None,
                    description: None,
                };
                queue
                    .dead_letter(held.lock_token, reason, none.clone())
                    .unwrap();
                Some(Place::Dead)
            }),
            Step::Defer(who) => self.settle(who, |queue, held| {
                queue.defer(held.lock_token, none.clone()).unwrap();
                Some(Place::Aside)
            }),
            Step::Abandon(who) => self.settle(who, |queue, held| {
                queue.abandon(held.lock_token).unwrap();
                None
            }),
            Step::GiveBack(who) => {
                if let Some(held) = self.held[who].take() {
                    self.queue.give_back(held.lock_token).unwrap();
                    self.model.back(held.accepted.sequence, false);
                }
            }
            Step::Crash(who) if self.model.sessions => self.crash(who),
            Step::Crash(_) | Step::LockEnds => self.locks_end().await,
            Step::Receive(_) | Step::Deferred(_) => {}
        }
    }

    fn crash(&mut self, who: usize) {
        if let Some(lock) = self.locks[who].take() {
            self.queue.close_session(lock.token);
        }
        self.held[who] = None;
        if self.model.mistake != Mistake::ForgetsACrash {
            self.model.all_back(|it| it == who);
        }
    }

    async fn locks_end(&mut self) {
        advance(Duration::from_secs(301)).await;
        (self.held, self.locks) = Default::default();
        if self.model.mistake != Mistake::ForgetsACrash {
            self.model.all_back(|_| true);
        }
    }

    async fn next(&mut self, who: usize) -> Option<Delivery> {
        if !self.model.sessions {
            return self.queue.try_receive();
        }
        if self.locks[who].is_none() {
            let lock = tokio::time::timeout(Duration::ZERO, self.queue.accept_session()).await;
            self.locks[who] = lock.ok();
        }
        let token = self.locks[who].as_ref()?.token;
        let received = self.queue.receive_in_session(token, Duration::ZERO).await;
        received.unwrap()
    }

    fn takes(&mut self, who: usize, delivery: Option<Delivery>) {
        let Some(delivery) = delivery else { return };
        let number = delivery.accepted.sequence;
        let (place, count) = self.model.messages.get_mut(&number).unwrap();
        *place = Place::With(who, *place == Place::Aside);
        *count += 1;
        assert_eq!(delivery.delivery_count, *count, "#{number}");
        self.held[who] = Some(delivery);
    }

    fn settle(&mut self, who: usize, act: impl FnOnce(&Queue, &Delivery) -> Option<Place>) {
        let Some(held) = self.held[who].take() else {
            return;
        };
        let number = held.accepted.sequence;
        match act(&self.queue, &held) {
            Some(place) => self.model.messages.get_mut(&number).unwrap().0 = place,
            None => self.model.back(number, true),
        }
    }

    /// Where the queue has its messages.
    fn seen(&self) -> BTreeMap<u64, (String, u32)> {
        let alive = self.queue.peek().into_iter().map(|it| {
            let place = match (it.state, it.locked_until) {
                (MessageState::Active, None) => "Waits",
                (MessageState::Active, Some(_)) => "Waits with",
                (_, None) => "Aside",
                (_, Some(_)) => "Aside with",
            };
            (it.accepted.sequence, (place.to_owned(), it.delivery_count))
        });
        let dead = self.queue.dead_letters().into_iter();
        let dead = dead.map(|it| (it.accepted.sequence, ("Dead".to_owned(), it.delivery_count)));
        alive.chain(dead).collect()
    }
}

/// Whether queue and model agree after each step.
fn agrees(sessions: bool, mistake: Mistake, steps: &[Step]) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new(sessions, mistake);
        for step in steps {
            world.step(*step).await;
            if world.seen() != world.model.seen() {
                return false;
            }
        }
        true
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn crashing_receivers_lose_nothing_and_count_each_hand_out_once(
        sessions in any::<bool>(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        prop_assert!(agrees(sessions, Mistake::None, &steps));
    }
}

/// Negative controls: each kind of mistake is seen.
#[test]
fn a_model_that_is_mistaken_is_found_out() {
    let receive = [Step::Send(0), Step::Receive(0)];
    let last = [Step::Receive(0), Step::Abandon(0)].repeat(MAX_DELIVERIES as usize);
    let aside = [Step::Defer(0), Step::Deferred(0), Step::Abandon(0)];
    for (mistake, steps) in [
        (
            Mistake::CountsWhatIsGivenBack,
            [&receive[..], &[Step::GiveBack(0)]].concat(),
        ),
        (
            Mistake::ForgetsACrash,
            [&receive[..], &[Step::Crash(0)]].concat(),
        ),
        (
            Mistake::PutsTheDeferredBack,
            [&receive[..], &aside].concat(),
        ),
        (
            Mistake::LosesTheLast,
            [&[Step::Send(0)][..], &last].concat(),
        ),
    ] {
        for sessions in [false, true] {
            assert!(agrees(sessions, Mistake::None, &steps), "{steps:?}");
            assert!(!agrees(sessions, mistake, &steps), "{mistake:?} {steps:?}");
        }
    }
}
