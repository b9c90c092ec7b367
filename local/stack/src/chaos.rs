//! Everything that can go wrong, all at once, for as many messages as one likes; and a verdict.
//!
//! It is a [`load`] with a harsher plan and the instances in hand. A run starts a stack of its own,
//! in memory and on free ports, and a second Functions host on the same queue: two instances of one
//! binary ([`instances`]). A crowd sends carts, and a little poison, through the queue's door as
//! fast as they are taken. Meanwhile a schedule ([`schedule`], decided by the seed) breaks storage,
//! Logic App and e-mail service in every way they know, kills the handlers (SIGKILL), also in the
//! middle of uploads, ends the locks of messages that are being worked on, and lets outages last
//! until messages are dead letters ([`injector`], [`outage`]). Then all is healed, the queue comes
//! to rest, and the judge of [`load`], which shares no code with the product, says where each
//! message is ([`findings`]). What only those can count who have the instances in hand ([`tally`])
//! is a section of the report.
//!
//! The same seed gives the same messages of the same sessions and the same schedule, counted in
//! messages sent. What is not the same: which message meets which fault, how many carts each
//! session gets to send, and everything else that hangs on real processes, sockets and the
//! machine's scheduler. A seed that found something finds it again often, not always: run it
//! several times.

mod findings;
mod injector;
mod instances;
mod outage;
mod schedule;
mod tally;

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use fastrand::Rng;
use host::HostError;
use load::report::{Ran, Report};
use load::rest::{Look, Patience, settle};
use load::{Crowd, LoadError};
use tokio::time::{Instant, sleep};

use crate::{Stack, StackError};
use findings::Findings;
use injector::{InjectionCounts, Injector, LATE};
use instances::Instances;
use outage::SenderHolds;
use schedule::{OUTAGE, schedule};
use tally::Tally;

/// New carts wait while so many messages are in the queue.
const BACKLOG_MAX: usize = 1_000;

/// Nothing was written for so long, so a write that was held back has landed. And without any
/// progress the queue is taken as it is after longer than the longest wait before a redelivery (60
/// s), and the time limits of a whole invocation.
const PATIENCE: Patience = Patience {
    calm: LATE.saturating_mul(2),
    limit: Duration::from_secs(120),
};

/// What to do.
#[derive(Debug, Clone)]
pub struct ChaosPlan {
    /// The folder of host.json.
    pub root: PathBuf,
    /// The handler's binary.
    pub handler: PathBuf,
    /// Messages to send.
    pub messages: usize,
    /// Sessions that send at a time.
    pub sessions: usize,
    /// Decides the messages and the schedule.
    pub seed: u64,
    /// Nothing is sent after this time.
    pub limit: Duration,
}

impl ChaosPlan {
    /// The command that does it again.
    fn replay(&self) -> String {
        let limit = humantime::format_duration(self.limit).to_string();
        format!(
            "just chaos --seed {} --messages {} --sessions {} --limit {}",
            self.seed,
            self.messages,
            self.sessions,
            limit.replace(' ', "")
        )
    }
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    #[error("no handler at {}: build it with `cargo build --release`, or name another one with --handler", .0.display())]
    NoHandler(PathBuf),
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The second host does not start.
    #[error("the second host: {0}")]
    Host(#[from] HostError),
    #[error("{} does not answer within {:?}", .0.display(), instances::START)]
    NotReady(PathBuf),
    /// Senders or judge cannot reach the stack.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The stack lacks a part that is to be broken.
    #[error(
        "the {0} is not part of this stack: expected settings and a workflow that keep it on this machine"
    )]
    Part(&'static str),
}

/// The two instances, those who send to them, and the one who counts.
#[derive(Debug)]
pub struct Chaos {
    plan: ChaosPlan,
    instances: Instances,
    crowd: Crowd,
    tally: Tally,
}

impl Chaos {
    /// Starts both instances, and waits until they take messages.
    ///
    /// # Errors
    /// [`ChaosError`]; nothing is left running then.
    pub async fn start(plan: ChaosPlan) -> Result<Self, ChaosError> {
        let (instances, events) = Instances::start(&plan.root, &plan.handler).await?;
        let tally = Tally::start(&instances, events)?;
        instances.ready().await?;
        let crowd = Crowd::at(&instances.places()?)?;
        Ok(Self {
            plan,
            instances,
            crowd,
            tally,
        })
    }

    /// The stack with the first instance: for those who want to break more than the schedule does.
    #[must_use]
    pub fn stack(&self) -> &Stack {
        &self.instances.stack
    }

    /// How many messages were sent so far.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.crowd.messages()
    }

    /// Sends, breaks, heals, waits and judges. Nothing is sent any more once `stop` has come to
    /// pass; `tell` hears now and then how many messages were sent.
    ///
    /// # Errors
    /// [`ChaosError`] when the evidence cannot be read.
    pub async fn run(
        self,
        stop: impl Future<Output = ()>,
        tell: impl Fn(usize),
    ) -> Result<Report, ChaosError> {
        let began = Instant::now();
        let done = self.send_and_break(stop, tell).await?;
        let sending = began.elapsed();
        let quiet = self.settle().await?;
        let Self {
            plan,
            instances,
            crowd,
            tally,
        } = self;
        let ran = Ran {
            seed: plan.seed,
            sessions: plan.sessions,
            due: u64::try_from(plan.messages).unwrap_or(u64::MAX),
            took: sending,
            settled: began.elapsed(),
            quiet,
            ..Ran::default()
        };
        let findings = Findings::collect(instances, &crowd, &tally).await?;
        Ok(findings.report(ran, done, plan.replay()))
    }

    /// Whether the queue came to rest.
    async fn settle(&self) -> Result<bool, LoadError> {
        let Stack { queue, blob, .. } = &self.instances.stack;
        settle(PATIENCE, async || {
            let counts = queue.counts();
            let waiting = counts.active + counts.locked;
            let writes = blob.as_ref().map(|blob| blob.storage().writes_len());
            Ok(Look {
                waiting: u64::try_from(waiting).unwrap_or(u64::MAX),
                progress: (counts, writes, self.tally.deliveries()),
            })
        })
        .await
    }

    async fn send_and_break(
        &self,
        stop: impl Future<Output = ()>,
        tell: impl Fn(usize),
    ) -> Result<InjectionCounts, ChaosError> {
        let Self {
            plan,
            instances,
            crowd,
            tally,
        } = self;
        let steps = schedule(plan.seed, plan.messages, plan.sessions);
        let holds = SenderHolds::default();
        let mut injector = Injector::new(instances, &holds)?;
        let queue = &instances.stack.queue;
        let is_full = || match holds.hurry.load(Relaxed) {
            true => holds.wait.load(Relaxed),
            false => queue.counts().active > BACKLOG_MAX,
        };
        let stop = async {
            tokio::select! {
                () = stop => {}
                () = sleep(plan.limit) => {}
                () = tally.host_stopped() => {}
            }
        };
        let (messages, sessions) = (plan.messages, plan.sessions);
        let random = Rng::with_seed(plan.seed);
        let send = async {
            crowd.send(messages, sessions, random, is_full, stop).await;
            // The last carts meet an outage too; it is over when all is healed.
            sleep(OUTAGE).await;
        };
        tokio::select! {
            () = send => {}
            () = injector.run(&steps, || crowd.messages()) => {}
            () = report(crowd, tell) => {}
        }
        Ok(injector.heal())
    }
}

/// Never ends.
async fn report(crowd: &Crowd, tell: impl Fn(usize)) {
    loop {
        tell(crowd.messages());
        sleep(Duration::from_millis(200)).await;
    }
}
