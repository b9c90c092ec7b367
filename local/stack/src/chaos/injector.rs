//! Does what the schedule says, and undoes it in time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use blob::{BlobHandle, HeldUpload};
use bus::Queue;
use host::Killer;
use logic_app::LogicAppHandle;
use logic_app::mail::MailService;
use stand_in::{Fault, FaultDegree, StatusCode};
use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::ChaosError;
use super::instances::Instances;
use super::outage::{Outage, SenderHolds};
use super::schedule::{Injection, Step};

const TICK: Duration = Duration::from_millis(5);

/// Long enough for a lock to be lost meanwhile.
const SLOW: Duration = Duration::from_millis(150);

/// Messages whose locks are lost again and again, at once.
const TARGETS_MAX: usize = 8;

/// An upload is waited for so long; in the midst of other faults there may be none.
const HELD_WITHIN: Duration = Duration::from_secs(2);

/// A killed process is gone by then.
const KILLED_WITHIN: Duration = Duration::from_millis(300);

/// Longer than the handler's time limit of an attempt.
pub(super) const LATE: Duration = Duration::from_millis(1_300);

/// What a flaky storage chooses from.
const FLAKY_STORAGE: [Fault; 7] = [
    Fault::None,
    Fault::Status {
        status: StatusCode::SERVICE_UNAVAILABLE,
        error_code: "ServerBusy",
        retry_after: None,
    },
    Fault::ApplyThenDropConnection,
    Fault::Delay(LATE),
    Fault::ApplyThenStatus(StatusCode::INTERNAL_SERVER_ERROR),
    Fault::FORBID_ALL,
    Fault::Hang,
];

const BAD_GATEWAY: Fault = Fault::Status {
    status: StatusCode::BAD_GATEWAY,
    error_code: "BadGateway",
    retry_after: None,
};

/// What a flaky Logic App chooses from.
const FLAKY_LOGIC_APP: [Fault; 3] = [Fault::None, BAD_GATEWAY, Fault::ApplyThenDropConnection];

/// A chaos run waits for its end, so what takes long takes no longer than it must.
const fn degree(flaky: &[Fault], seed: u64) -> FaultDegree<'_> {
    FaultDegree {
        slow: LATE,
        retry_after: 1,
        flaky,
        seed,
    }
}

/// What was done.
#[derive(Debug, Clone, Default)]
pub(super) struct InjectionCounts {
    /// How often each injection happened, by its name.
    pub(super) by_name: BTreeMap<&'static str, u32>,
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
    logic_app: LogicAppHandle,
    mail: &'a MailService,
    killers: [Killer; 2],
    done: InjectionCounts,
    ends: FaultEnds,
    targets: BTreeSet<u64>,
    outage: Option<Outage>,
    holds: &'a SenderHolds,
    armed_kill: ArmedKill,
}

/// When each ends.
#[derive(Debug, Default)]
struct FaultEnds {
    storage: Option<Instant>,
    logic_app: Option<Instant>,
    mail: Option<Instant>,
    locks: Option<Instant>,
}

impl<'a> Injector<'a> {
    pub(super) fn new(
        instances: &'a Instances,
        holds: &'a SenderHolds,
    ) -> Result<Self, ChaosError> {
        let Instances { stack, second, .. } = instances;
        let missing = ChaosError::Part;
        let storage = stack.blob.as_ref().ok_or(missing("storage"))?;
        let host = stack.host.as_ref().ok_or(missing("Functions host"))?;
        let logic_app = stack.logic_app.as_ref().ok_or(missing("Logic App"))?;
        Ok(Self {
            queue: &stack.queue,
            storage: storage.handle(),
            logic_app: logic_app.handle(),
            mail: stack.mail.as_ref().ok_or(missing("e-mail service"))?,
            killers: [host.killer(), second.killer()],
            done: InjectionCounts::default(),
            ends: FaultEnds::default(),
            targets: BTreeSet::new(),
            outage: None,
            holds,
            armed_kill: ArmedKill::default(),
        })
    }

    /// Never ends: also after the last step, faults have their end.
    pub(super) async fn run(&mut self, steps: &[Step], sent: impl Fn() -> usize) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut steps = steps.iter().peekable();
        loop {
            let now = tick.tick().await;
            self.end_faults(now);
            self.kill_in_upload(now);
            let targets = &self.targets;
            self.done.locks_lost += self.queue.lose_locks(|number| targets.contains(&number));
            self.go_on_with_outage(sent(), now);
            while let Some(step) = steps.next_if(|step| step.at <= sent()) {
                *self.done.by_name.entry(step.injection.name()).or_default() += 1;
                self.inject(step, now);
            }
        }
    }

    /// Everything is well from now on.
    pub(super) fn heal(mut self) -> InjectionCounts {
        self.end_outage();
        self.storage.faults().set(Fault::None);
        self.logic_app.faults().set(Fault::None);
        self.mail.faults().set(Fault::None);
        drop(self.armed_kill);
        self.done
    }

    fn go_on_with_outage(&mut self, sent: usize, now: Instant) {
        let Some(outage) = &mut self.outage else {
            return;
        };
        outage.go_on(self.queue, sent, now);
        let goes_on = outage.holds_back();
        if goes_on && !self.holds.wait.swap(true, Relaxed) {
            // Another injection may have healed them meanwhile.
            self.take_both_down(None);
        }
        if self.outage.as_ref().is_some_and(|it| it.is_over(now)) {
            self.end_outage();
            (self.ends.storage, self.ends.logic_app) = (Some(now), Some(now));
        }
    }

    fn end_outage(&mut self) {
        if let Some(mut outage) = self.outage.take() {
            outage.let_go(self.queue);
            self.done.dead_in_outages += outage.dead;
            self.done.locks_lost += outage.locks_lost;
        }
        self.holds.hurry.store(false, Relaxed);
        self.holds.wait.store(false, Relaxed);
    }

    fn end_faults(&mut self, now: Instant) {
        let is_over = |end: &mut Option<Instant>| end.take_if(|end| *end <= now).is_some();
        if is_over(&mut self.ends.storage) {
            self.storage.faults().set(Fault::None);
        }
        if is_over(&mut self.ends.logic_app) {
            self.logic_app.faults().set(Fault::None);
        }
        if is_over(&mut self.ends.mail) {
            self.mail.faults().set(Fault::None);
        }
        if is_over(&mut self.ends.locks) {
            self.targets.clear();
        }
    }

    /// Nobody sees whose upload it is: both die.
    fn kill_in_upload(&mut self, now: Instant) {
        if !self.armed_kill.is_due(now) {
            return;
        }
        for killer in self.killers.iter().filter(|killer| killer.is_ready()) {
            killer.kill();
            self.done.kills += 1;
            self.done.kills_in_upload += 1;
        }
    }

    fn inject(&mut self, step: &Step, now: Instant) {
        let end = Some(now + step.lasts);
        match step.injection {
            Injection::Storage(fault) => {
                let degree = degree(&FLAKY_STORAGE, step.seed);
                self.storage.faults().turn(fault, &degree);
                self.ends.storage = end;
            }
            Injection::LogicApp(fault) => {
                let degree = degree(&FLAKY_LOGIC_APP, step.seed);
                self.logic_app.faults().turn(fault, &degree);
                self.ends.logic_app = end;
            }
            Injection::Mail(fault) => {
                self.mail.faults().turn(fault, &degree(&[], step.seed));
                self.ends.mail = end;
            }
            Injection::Kill(which) => {
                let killer = self.killers.get(which).filter(|killer| killer.is_ready());
                if let Some(killer) = killer {
                    killer.kill();
                    self.done.kills += 1;
                }
            }
            Injection::KillDuringUpload => {
                self.armed_kill.arm(&self.storage, now);
            }
            Injection::LoseLocks => self.done.locks_lost += self.queue.lose_locks(|_| true),
            Injection::LoseLocksRepeatedly => {
                self.storage.faults().set(Fault::Delay(SLOW));
                self.ends.storage = end;
                self.lose_locks_repeatedly(end);
            }
            Injection::LoseLocksWhileDown => {
                self.take_both_down(end);
                self.lose_locks_repeatedly(end);
            }
            Injection::Outage(last) => {
                self.take_both_down(None);
                self.end_outage();
                self.outage = Some(Outage::begin(last));
                self.holds.hurry.store(true, Relaxed);
            }
        }
    }

    /// Neither storage nor Logic App takes anything.
    fn take_both_down(&mut self, end: Option<Instant>) {
        self.storage.faults().set(Fault::FORBID_ALL);
        self.logic_app.faults().set(BAD_GATEWAY);
        (self.ends.storage, self.ends.logic_app) = (end, end);
    }

    /// The oldest messages lose every lock from now on.
    fn lose_locks_repeatedly(&mut self, end: Option<Instant>) {
        let all = self.queue.peek().into_iter();
        self.targets = all
            .map(|it| it.accepted.sequence)
            .take(TARGETS_MAX)
            .collect();
        self.ends.locks = end;
    }
}

/// A kill that waits for an upload: one that has taken effect, and whose answer is kept back until
/// whoever sent it is dead. At most one at a time.
#[derive(Debug, Default)]
struct ArmedKill {
    armed: Option<(Receiver<HeldUpload>, Instant)>,
    unanswered: Option<(HeldUpload, Instant)>,
}

impl ArmedKill {
    /// Holds the next upload.
    fn arm(&mut self, storage: &BlobHandle, now: Instant) {
        self.armed = Some((storage.hold_next_upload(), now + HELD_WITHIN));
    }

    /// Whether an upload is held since just now.
    fn is_due(&mut self, now: Instant) -> bool {
        self.unanswered.take_if(|(_, until)| *until <= now);
        let Some((held, until)) = &mut self.armed else {
            return false;
        };
        match held.try_recv() {
            Ok(upload) => {
                self.unanswered = Some((upload, now + KILLED_WITHIN));
                self.armed = None;
                true
            }
            Err(TryRecvError::Empty) if *until > now => false,
            Err(_) => {
                self.armed = None;
                false
            }
        }
    }
}
