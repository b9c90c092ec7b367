//! Shoppers: the storefront driven over its pages, and a judge of what they were shown.

pub mod judge;
mod page;
mod shopper;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::evidence::blob_name;
use super::report::{Clicks, Latency, Report, Sending};
use super::run::{Stack, progress, spinner};
use super::watch::Seen;
use super::{LoadError, Pace, Plan, chaos, gather, watch as watcher};
use judge::{Evidence, judge};
pub use page::Cart;
use shopper::{Shopper, Trip};

/// Clicks a second when no rate is given.
const CLICKS: f64 = 200.0;

/// Drives the storefront and judges.
pub(super) async fn run(
    plan: &Plan,
    stack: &Stack,
    stop: impl Future<Output = ()>,
) -> Result<Report, LoadError> {
    if stack.dashboard.places.now().petstore.is_none() {
        return Err(LoadError::Part {
            part: "the storefront".to_owned(),
            problem: "the stack does not say where it is: give --petstore URL".to_owned(),
        });
    }
    pending(stack).await?;
    let names_before = stack.blobs.names().await?;
    let seen = Seen::from_now_on(&stack.dashboard).await?;
    let (ended, end) = watch::channel(false);
    let mut watching = JoinSet::new();
    watching.spawn(watcher::run(seen, stack.dashboard.clone(), end));

    let began = Instant::now();
    let (trips, faults) = visit(plan, stack, stop).await;
    let took = began.elapsed();
    if !plan.faults.is_none() {
        chaos::heal(&stack.dashboard).await?;
    }
    let bar = spinner("waiting for the storefront's outbox");
    let left = drained(stack, plan.settle).await?;
    ended.send_replace(true);
    let mut seen = match watching.join_next().await {
        Some(Ok(seen)) => seen,
        _ => Seen::from_now_on(&stack.dashboard).await?,
    };
    let quiet =
        gather::settle(&stack.bus, &stack.dashboard, &mut seen, plan.settle, |_| {}).await?;
    let settled = began.elapsed();
    let restarts = seen.restarts;
    let evidence = gathered(stack, &trips, seen, left, names_before).await?;
    bar.finish_and_clear();
    let sending = Sending {
        took,
        settled,
        chaos: faults,
        restarts,
        quiet,
        ..Sending::default()
    };
    let report = report(plan, &trips, &evidence, sending);
    report.keep(plan)?;
    Ok(report)
}

/// Everything the judge needs.
async fn gathered(
    stack: &Stack,
    trips: &[Trip],
    mut seen: Seen,
    pending: u64,
    names_before: BTreeSet<String>,
) -> Result<Evidence, LoadError> {
    let queued = stack.dashboard.messages().await?;
    let dead = stack.dashboard.dead_letters().await?;
    let shown: BTreeMap<_, _> = trips.iter().flat_map(|trip| trip.shown.clone()).collect();
    let names = shown.keys().map(|session| blob_name(session)).collect();
    let blobs = stack.blobs.read_all(names).await?.into_iter();
    let names_after = stack.blobs.names().await?;
    seen.look(&stack.dashboard).await?;
    seen.look_at_all_mails(&stack.dashboard).await?;
    Ok(Evidence {
        shown,
        unanswered: trips.iter().map(|trip| trip.unanswered).sum(),
        unsure: trips
            .iter()
            .filter_map(|trip| trip.unsure.clone())
            .collect(),
        blobs: blobs
            .map(|(name, (blob, bytes))| (name, (blob, Cart::of_order(&bytes))))
            .collect(),
        names_before,
        names_after,
        writes: seen.writes,
        mailed: seen.mailed,
        queued,
        dead,
        pending,
    })
}

fn report(plan: &Plan, trips: &[Trip], evidence: &Evidence, sending: Sending) -> Report {
    let verdict = judge(evidence);
    let mut clicks = trips
        .iter()
        .fold(Clicks::default(), |sum, trip| trip.add_to(sum));
    clicks.unsure = evidence.unsure.len();
    let confirmed = usize::try_from(clicks.confirmed).unwrap_or(usize::MAX);
    let times = trips.iter().flat_map(|trip| trip.times.iter().copied());
    Report {
        clicks: Some(clicks),
        fates: verdict.fates,
        writes: evidence.writes.len(),
        to_accepted: Latency::of(times),
        to_stored: to_stored(trips, evidence),
        mails: evidence.mailed.len(),
        violations: verdict.violations,
        ..Report::blank(plan, confirmed, sending)
    }
    .judged()
}

/// Of each session's last click, until its blob held the cart shown.
fn to_stored(trips: &[Trip], evidence: &Evidence) -> Latency {
    let written: BTreeMap<&str, OffsetDateTime> = evidence
        .writes
        .iter()
        .map(|write| (write.etag.as_str(), write.at))
        .collect();
    let due = trips.iter().flat_map(|trip| &trip.due);
    Latency::of(due.filter_map(|(session, due)| {
        let (blob, cart) = evidence.blobs.get(&blob_name(session))?;
        let shown = evidence.shown.get(session)?;
        let at = written.get(blob.etag.as_str())?;
        (cart.as_ref() == Some(shown)).then(|| (*at - *due).whole_microseconds())
    }))
}

/// Everyone shops until the time is over.
async fn visit(
    plan: &Plan,
    stack: &Stack,
    stop: impl Future<Output = ()>,
) -> (Vec<Trip>, chaos::Done) {
    let mut random = Rng::with_seed(plan.seed);
    let rate = match plan.pace {
        Pace::Rate(rate) => rate,
        Pace::Max => CLICKS,
    };
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 shoppers")]
    let pause = Duration::from_secs_f64(plan.carts as f64 / rate);
    let (over, is_over) = watch::channel(false);
    let mut shoppers = JoinSet::new();
    for _ in 0..plan.carts {
        let shopper = Shopper::new(
            stack.dashboard.places.clone(),
            stack.client.clone(),
            random.fork(),
        );
        shoppers.spawn(shopper.shop(pause, is_over.clone()));
    }
    let end = Instant::now() + plan.duration;
    let bar = progress(plan);
    let began = Instant::now();
    let for_chaos = random.fork();
    let work = async {
        let (done, ()) = tokio::join!(
            chaos::run(&plan.faults, &stack.dashboard, end, for_chaos),
            async {
                while Instant::now() < end {
                    bar.set_position(
                        u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                    );
                    sleep(Duration::from_millis(200)).await;
                }
            }
        );
        done
    };
    let faults = tokio::select! {
        done = work => done,
        () = stop => chaos::Done::default(),
    };
    over.send_replace(true);
    let mut trips = Vec::new();
    while let Some(trip) = shoppers.join_next().await {
        trips.extend(trip);
    }
    bar.finish_and_clear();
    (trips, faults)
}

/// Changes that the storefront has not delivered yet.
async fn pending(stack: &Stack) -> Result<u64, LoadError> {
    let target = stack.dashboard.places.now();
    let shop = target.petstore.as_deref().unwrap_or_default();
    let problem = |problem: String| LoadError::Part {
        part: format!("the storefront at {shop}/health"),
        problem,
    };
    let request = stack
        .client
        .get(format!("{shop}/health"))
        .timeout(Duration::from_secs(10));
    let answer = request.send().await.map_err(|error| {
        stack.dashboard.places.look_again();
        problem(super::api::cause(&error))
    })?;
    let text = answer
        .text()
        .await
        .map_err(|error| problem(super::api::cause(&error)))?;
    let health: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| problem(error.to_string()))?;
    let pending = health
        .pointer("/outbox/pending")
        .and_then(serde_json::Value::as_u64);
    pending.ok_or_else(|| problem("expected outbox.pending".to_owned()))
}

/// Waits until nothing is pending, or nothing has changed for `limit`; what is left.
async fn drained(stack: &Stack, limit: Duration) -> Result<u64, LoadError> {
    let (mut progress, mut last) = (Instant::now(), u64::MAX);
    loop {
        match pending(stack).await {
            Ok(0) => return Ok(0),
            Ok(now) if now != last => (progress, last) = (Instant::now(), now),
            Ok(now) if progress.elapsed() > limit => return Ok(now),
            Err(error) if progress.elapsed() > limit => return Err(error),
            _ => {}
        }
        sleep(Duration::from_millis(200)).await;
    }
}
