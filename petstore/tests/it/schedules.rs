//! Shoppers who go from instance to instance while these are cut off, killed and started, and the
//! store loses answers, at random: no session's orders at the queue are ever followed by an older
//! one, a placed one is the last, and in the end it has what was confirmed last.

use std::collections::HashMap;
use std::time::Duration;

use petstore::cart::Step;
use petstore::cookie::ShopperKey;
use petstore::record::Operation;
use petstore::store::RecordName;
use proptest::prelude::*;

use crate::support::memory::{Broker, Door, Fate, Instance, Memory, Watch};

const INSTANCES: usize = 3;
const SHOPPERS: usize = 2;

#[derive(Clone, Copy, Debug)]
enum Event {
    Add { shopper: usize, instance: usize },
    Place { shopper: usize, instance: usize },
    Door { instance: usize, door: Door },
    Kill { instance: usize },
    Start { instance: usize },
    Store { fate: Fate },
    LateWrites,
    LateRequests,
    Rest { milliseconds: u64 },
}

fn event() -> impl Strategy<Value = Event> {
    let instance = 0..INSTANCES;
    let click = (0..SHOPPERS, instance.clone());
    let door = prop_oneof![
        3 => Just(Door::Open),
        1 => Just(Door::Shut),
        1 => Just(Door::AnswerLost),
        1 => Just(Door::Late),
    ];
    let fate = prop_oneof![Just(Fate::AnswerLost), Just(Fate::Failed), Just(Fate::Late)];
    prop_oneof![
        8 => click.clone().prop_map(|(shopper, instance)| Event::Add { shopper, instance }),
        1 => click.prop_map(|(shopper, instance)| Event::Place { shopper, instance }),
        3 => (instance.clone(), door).prop_map(|(instance, door)| Event::Door { instance, door }),
        2 => instance.clone().prop_map(|instance| Event::Kill { instance }),
        2 => instance.prop_map(|instance| Event::Start { instance }),
        2 => fate.prop_map(|fate| Event::Store { fate }),
        1 => Just(Event::LateWrites),
        1 => Just(Event::LateRequests),
        3 => (0_u64..10_000).prop_map(|milliseconds| Event::Rest { milliseconds }),
    ]
}

struct World {
    store: Memory,
    broker: Broker,
    instances: Vec<Option<Instance>>,
    shoppers: Vec<RecordName>,
}

impl World {
    fn start(&mut self, instance: usize) {
        // Their clocks are two seconds apart.
        let watch = Watch::off_by(i64::try_from(instance).unwrap() * 1_000);
        let way = self.broker.way(Door::Open);
        self.instances[instance].get_or_insert_with(|| Instance::start(&self.store, way, watch));
    }

    /// At this instance, or at the next one that runs.
    async fn click(&self, shopper: usize, instance: usize, operation: &Operation) {
        let running = self.instances.iter().cycle().skip(instance).take(INSTANCES);
        if let Some(instance) = running.flatten().next() {
            instance.click(&self.shoppers[shopper], operation).await;
        }
    }

    async fn take(&mut self, event: Event) {
        match event {
            Event::Add { shopper, instance } => {
                let (step, product) = (Step::Add, 1 + u32::from(fastrand::bool()));
                self.click(shopper, instance, &Operation::Step { step, product })
                    .await;
            }
            Event::Place { shopper, instance } => {
                let running = self.instances.iter().flatten().next();
                let Some(running) = running else { return };
                if let Ok(Some(record)) = running.carts.show(&self.shoppers[shopper]).await {
                    let place = Operation::Place {
                        session: record.session,
                        revision: record.revision,
                        email: None,
                    };
                    self.click(shopper, instance, &place).await;
                }
            }
            Event::Door { instance, door } => {
                if let Some(instance) = &self.instances[instance] {
                    instance.way.set(door);
                }
            }
            Event::Kill { instance } => drop(self.instances[instance].take()),
            Event::Start { instance } => self.start(instance),
            Event::Store { fate } => self.store.next(&[fate]),
            Event::LateWrites => drop(self.store.late_writes()),
            Event::LateRequests => self.broker.late_requests(),
            Event::Rest { milliseconds } => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            }
        }
    }

    /// Everything works again, for long enough.
    async fn heal(&mut self) {
        self.store.late_writes();
        self.start(0);
        for instance in self.instances.iter().flatten() {
            instance.way.set(Door::Open);
        }
        tokio::time::sleep(Duration::from_secs(300)).await;
        self.broker.late_requests();
        tokio::time::sleep(Duration::from_secs(300)).await;
    }

    async fn judge(&self) {
        let mut newest: HashMap<String, (u64, bool)> = HashMap::new();
        for order in self.broker.orders() {
            let session = order["id"].as_str().unwrap().to_owned();
            let lines = order["products"].as_array().unwrap().iter();
            let pieces = lines.map(|line| line["quantity"].as_u64().unwrap()).sum();
            let complete = order["complete"].as_bool().unwrap();
            let before = newest.insert(session.clone(), (pieces, complete));
            if let Some((fewer, was_complete)) = before {
                let newer = pieces > fewer || (complete && pieces == fewer);
                assert!(newer && !was_complete, "{session} went back");
            }
        }
        let alive = self.instances[0].as_ref().unwrap();
        assert_eq!((alive.pending(), self.store.marked()), (0, 0));
        for name in &self.shoppers {
            let Some(record) = alive.carts.show(name).await.unwrap() else {
                continue;
            };
            assert_eq!(record.owed(), []);
            if record.cart.pieces() > 0 {
                let confirmed = (u64::from(record.cart.pieces()), false);
                assert_eq!(newest.get(record.session.as_str()), Some(&confirmed));
            }
            if let Some(placed) = &record.placed {
                let confirmed = (u64::from(placed.cart.pieces()), true);
                assert_eq!(newest.get(placed.session.as_str()), Some(&confirmed));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn no_schedule_takes_a_session_back(events in prop::collection::vec(event(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut world = World {
                store: Memory::default(),
                broker: Broker::new(true),
                instances: (0..INSTANCES).map(|_| None).collect(),
                shoppers: (0..SHOPPERS).map(|_| ShopperKey::fresh(0).name()).collect(),
            };
            for event in events {
                world.take(event).await;
            }
            world.heal().await;
            world.judge().await;
        });
    }
}
