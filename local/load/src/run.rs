//! A load run from its plan to its report: the order of events.

use fastrand::Rng;
use tokio::time::Instant;

use crate::access::Access;
use crate::injector::FaultCounts;
use crate::judge::judge;
use crate::observer::Observer;
use crate::places::Places;
use crate::progress::{progress, show, spinner};
use crate::report::{Ran, Report};
use crate::senders::arrivals::Arrived;
use crate::senders::{Sender, Senders, SentLog, arrivals};
use crate::{LoadError, Plan, injector, message, observer, shop};

/// Sends, watches, waits and judges. When `stop` comes to pass, no more carts arrive; the rest is
/// as ever.
///
/// # Errors
/// [`LoadError`] when the stack is not there at the beginning or not at the end. Between, it may
/// come and go.
pub async fn run(
    plan: &Plan,
    places: &Places,
    stop: impl Future<Output = ()>,
) -> Result<Report, LoadError> {
    let access = Access::to(places)?;
    access.bus.counts().await?;
    injector::check_way(plan)?;
    injector::check(&plan.faults, access.dashboard.breakable().await?)?;
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
    let log = SentLog::kept_in(plan.out.as_deref())?;
    let observer = Observer::begin(access).await?;

    let began = Instant::now();
    let (arrived, faults) = send_and_break(plan, access, &log, stop).await;
    let took = began.elapsed();
    injector::heal(&plan.faults, &access.dashboard).await?;
    let mut observed = observer.end().await?;

    let bar = spinner("waiting for the queue to be quiet");
    let tell = |waiting| bar.set_message(format!("waiting for the queue: {waiting} messages"));
    let ours = log.sent().into_iter().map(|sent| sent.session).collect();
    let quiet = observed.settle(access, &ours, plan.settle, tell).await?;
    let settled = began.elapsed();
    bar.set_message("reading every blob");
    let restarts = observed.restarts;
    let evidence = observer::evidence(log.sent(), access, observed).await?;
    bar.finish_and_clear();

    let ran = Ran {
        due: arrived.carts,
        replaced: arrived.replaced,
        took,
        settled,
        faults: Some(faults),
        restarts,
        quiet,
        ..Ran::planned(plan)
    };
    Ok(Report::new(ran, &evidence, judge(&evidence)))
}

/// Carts arrive and are sent, and things go wrong meanwhile, until the time is over and every
/// session has ended.
async fn send_and_break(
    plan: &Plan,
    access: &Access,
    log: &SentLog,
    stop: impl Future<Output = ()>,
) -> (Arrived, FaultCounts) {
    let mut random = Rng::with_seed(plan.seed);
    let all = (0..plan.carts).map(|_| Sender {
        id: message::session_id(),
        random: random.fork(),
        body_bytes: plan.body_bytes,
    });
    let senders = Senders::start(all, &access.bus, log);
    let end = Instant::now() + plan.duration;
    let bar = progress(plan);
    let (for_arrivals, for_faults) = (random.fork(), random.fork());
    let work = async {
        tokio::join!(
            arrivals::run(plan.pace, &senders.slots, &access.bus, end, for_arrivals),
            injector::run(&plan.faults, &access.dashboard, end, for_faults),
        )
    };
    let result = tokio::select! {
        result = work => result,
        () = stop => <_>::default(),
        () = show(&bar, || format!("{} carts sent", log.len())) => <_>::default(),
    };
    bar.set_message("sending the last carts");
    senders.end().await;
    bar.finish_and_clear();
    result
}
