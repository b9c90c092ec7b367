//! What each kind of blow does at the moment it falls.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::Instant;

use super::Injector;
use super::blows::{BAD_GATEWAY, break_fallback, break_mail, break_storage};
use super::outage::Outage;
use crate::chaos::schedule::{Kind, Step};
use stand_in::Fault;

/// Long enough for a lock to be lost meanwhile.
const SLOW: Duration = Duration::from_millis(150);

/// Messages that are hunted at once.
const HUNTED: usize = 8;

impl Injector<'_> {
    pub(super) fn strike(&mut self, step: &Step, now: Instant) {
        let end = Some(now + step.lasts);
        match step.kind {
            Kind::Storage(fault) => {
                break_storage(self.storage.faults(), fault, step.seed);
                self.spells.storage = end;
            }
            Kind::Fallback(fault) => {
                break_fallback(self.fallback.faults(), fault, step.seed);
                self.spells.fallback = end;
            }
            Kind::Mail(fault) => {
                break_mail(self.mail.faults(), fault);
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
                self.storage.faults().set(Fault::Delay(SLOW));
                self.spells.storage = end;
                self.hunt(end);
            }
            Kind::HuntInTheDark => {
                self.in_the_dark(end);
                self.hunt(end);
            }
            Kind::Outage(last) => {
                self.in_the_dark(None);
                self.end_outage();
                self.outage = Some(Outage::begin(last));
                self.senders.hurry.store(true, Relaxed);
            }
        }
    }

    /// Neither storage nor Logic App takes anything.
    pub(super) fn in_the_dark(&mut self, end: Option<Instant>) {
        self.storage.faults().set(Fault::FORBID_ALL);
        self.fallback.faults().set(BAD_GATEWAY);
        (self.spells.storage, self.spells.fallback) = (end, end);
    }

    /// The oldest messages lose every lock from now on.
    fn hunt(&mut self, end: Option<Instant>) {
        let all = self.queue.peek().into_iter();
        self.hunted = all.map(|it| it.accepted.sequence).take(HUNTED).collect();
        self.spells.hunt = end;
    }
}
