//! A load run from its plan to its report: the order of events.

use fastrand::Rng;
use tokio::time::Instant;

use super::access::Access;
use super::evidence::gather;
use super::evidence::watch::Watch;
use super::judge::judge;
use super::progress::{progress, show, spinner};
use super::report::{Report, Sending};
use super::senders::arrivals::{self, Arrived};
use super::senders::oracle::Oracle;
use super::senders::{Sender, Senders, cart};
use super::target::Places;
use super::{LoadError, Plan, saboteur, shop};

/// Sends, watches, waits and judges. When `stop` comes to pass, no more carts arrive; the rest is as ever.
///
/// # Errors
/// [`LoadError`] when the stack is not there at the beginning or not at the end. Between, it may come and go.
pub async fn run(
    plan: &Plan,
    places: &Places,
    stop: impl Future<Output = ()>,
) -> Result<Report, LoadError> {
    let access = Access::to(places)?;
    access.bus.counts().await?;
    access.dashboard.faults().await?;
    let report = if plan.through_petstore {
        shop::run(plan, &access, stop).await?
    } else {
        through_the_door(plan, &access, stop).await?
    };
    report.keep(plan)?;
    Ok(report)
}

/// Carts go to the queue's door.
async fn through_the_door(
    plan: &Plan,
    access: &Access,
    stop: impl Future<Output = ()>,
) -> Result<Report, LoadError> {
    let oracle = Oracle::kept_in(plan.out.as_deref())?;
    let watch = Watch::begin(access).await?;

    let began = Instant::now();
    let (arrived, sabotage) = send_and_break(plan, access, &oracle, stop).await;
    let took = began.elapsed();
    saboteur::heal(&plan.faults, &access.dashboard).await?;
    let mut seen = watch.end().await?;

    let bar = spinner("waiting for the queue to be quiet");
    let tell = |waiting| bar.set_message(format!("waiting for the queue: {waiting} messages"));
    let quiet = gather::settle(access, &mut seen, plan.settle, tell).await?;
    let settled = began.elapsed();
    bar.set_message("reading every blob");
    let restarts = seen.restarts;
    let evidence = gather::evidence(oracle.sent(), access, seen).await?;
    bar.finish_and_clear();

    let verdict = judge(&evidence);
    let sending = Sending {
        arrived: arrived.carts,
        replaced: arrived.replaced,
        took,
        settled,
        sabotage,
        restarts,
        quiet,
    };
    Ok(Report::of(plan, &evidence, verdict, sending))
}

/// Carts arrive and are sent, and things go wrong meanwhile, until the time is over and every session has ended.
async fn send_and_break(
    plan: &Plan,
    access: &Access,
    oracle: &Oracle,
    stop: impl Future<Output = ()>,
) -> (Arrived, saboteur::Done) {
    let mut random = Rng::with_seed(plan.seed);
    let all = (0..plan.carts).map(|_| Sender {
        id: cart::session_id(),
        random: random.fork(),
        body_bytes: plan.body_bytes,
    });
    let senders = Senders::start(all, &access.bus, oracle);
    let end = Instant::now() + plan.duration;
    let bar = progress(plan);
    let (for_arrivals, for_sabotage) = (random.fork(), random.fork());
    let work = async {
        tokio::join!(
            arrivals::run(plan.pace, &senders.slots, &access.bus, end, for_arrivals),
            saboteur::run(&plan.faults, &access.dashboard, end, for_sabotage),
        )
    };
    let result = tokio::select! {
        result = work => result,
        () = stop => <_>::default(),
        () = show(&bar, || format!("{} carts sent", oracle.len())) => <_>::default(),
    };
    bar.set_message("sending the last carts");
    senders.end().await;
    bar.finish_and_clear();
    result
}
