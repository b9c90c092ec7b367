//! A run of the model: clicks, hand-overs and sweeps of several instances as tasks, each of which
//! stands still at its next request until a choice says what becomes of that.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use petstore::cart::Step;
use petstore::carts::{Carts, ClickError, Clicked, Handover};
use petstore::outbox::Delivery;
use petstore::record::{ClickRefused, Done, Operation};

use super::setup::{Choice, Click, How, Limits, Setup, Told};
use super::world::{Broken, Kept, ModelClock, NAME, Reply, Shared, describe};

pub(super) type ModelCarts = Carts<Shared, ModelClock>;

/// Time limit of an attempt to send.
const ATTEMPT: Duration = Duration::from_secs(1);

/// A claim is over after it, by all clocks.
pub(super) const CLAIM_OVER_MS: i64 = 14_000;

/// Longer than the bus remembers an id.
const LONG_MS: i64 = 700_000;

enum End {
    Click(usize, Result<Clicked, ClickError>),
    Delivery(Box<Delivery>, bool),
    Sweep(Option<Delivery>),
}

struct Task {
    name: String,
    instance: usize,
    life: u8,
    /// Of whose request it is, where requests own what they began.
    click: Option<usize>,
    is_delivery: bool,
    heard: Vec<String>,
    work: Pin<Box<dyn Future<Output = End> + Send>>,
}

/// What one instance has in memory.
struct Instance {
    carts: Arc<ModelCarts>,
    life: u8,
    /// What a click handed over while a delivery was under way.
    then: bool,
}

pub(super) struct Run {
    pub(super) shared: Shared,
    setup: Setup,
    instances: Vec<Instance>,
    tasks: BTreeMap<usize, Task>,
    spawned: usize,
    pub(super) told: Vec<Option<Told>>,
    left: Limits,
}

impl Run {
    pub(super) fn begin(setup: &Setup) -> Self {
        let shared = Shared::new(Kept::default(), setup.broken, false);
        let carts = |ahead| Arc::new(carts(&shared, ahead));
        let instances = setup.clocks.iter().map(|ahead| Instance {
            carts: carts(*ahead),
            life: 0,
            then: false,
        });
        let mut run = Self {
            instances: instances.collect(),
            shared: shared.clone(),
            setup: setup.clone(),
            tasks: BTreeMap::new(),
            spawned: 0,
            told: vec![None; setup.clicks.len()],
            left: setup.limits,
        };
        for (number, (instance, click)) in setup.clicks.iter().enumerate() {
            run.click(number, *instance, *click);
        }
        run.poll();
        run
    }

    fn click(&mut self, number: usize, instance: usize, click: Click) {
        let carts = Arc::clone(&self.instances[instance].carts);
        let name = format!("click{number}");
        if self.setup.broken == Broken::CartFromCookie {
            self.shared.world().cookies.insert(name.clone());
        }
        let work = async move {
            let operation = match click {
                Click::Add(product) => Operation::Step {
                    step: Step::Add,
                    product,
                },
                Click::Place => match carts.show(&NAME).await {
                    Ok(Some(page)) => Operation::Place {
                        session: page.session.clone(),
                        revision: page.revision,
                        email: None,
                    },
                    // There is no page with such a button.
                    Ok(None) => {
                        let refused = ClickRefused::EarlierOrder.into();
                        return End::Click(number, Err(refused));
                    }
                    Err(error) => return End::Click(number, Err(error.into())),
                },
            };
            End::Click(number, carts.click(&NAME, &operation, true).await)
        };
        self.spawn(name, instance, Some(number), false, Box::pin(work));
    }

    fn deliver(&mut self, name: String, instance: usize, click: Option<usize>, delivery: Delivery) {
        let (carts, bus) = (
            Arc::clone(&self.instances[instance].carts),
            self.shared.clone(),
        );
        let mut delivery = Box::new(delivery);
        let work = async move {
            let done = delivery.run(&carts, &bus).await.is_ok();
            End::Delivery(delivery, done)
        };
        self.spawn(name, instance, click, true, Box::pin(work));
    }

    fn sweep(&mut self, instance: usize) {
        let carts = Arc::clone(&self.instances[instance].carts);
        let work = async move {
            let marks = carts.marks().await.unwrap_or_default();
            let first = marks.into_iter().next();
            // A mark too many goes after a while at the earliest; here it goes at once.
            End::Sweep(first.map(|(name, mark)| Delivery::of_mark(name, mark, true)))
        };
        let name = format!("sweep{instance}.{}", self.left.sweeps);
        self.spawn(name, instance, None, false, Box::pin(work));
    }

    fn spawn(
        &mut self,
        name: String,
        instance: usize,
        click: Option<usize>,
        is_delivery: bool,
        work: Pin<Box<dyn Future<Output = End> + Send>>,
    ) {
        let task = Task {
            name,
            instance,
            life: self.instances[instance].life,
            click,
            is_delivery,
            heard: Vec::new(),
            work,
        };
        self.tasks.insert(self.spawned, task);
        self.spawned += 1;
    }

    fn delivers(&self, instance: usize) -> bool {
        self.tasks
            .values()
            .any(|task| task.instance == instance && task.is_delivery)
    }

    /// Runs every task to its next request.
    fn poll(&mut self) {
        let mut ready: VecDeque<usize> = self.tasks.keys().copied().collect();
        let mut context = Context::from_waker(Waker::noop());
        while let Some(number) = ready.pop_front() {
            if self.shared.world().asked.contains_key(&number) {
                continue;
            }
            let Some(task) = self.tasks.get_mut(&number) else {
                continue;
            };
            let instance = format!("i{}.{}", task.instance, task.life);
            self.shared.world().current = (number, task.name.clone(), instance);
            if let Poll::Ready(end) = task.work.as_mut().poll(&mut context) {
                let task = self.tasks.remove(&number).expect("it is there");
                let known = self.spawned;
                self.ended(&task, end);
                ready.extend(known..self.spawned);
                // Somebody may have waited for it.
                ready.extend(self.tasks.keys());
            }
        }
    }

    fn ended(&mut self, task: &Task, end: End) {
        match end {
            End::Click(number, outcome) => {
                self.told[number] = match &outcome {
                    Ok(clicked) => match clicked.done {
                        Done::Changed | Done::ByEarlierTry => Some(Told::Done),
                        Done::Nothing | Done::PlacedBefore => Some(Told::Refused),
                    },
                    Err(ClickError::Refused(_)) => Some(Told::Refused),
                    Err(_) => None,
                };
                let handover = outcome.ok().and_then(|clicked| clicked.handover);
                if let Some(handover) = handover {
                    self.hand_over(
                        format!("{}.d", task.name),
                        task.instance,
                        Some(number),
                        handover,
                    );
                }
            }
            End::Delivery(delivery, done) => {
                let then = std::mem::take(&mut self.instances[task.instance].then);
                let name = format!("{}+", task.name);
                match (done, then) {
                    (true, true) => {
                        self.deliver(name, task.instance, task.click, Delivery::anew(NAME));
                    }
                    (false, _) => self.deliver(name, task.instance, task.click, *delivery),
                    (true, false) => {}
                }
            }
            End::Sweep(Some(delivery)) if !self.delivers(task.instance) => {
                self.deliver(format!("{}.d", task.name), task.instance, None, delivery);
            }
            End::Sweep(_) => {}
        }
    }

    fn hand_over(
        &mut self,
        name: String,
        instance: usize,
        click: Option<usize>,
        handover: Handover,
    ) {
        match self.delivers(instance) {
            true => self.instances[instance].then = true,
            false => self.deliver(name, instance, click, Delivery::of_click(handover)),
        }
    }

    /// All that may happen next.
    pub(super) fn choices(&self) -> Vec<Choice> {
        let world = self.shared.world();
        let mut choices = Vec::new();
        for (task, request) in &world.asked {
            choices.push(Choice::Answer(*task, How::Done));
            let faults = match request.is_send() {
                true => self.left.bus_faults,
                false => self.left.store_faults,
            };
            if faults > 0 {
                choices.push(Choice::Answer(*task, How::Never));
                if request.changes_something() {
                    choices.push(Choice::Answer(*task, How::Lost));
                    choices.push(Choice::Answer(*task, How::Later));
                }
            }
        }
        choices.extend((0..world.kept.late.len()).map(Choice::Arrives));
        for instance in 0..self.instances.len() {
            if self.left.crashes > 0 {
                choices.push(Choice::Crash(instance));
            }
            let sweeps = self
                .tasks
                .values()
                .any(|task| task.instance == instance && task.name.starts_with("sweep"));
            let is_due = world.kept.is_marked() && !sweeps && !self.delivers(instance);
            if self.left.sweeps > 0 && is_due {
                choices.push(Choice::Sweep(instance));
            }
        }
        if self.left.waits > 0 {
            choices.push(Choice::Wait);
        }
        if self.left.long_waits > 0 {
            choices.push(Choice::LongWait);
        }
        if self.setup.broken == Broken::HandoverInRequest {
            let open = self.tasks.values().filter_map(|task| task.click);
            choices.extend(open.map(Choice::Abort));
        }
        choices
    }

    pub(super) fn apply(&mut self, choice: Choice) {
        match choice {
            Choice::Answer(task, how) => self.answer(task, how),
            Choice::Arrives(number) => {
                let mut world = self.shared.world();
                let (request, _) = world.kept.late.remove(number);
                let broken = world.broken;
                world.kept.apply(&request, broken);
            }
            Choice::Crash(instance) => {
                self.left.crashes -= 1;
                self.end_tasks(|task| task.instance == instance);
                let ahead = self.setup.clocks[instance];
                let lives = &mut self.instances[instance];
                lives.carts = Arc::new(carts(&self.shared, ahead));
                lives.life += 1;
                lives.then = false;
            }
            Choice::Sweep(instance) => {
                self.sweep(instance);
                self.left.sweeps -= 1;
            }
            Choice::Wait => {
                self.left.waits -= 1;
                self.shared.world().kept.pass(CLAIM_OVER_MS);
            }
            Choice::LongWait => {
                self.left.long_waits -= 1;
                let mut world = self.shared.world();
                // Every request has a time limit of seconds.
                for (task, _) in std::mem::take(&mut world.asked) {
                    world.replies.insert(task, Reply::None { at_once: false });
                    if let Some(task) = self.tasks.get_mut(&task) {
                        task.heard.push("nothing for long".to_owned());
                    }
                }
                world.kept.pass(LONG_MS);
            }
            Choice::Abort(click) => self.end_tasks(|task| task.click == Some(click)),
        }
        self.poll();
    }

    fn end_tasks(&mut self, which: impl Fn(&Task) -> bool) {
        let gone: Vec<usize> = self
            .tasks
            .iter()
            .filter(|(_, it)| which(it))
            .map(|(n, _)| *n)
            .collect();
        let mut world = self.shared.world();
        let ended: Vec<Task> = gone.iter().filter_map(|it| self.tasks.remove(it)).collect();
        for number in gone {
            world.asked.remove(&number);
            world.replies.remove(&number);
        }
        drop(world);
        drop(ended);
    }

    fn answer(&mut self, number: usize, how: How) {
        let mut world = self.shared.world();
        let request = world.asked.remove(&number).expect("it asked");
        let broken = world.broken;
        if how != How::Done {
            match request.is_send() {
                true => self.left.bus_faults -= 1,
                false => self.left.store_faults -= 1,
            }
        }
        let reply = match how {
            How::Done | How::Lost => world.kept.apply(&request, broken),
            How::Never => Reply::None { at_once: true },
            How::Later => {
                let now = world.kept.now;
                world.kept.late.push((request.clone(), now));
                Reply::None { at_once: false }
            }
        };
        let reply = match how {
            How::Lost => Reply::None { at_once: false },
            _ => reply,
        };
        let heard = world
            .kept
            .named(&format!("{} {}", describe(&request), told(&reply)));
        if let Some(task) = self.tasks.get_mut(&number) {
            task.heard.push(heard);
        }
        world.replies.insert(number, reply);
    }

    /// The same for two runs that can go on in the same ways.
    pub(super) fn key(&self) -> u64 {
        let world = self.shared.world();
        let mut hasher = DefaultHasher::new();
        world.kept.described().hash(&mut hasher);
        for (number, task) in &self.tasks {
            let asked = world.asked.get(number).map(describe).unwrap_or_default();
            (&task.name, task.life, &task.heard, world.kept.named(&asked)).hash(&mut hasher);
        }
        for instance in &self.instances {
            (instance.life, instance.then).hash(&mut hasher);
        }
        self.told.hash(&mut hasher);
        self.left.hash(&mut hasher);
        hasher.finish()
    }

    /// The same where the same is kept outside of the instances, and shoppers were told the same:
    /// all that a verdict goes by.
    pub(super) fn outside(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.shared.world().kept.described().hash(&mut hasher);
        (&self.told, self.is_over()).hash(&mut hasher);
        hasher.finish()
    }

    pub(super) fn is_over(&self) -> bool {
        self.tasks.is_empty()
    }
}

fn told(reply: &Reply) -> String {
    match reply {
        Reply::Read(Some(stored)) => {
            format!(
                "{} {:?}",
                String::from_utf8_lossy(&stored.bytes),
                stored.version
            )
        }
        other => format!("{other:?}"),
    }
}

pub(super) fn carts(shared: &Shared, ahead: i64) -> ModelCarts {
    let clock = ModelClock {
        shared: shared.clone(),
        ahead,
    };
    Carts::new(shared.clone(), clock, ATTEMPT)
}
