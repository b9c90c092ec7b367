//! Does what the schedule says, and undoes it in time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::ChaosError;
use super::schedule::{Fallback, Kind, Mail, Step, Storage};
use crate::blob::{BlobHandle, HeldUpload};
use crate::host::{Host, Killer};
use crate::logic_app::LogicAppHandle;
use crate::loopback::{Fault, FaultSwitch, Flaky, StatusCode};
use crate::mail::MailService;
use crate::queue::Queue;
use crate::stack::Stack;

const TICK: Duration = Duration::from_millis(5);

/// Longer than the handler's time limit of an attempt.
pub(super) const LATE: Duration = Duration::from_millis(1_300);

/// Long enough for a lock to be lost meanwhile.
const SLOW: Duration = Duration::from_millis(150);

/// An upload is waited for so long; in the midst of other faults there may be none.
const HELD_WITHIN: Duration = Duration::from_secs(2);

/// A killed process is gone by then.
const KILLED_WITHIN: Duration = Duration::from_millis(300);

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
    armed: Option<(oneshot::Receiver<HeldUpload>, Instant)>,
    unanswered: Option<(HeldUpload, Instant)>,
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
    pub(super) fn new(stack: &'a Stack, second: &Host) -> Result<Self, ChaosError> {
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
            armed: None,
            unanswered: None,
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
    pub(super) fn heal(mut self) -> Done {
        self.storage.faults().set(Fault::None);
        self.fallback.faults().set(Fault::None);
        self.mail.faults().set(Fault::None);
        self.armed = None;
        self.unanswered = None;
        self.done
    }

    fn strike(&mut self, step: &Step, now: Instant) {
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
                self.mail.faults().set(match fault {
                    Mail::Busy => status(StatusCode::SERVICE_UNAVAILABLE, "ServerBusy", None),
                    Mail::LosesTheReply => Fault::ApplyThenDropConnection,
                });
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
                self.armed = Some((self.storage.hold_next_upload(), now + HELD_WITHIN));
            }
            Kind::LoseLocks => self.done.locks_lost += self.queue.lose_locks(|_| true),
            Kind::HuntLocks => {
                self.storage.faults().set(Fault::Delay(SLOW));
                self.spells.storage = end;
                self.hunt(end);
            }
            Kind::HuntInTheDark => {
                self.storage.faults().set(Fault::FORBID_ALL);
                self.fallback.faults().set(BAD_GATEWAY);
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
        self.unanswered.take_if(|(_, until)| *until <= now);
        let Some((held, until)) = &mut self.armed else {
            return;
        };
        match held.try_recv() {
            Ok(upload) => {
                for killer in self.killers.iter().filter(|killer| killer.is_ready()) {
                    killer.kill();
                    self.done.kills += 1;
                    self.done.kills_in_upload += 1;
                }
                self.unanswered = Some((upload, now + KILLED_WITHIN));
                self.armed = None;
            }
            Err(TryRecvError::Empty) if *until > now => {}
            Err(_) => self.armed = None,
        }
    }
}

const fn status(status: StatusCode, error_code: &'static str, retry_after: Option<u32>) -> Fault {
    Fault::Status {
        status,
        error_code,
        retry_after,
    }
}

const SERVER_BUSY: Fault = status(StatusCode::SERVICE_UNAVAILABLE, "ServerBusy", None);
const BAD_GATEWAY: Fault = status(StatusCode::BAD_GATEWAY, "BadGateway", None);
const TOO_MANY: Fault = status(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", Some(1));
const DONE_AND_DENIED: Fault = Fault::ApplyThenStatus(StatusCode::INTERNAL_SERVER_ERROR);

fn break_storage(storage: &FaultSwitch, fault: Storage, seed: u64) {
    let fault = match fault {
        Storage::Refuses => return storage.refuse_connections(),
        Storage::Flaky => {
            let all = vec![
                Fault::None,
                SERVER_BUSY,
                Fault::ApplyThenDropConnection,
                Fault::Delay(LATE),
                DONE_AND_DENIED,
                Fault::FORBID_ALL,
                Fault::Hang,
            ];
            return storage.set_flaky(Flaky::new(seed, all));
        }
        Storage::ServerBusy => SERVER_BUSY,
        Storage::TooManyRequests => TOO_MANY,
        Storage::Late => Fault::Delay(LATE),
        Storage::Hangs => Fault::Hang,
        Storage::LosesTheReply => Fault::ApplyThenDropConnection,
        Storage::SaysNoAndDoesIt => DONE_AND_DENIED,
        Storage::Forbids => Fault::FORBID_ALL,
    };
    storage.set(fault);
}

fn break_fallback(fallback: &FaultSwitch, fault: Fallback, seed: u64) {
    let fault = match fault {
        Fallback::Down => return fallback.refuse_connections(),
        Fallback::Flaky => {
            let all = vec![Fault::None, BAD_GATEWAY, Fault::ApplyThenDropConnection];
            return fallback.set_flaky(Flaky::new(seed, all));
        }
        Fallback::BadGateway => BAD_GATEWAY,
        Fallback::Hangs => Fault::Hang,
        Fallback::LosesTheReply => Fault::ApplyThenDropConnection,
    };
    fallback.set(fault);
}
