//! Does what the schedule says, and undoes it in time.

mod ambush;
mod blows;
mod outage;
mod strike;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::ChaosError;
use super::schedule::Step;
use super::stage::Stage;
use ambush::Ambush;
use blob::BlobHandle;
pub(super) use blows::LATE;
use bus::Queue;
use host::Killer;
use logic_app::LogicAppHandle;
use logic_app::mail::MailService;
use outage::Outage;
pub(super) use outage::Senders;
use stand_in::Fault;

const TICK: Duration = Duration::from_millis(5);

/// What was done.
#[derive(Debug, Clone, Default)]
pub(super) struct Done {
    /// How often each kind happened.
    pub(super) blows: BTreeMap<&'static str, u32>,
    pub(super) kills: u32,
    pub(super) kills_in_upload: u32,
    pub(super) locks_lost: usize,
    /// Messages that became dead letters in outages.
    pub(super) dead_in_outages: usize,
}

/// Breaks one stack, and its second host.
#[derive(Debug)]
pub(super) struct Injector<'a> {
    queue: &'a Queue,
    storage: BlobHandle,
    fallback: LogicAppHandle,
    mail: &'a MailService,
    killers: [Killer; 2],
    done: Done,
    spells: Spells,
    hunted: BTreeSet<u64>,
    outage: Option<Outage>,
    senders: &'a Senders,
    ambush: Ambush,
}

/// When each ends.
#[derive(Debug, Default)]
struct Spells {
    storage: Option<Instant>,
    fallback: Option<Instant>,
    mail: Option<Instant>,
    hunt: Option<Instant>,
}

impl<'a> Injector<'a> {
    pub(super) fn new(stage: &'a Stage, senders: &'a Senders) -> Result<Self, ChaosError> {
        let Stage { stack, second, .. } = stage;
        let missing = ChaosError::Part;
        let storage = stack.blob.as_ref().ok_or(missing("storage"))?;
        let fallback = stack.logic_app.as_ref().ok_or(missing("Logic App"))?;
        Ok(Self {
            queue: &stack.queue,
            storage: storage.handle(),
            fallback: fallback.handle(),
            mail: stack.mail.as_ref().ok_or(missing("e-mail service"))?,
            killers: [stack.host.killer(), second.killer()],
            done: Done::default(),
            spells: Spells::default(),
            hunted: BTreeSet::new(),
            outage: None,
            senders,
            ambush: Ambush::default(),
        })
    }

    /// Never ends: also after the last step, spells have their end.
    pub(super) async fn run(&mut self, steps: &[Step], sent: impl Fn() -> usize) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut steps = steps.iter().peekable();
        loop {
            let now = tick.tick().await;
            self.end_spells(now);
            self.kill_in_upload(now);
            let hunted = &self.hunted;
            self.done.locks_lost += self.queue.lose_locks(|number| hunted.contains(&number));
            self.go_on_with_outage(sent(), now);
            while let Some(step) = steps.next_if(|step| step.at <= sent()) {
                *self.done.blows.entry(step.kind.name()).or_default() += 1;
                self.strike(step, now);
            }
        }
    }

    /// Everything is well from now on.
    pub(super) fn heal(mut self) -> Done {
        self.end_outage();
        self.storage.faults().set(Fault::None);
        self.fallback.faults().set(Fault::None);
        self.mail.faults().set(Fault::None);
        drop(self.ambush);
        self.done
    }

    fn go_on_with_outage(&mut self, sent: usize, now: Instant) {
        let Some(outage) = &mut self.outage else {
            return;
        };
        outage.go_on(self.queue, sent, now);
        let goes_on = outage.holds_back();
        if goes_on && !self.senders.wait.swap(true, Relaxed) {
            // Another blow may have brought light meanwhile.
            self.in_the_dark(None);
        }
        if self.outage.as_ref().is_some_and(|it| it.is_over(now)) {
            self.end_outage();
            (self.spells.storage, self.spells.fallback) = (Some(now), Some(now));
        }
    }

    fn end_outage(&mut self) {
        if let Some(mut outage) = self.outage.take() {
            outage.let_go(self.queue);
            self.done.dead_in_outages += outage.dead;
            self.done.locks_lost += outage.locks_lost;
        }
        self.senders.hurry.store(false, Relaxed);
        self.senders.wait.store(false, Relaxed);
    }

    fn end_spells(&mut self, now: Instant) {
        let is_over = |end: &mut Option<Instant>| end.take_if(|end| *end <= now).is_some();
        if is_over(&mut self.spells.storage) {
            self.storage.faults().set(Fault::None);
        }
        if is_over(&mut self.spells.fallback) {
            self.fallback.faults().set(Fault::None);
        }
        if is_over(&mut self.spells.mail) {
            self.mail.faults().set(Fault::None);
        }
        if is_over(&mut self.spells.hunt) {
            self.hunted.clear();
        }
    }

    /// Nobody sees whose upload it is: both die.
    fn kill_in_upload(&mut self, now: Instant) {
        if !self.ambush.springs(now) {
            return;
        }
        for killer in self.killers.iter().filter(|killer| killer.is_ready()) {
            killer.kill();
            self.done.kills += 1;
            self.done.kills_in_upload += 1;
        }
    }
}
