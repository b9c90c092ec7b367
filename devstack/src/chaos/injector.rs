//! Does what the schedule says, and undoes it in time.

mod ambush;
mod blows;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::ChaosError;
use super::schedule::{Kind, Step};
use super::stage::Stage;
use crate::blob::BlobHandle;
use crate::host::Killer;
use crate::logic_app::LogicAppHandle;
use crate::loopback::Fault;
use crate::mail::MailService;
use crate::queue::Queue;
use ambush::Ambush;
pub(super) use blows::LATE;
use blows::{BAD_GATEWAY, break_fallback, break_mail, break_storage};

const TICK: Duration = Duration::from_millis(5);

/// Long enough for a lock to be lost meanwhile.
const SLOW: Duration = Duration::from_millis(150);

/// Messages that are hunted at once.
const HUNTED: usize = 8;

/// What was done.
#[derive(Debug, Clone, Default)]
pub(super) struct Done {
    /// How often each kind happened.
    pub(super) blows: BTreeMap<&'static str, u32>,
    pub(super) kills: u32,
    pub(super) kills_in_upload: u32,
    pub(super) locks_lost: usize,
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
    pub(super) fn new(stage: &'a Stage) -> Result<Self, ChaosError> {
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
            while let Some(step) = steps.next_if(|step| step.at <= sent()) {
                *self.done.blows.entry(step.kind.name()).or_default() += 1;
                self.strike(step, now);
            }
        }
    }

    /// Everything is well from now on.
    pub(super) fn heal(self) -> Done {
        self.storage.set_fault(Fault::None);
        self.fallback.set_fault(Fault::None);
        self.mail.set_fault(Fault::None);
        drop(self.ambush);
        self.done
    }

    fn strike(&mut self, step: &Step, now: Instant) {
        let end = Some(now + step.lasts);
        match step.kind {
            Kind::Storage(fault) => {
                break_storage(&self.storage, fault, step.seed);
                self.spells.storage = end;
            }
            Kind::Fallback(fault) => {
                break_fallback(&self.fallback, fault, step.seed);
                self.spells.fallback = end;
            }
            Kind::Mail(fault) => {
                break_mail(self.mail, fault);
                self.spells.mail = end;
            }
            Kind::Kill(which) => {
                let killer = self.killers.get(which).filter(|killer| killer.is_ready());
                if let Some(killer) = killer {
                    killer.kill();
                    self.done.kills += 1;
                }
            }
            Kind::KillInUpload => {
                self.ambush.lay(&self.storage, now);
            }
            Kind::LoseLocks => self.done.locks_lost += self.queue.lose_locks(|_| true),
            Kind::HuntLocks => {
                self.storage.set_fault(Fault::Delay(SLOW));
                self.spells.storage = end;
                self.hunt(end);
            }
            Kind::HuntInTheDark => {
                self.storage.set_fault(Fault::FORBID_ALL);
                self.fallback.set_fault(BAD_GATEWAY);
                (self.spells.storage, self.spells.fallback) = (end, end);
                self.hunt(end);
            }
        }
    }

    /// The oldest messages lose every lock from now on.
    fn hunt(&mut self, end: Option<Instant>) {
        let all = self.queue.peek().into_iter();
        self.hunted = all.map(|it| it.accepted.sequence).take(HUNTED).collect();
        self.spells.hunt = end;
    }

    fn end_spells(&mut self, now: Instant) {
        let is_over = |end: &mut Option<Instant>| end.take_if(|end| *end <= now).is_some();
        if is_over(&mut self.spells.storage) {
            self.storage.set_fault(Fault::None);
        }
        if is_over(&mut self.spells.fallback) {
            self.fallback.set_fault(Fault::None);
        }
        if is_over(&mut self.spells.mail) {
            self.mail.set_fault(Fault::None);
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
