//! A load run from its first cart to its verdict.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::api::Dashboard;
use super::blobs::Blobs;
use super::bus::Bus;
use super::evidence::{Evidence, Fate};
use super::judge::judge;
use super::oracle::Oracle;
use super::report::{Report, Sending};
use super::session::{Session, Slot};
use super::target::Places;
use super::watch::Seen;
use super::{LoadError, Plan, arrivals, cart, chaos, gather, shop, watch as watcher};
use crate::http_client;

/// Everything that speaks to the stack.
pub(super) struct Stack {
    pub(super) bus: Bus,
    pub(super) dashboard: Dashboard,
    pub(super) blobs: Blobs,
    pub(super) client: reqwest::Client,
}

impl Stack {
    fn new(places: &Places) -> Result<Self, LoadError> {
        let problem = |problem: String| LoadError::Client(problem);
        let builder = http_client::builder().map_err(|error| problem(error.to_string()))?;
        let builder = builder.redirect(reqwest::redirect::Policy::none());
        let client = builder
            .build()
            .map_err(|error| problem(error.to_string()))?;
        let (places, client) = (|| places.clone(), || client.clone());
        Ok(Self {
            bus: Bus {
                places: places(),
                client: client(),
            },
            dashboard: Dashboard {
                places: places(),
                client: client(),
            },
            blobs: Blobs {
                places: places(),
                client: client(),
            },
            client: client(),
        })
    }
}

/// Sends, watches, waits and judges. When `stop` comes to pass, no more carts arrive; the rest is as ever.
///
/// # Errors
/// [`LoadError`] when the stack is not there at the beginning or not at the end. Between, it may come and go.
pub async fn run(
    plan: &Plan,
    places: &Places,
    stop: impl Future<Output = ()>,
) -> Result<Report, LoadError> {
    let stack = Stack::new(places)?;
    stack.bus.counts().await?;
    stack.dashboard.faults().await?;
    if plan.through_petstore {
        return shop::run(plan, &stack, stop).await;
    }
    let oracle = match &plan.out {
        Some(folder) => Oracle::with_file(folder)?,
        None => Oracle::default(),
    };
    let names_before = stack.blobs.names().await?;
    let seen = Seen::from_now_on(&stack.dashboard).await?;
    let (ended, end) = watch::channel(false);
    let mut watching = JoinSet::new();
    watching.spawn(watcher::run(seen, stack.dashboard.clone(), end));

    let began = Instant::now();
    let (arrived, chaos) = send(plan, &stack, &oracle, stop).await;
    let sending = began.elapsed();
    if !plan.faults.is_none() {
        chaos::heal(&stack.dashboard).await?;
    }
    ended.send_replace(true);
    let mut seen = match watching.join_next().await {
        Some(Ok(seen)) => seen,
        _ => Seen::from_now_on(&stack.dashboard).await?,
    };

    let bar = spinner("waiting for the queue to be quiet");
    let tell = |waiting| bar.set_message(format!("waiting for the queue: {waiting} messages"));
    let quiet = gather::settle(&stack.bus, &stack.dashboard, &mut seen, plan.settle, tell).await?;
    let settled = began.elapsed();
    bar.set_message("reading every blob");
    let restarts = seen.restarts;
    let evidence = gather::evidence(
        oracle.sent(),
        names_before,
        &stack.dashboard,
        &stack.blobs,
        seen,
    )
    .await?;
    bar.finish_and_clear();
    let verdict = judge(&evidence);
    let sending = Sending {
        arrived: arrived.carts,
        replaced: arrived.replaced,
        took: sending,
        settled,
        chaos,
        restarts,
        quiet,
    };
    let report = Report::of(plan, &evidence, verdict, sending);
    report.keep(plan)?;
    Ok(report)
}

/// Carts arrive and are sent, and things go wrong meanwhile, until the time is over and every session has ended.
async fn send(
    plan: &Plan,
    stack: &Stack,
    oracle: &Oracle,
    stop: impl Future<Output = ()>,
) -> (arrivals::Arrived, chaos::Done) {
    let mut random = Rng::with_seed(plan.seed);
    let (over, is_over) = watch::channel(None);
    let slots: Vec<Arc<Slot>> = (0..plan.carts).map(|_| Arc::default()).collect();
    let mut sessions = JoinSet::new();
    for slot in &slots {
        let session = Session {
            id: cart::session_id(),
            slot: Arc::clone(slot),
            bus: stack.bus.clone(),
            oracle: oracle.clone(),
            random: random.fork(),
            body_bytes: plan.body_bytes,
            over: is_over.clone(),
        };
        sessions.spawn(session.run());
    }
    let end = Instant::now() + plan.duration;
    let bar = progress(plan);
    let (for_arrivals, for_chaos) = (random.fork(), random.fork());
    let work = async {
        tokio::join!(
            arrivals::run(plan.pace, &slots, &stack.bus, end, for_arrivals),
            chaos::run(&plan.faults, &stack.dashboard, end, for_chaos),
        )
    };
    let result = tokio::select! {
        result = work => result,
        () = stop => <_>::default(),
        () = show(&bar, oracle) => <_>::default(),
    };
    over.send_replace(Some(Instant::now()));
    bar.set_message("sending the last carts");
    while sessions.join_next().await.is_some() {}
    bar.finish_and_clear();
    result
}

/// Moves the bar; never ends.
async fn show(bar: &ProgressBar, oracle: &Oracle) {
    let mut tick = interval(Duration::from_millis(200));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let began = Instant::now();
    loop {
        tick.tick().await;
        bar.set_position(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        bar.set_message(format!("{} carts sent", oracle.len()));
    }
}

/// Hidden when there is no terminal.
pub(super) fn progress(plan: &Plan) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(plan.duration.as_millis()).unwrap_or(u64::MAX));
    match ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// The same without an end in sight.
pub(super) fn spinner(message: &'static str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(message);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// How many of the evidence's messages had this fate.
pub(super) fn count(evidence: &Evidence, is: impl Fn(Fate) -> bool) -> usize {
    evidence.sent.iter().filter(|sent| is(sent.fate)).count()
}
