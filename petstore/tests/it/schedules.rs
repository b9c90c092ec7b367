//! Shoppers who go from instance to instance while these are cut off, killed and started, at
//! random: no session's cart at the broker is ever followed by an older one, and the last is the
//! newest.

use std::collections::HashMap;
use std::path::Path;

use petstore::session::SessionId;
use proptest::prelude::*;
use testkit::fixture::Folder;

use crate::support::broker::{Broker, Opening};
use crate::support::instance::{Instance, PACE, change};
use crate::support::{rest, until_blocking};

const INSTANCES: usize = 3;
const SESSIONS: usize = 3;

#[derive(Clone, Debug)]
enum Event {
    /// A shopper changes the cart at this instance, or at the next one that runs.
    Click {
        session: usize,
        instance: usize,
    },
    Door {
        instance: usize,
        opening: Opening,
    },
    Kill {
        instance: usize,
    },
    Start {
        instance: usize,
    },
    Rest {
        milliseconds: u64,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let instance = 0..INSTANCES;
    let opening = prop_oneof![
        Just(Opening::Open),
        Just(Opening::Shut),
        Just(Opening::Lossy)
    ];
    prop_oneof![
        6 => (0..SESSIONS, instance.clone())
            .prop_map(|(session, instance)| Event::Click { session, instance }),
        3 => (instance.clone(), opening)
            .prop_map(|(instance, opening)| Event::Door { instance, opening }),
        1 => instance.clone().prop_map(|instance| Event::Kill { instance }),
        2 => instance.prop_map(|instance| Event::Start { instance }),
        2 => (0_u64..25).prop_map(|milliseconds| Event::Rest { milliseconds }),
    ]
}

struct World<'a> {
    broker: &'a Broker,
    folder: &'a Path,
    instances: [Option<Instance>; INSTANCES],
    sessions: [(SessionId, u64); SESSIONS],
}

impl World<'_> {
    fn happens(&mut self, event: &Event) {
        match *event {
            Event::Click { session, instance } => {
                let order = (0..INSTANCES).map(|step| (instance + step) % INSTANCES);
                let mut running = order.filter_map(|at| self.instances[at].as_ref());
                let (session, revision) = &mut self.sessions[session];
                if let Some(instance) = running.next() {
                    *revision += 1;
                    instance.accept(change(session, *revision));
                }
            }
            Event::Door { instance, opening } => {
                if let Some(instance) = &self.instances[instance] {
                    instance.door.set(opening);
                }
            }
            Event::Kill { instance } => {
                let running = self.instances[instance].take();
                running.into_iter().for_each(Instance::kill);
            }
            Event::Start { instance } => {
                let start = || Instance::start(self.folder, self.broker, PACE);
                self.instances[instance].get_or_insert_with(start);
            }
            Event::Rest { milliseconds } => rest(milliseconds),
        }
    }

    /// Every door opens, and someone runs: in the end nothing waits, nor is left.
    fn settles(&mut self) {
        self.happens(&Event::Start { instance: 0 });
        for instance in self.instances.iter().flatten() {
            instance.door.set(Opening::Open);
        }
        until_blocking("the newest carts are there and nothing is left", || {
            let accepted = self.broker.accepted();
            let running: Vec<_> = self.instances.iter().flatten().collect();
            let settled = missing(&accepted, &self.sessions).is_none()
                && journals(self.folder) <= running.len()
                && running.iter().all(|instance| instance.pending() == 0);
            settled || went_back(&accepted).is_some()
        });
    }
}

fn journals(folder: &Path) -> usize {
    let names = std::fs::read_dir(folder).unwrap();
    names
        .filter(|entry| {
            let path = entry.as_ref().unwrap().path();
            path.extension().is_some_and(|end| end == "jsonl")
        })
        .count()
}

/// A session of which an older cart came after a newer one.
fn went_back(accepted: &[(String, u64)]) -> Option<String> {
    let mut last: HashMap<&str, u64> = HashMap::new();
    accepted.iter().find_map(|(session, revision)| {
        let before = last.insert(session, *revision).unwrap_or(0);
        (before > *revision).then(|| format!("{session}: {revision} follows {before}"))
    })
}

/// A session whose newest cart is not the last.
fn missing(accepted: &[(String, u64)], newest: &[(SessionId, u64)]) -> Option<String> {
    newest.iter().find_map(|(session, revision)| {
        let mut carts = accepted.iter().rev();
        let last = carts.find(|(of, _)| of == session.as_str());
        let last = last.map_or(0, |(_, revision)| *revision);
        (last != *revision).then(|| format!("{session}: {last} is the last, of {revision}"))
    })
}

#[test]
fn the_judge_sees_a_cart_that_went_back_and_one_that_is_missing() {
    let session = SessionId::fresh();
    let carts = |revisions: &[u64]| -> Vec<_> {
        let carts = revisions.iter();
        carts.map(|it| (session.to_string(), *it)).collect()
    };
    let newest = [(session.clone(), 3)];
    let (good, back, short) = (carts(&[1, 3]), carts(&[1, 3, 2, 3]), carts(&[1, 2]));
    assert_eq!((went_back(&good), missing(&good, &newest)), (None, None));
    assert!(went_back(&back).unwrap().contains("2 follows 3"));
    assert!(
        missing(&short, &newest)
            .unwrap()
            .contains("2 is the last, of 3")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 10, ..ProptestConfig::default() })]

    #[test]
    fn no_cart_is_ever_followed_by_an_older_one(events in prop::collection::vec(event(), 4..40)) {
        let (broker, folder) = (Broker::start(), Folder::new());
        let mut world = World {
            broker: &broker,
            folder: &folder,
            instances: [0; INSTANCES].map(|_| Some(Instance::start(&folder, &broker, PACE))),
            sessions: [0; SESSIONS].map(|_| (SessionId::fresh(), 0)),
        };
        for event in &events {
            world.happens(event);
        }
        world.settles();
        prop_assert_eq!(went_back(&broker.accepted()), None);
    }
}
