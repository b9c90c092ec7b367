//! Shoppers: the storefront driven over its pages, and a judge of what they were shown.
//!
//! A [`shopper`] clicks in a [`browser`], reads the [`page`] it is shown and holds it against what is
//! [`possible`] after the clicks so far. [`judge`] holds the blobs against that.

mod browser;
mod judge;
mod page;
mod possible;
mod shopper;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::access::{Access, cause};
use crate::evidence::{Cart, blob_name};
use crate::injector::FaultCounts;
use crate::observer::{Observed, Observer};
use crate::progress::{progress, show, spinner};
use crate::report::{Clicks, Latency, Ran, Report};
use crate::rest::{Look, Patience};
use crate::{LoadError, Pace, Plan, injector, rest};
use browser::Browser;
use judge::{ShopEvidence, judge_shop};
use shopper::{Shopper, ShopperLog};

/// Clicks a second when no rate is given.
const CLICKS: f64 = 200.0;

/// How often the shoppers look at their carts in the end, as long as these change.
const LAST_LOOKS_MAX: u32 = 5;

/// Drives the storefront and judges.
pub(crate) async fn run(
    plan: &Plan,
    access: &Access,
    stop: impl Future<Output = ()>,
) -> Result<Report, LoadError> {
    if access.places.now().petstores.is_empty() {
        return Err(LoadError::Part {
            part: "the storefront".to_owned(),
            problem: "the stack does not say where it is: give --petstore URL".to_owned(),
        });
    }
    let left_before = pending(access).await?.known;
    let observer = Observer::begin(access).await?;

    let began = Instant::now();
    let (mut shoppers, faults) = shop_and_break(plan, access, stop).await;
    let took = began.elapsed();
    injector::heal(&plan.faults, &access.dashboard).await?;
    let bar = spinner("waiting for the storefront's outbox");
    drained(access, plan.settle).await?;
    let mut observed = observer.end().await?;
    look_at_last(&mut shoppers).await;
    let (mut left, mut quiet) = (0, false);
    // A click that was aborted may be done late; then what was seen is seen once more.
    for _ in 0..LAST_LOOKS_MAX {
        left = drained(access, plan.settle).await?;
        let ours = shoppers.iter().flat_map(|shopper| shopper.log.sessions());
        let ours = ours.cloned().collect();
        quiet = observed.settle(access, &ours, plan.settle, |_| {}).await?;
        if !look_at_last(&mut shoppers).await {
            break;
        }
    }
    let left = left.saturating_sub(left_before);
    let logs: Vec<ShopperLog> = shoppers.into_iter().map(|shopper| shopper.log).collect();
    let settled = began.elapsed();
    let restarts = observed.restarts;
    let evidence = gather(access, &logs, observed, left).await?;
    bar.finish_and_clear();

    let ran = Ran {
        took,
        settled,
        faults: Some(faults),
        restarts,
        quiet,
        ..Ran::planned(plan)
    };
    Ok(report(ran, &logs, &evidence))
}

/// Everyone shops until the time is over, and things go wrong meanwhile.
async fn shop_and_break(
    plan: &Plan,
    access: &Access,
    stop: impl Future<Output = ()>,
) -> (Vec<Shopper>, FaultCounts) {
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
        let browser = Browser::new(access.places.clone(), access.client.clone());
        let shopper = Shopper::new(browser, random.fork());
        shoppers.spawn(shopper.shop(pause, is_over.clone()));
    }
    let end = Instant::now() + plan.duration;
    let bar = progress(plan);
    let for_faults = random.fork();
    let work = async {
        let breaking = injector::run(&plan.faults, &access.dashboard, end, for_faults);
        tokio::join!(breaking, sleep_until(end)).0
    };
    let faults = tokio::select! {
        done = work => done,
        () = stop => <_>::default(),
        () = show(&bar, String::new) => <_>::default(),
    };
    over.send_replace(true);
    let mut done = Vec::new();
    while let Some(shopper) = shoppers.join_next().await {
        done.extend(shopper);
    }
    bar.finish_and_clear();
    (done, faults)
}

/// All shoppers look at their carts, when all is healed. Whether one is another than before.
async fn look_at_last(shoppers: &mut Vec<Shopper>) -> bool {
    let mut looks = JoinSet::new();
    for mut shopper in shoppers.drain(..) {
        looks.spawn(async move {
            let changed = shopper.look_at_last().await;
            (shopper, changed)
        });
    }
    let mut changed = false;
    while let Some(look) = looks.join_next().await {
        if let Ok((shopper, is_new)) = look {
            shoppers.push(shopper);
            changed |= is_new;
        }
    }
    changed
}

/// Changes that the storefront has not delivered yet, as each instance's health page says.
#[derive(Default)]
struct Pending {
    known: u64,
    /// Instances whose store does not answer them: they cannot know all that waits.
    blind: u64,
}

async fn pending(access: &Access) -> Result<Pending, LoadError> {
    let endpoints = access.places.now();
    let mut all = Pending::default();
    for shop in &endpoints.petstores {
        let of_shop = pending_at(access, shop).await?;
        all.known = all.known.saturating_add(of_shop.known);
        all.blind += of_shop.blind;
    }
    Ok(all)
}

async fn pending_at(access: &Access, shop: &str) -> Result<Pending, LoadError> {
    let problem = |problem: String| LoadError::Part {
        part: format!("the storefront at {shop}/health"),
        problem,
    };
    let request = access
        .client
        .get(format!("{shop}/health"))
        .timeout(Duration::from_secs(10));
    let answer = request.send().await.map_err(|error| {
        access.places.look_again();
        problem(cause(&error))
    })?;
    let text = answer
        .text()
        .await
        .map_err(|error| problem(cause(&error)))?;
    let health: Value = serde_json::from_str(&text).map_err(|error| problem(error.to_string()))?;
    let known = health.pointer("/outbox/pending").and_then(Value::as_u64);
    let is_blind = health
        .pointer("/store/problem")
        .is_some_and(|it| !it.is_null());
    Ok(Pending {
        known: known.ok_or_else(|| problem("expected outbox.pending".to_owned()))?,
        blind: u64::from(is_blind),
    })
}

/// Waits until nothing is pending, or nothing has changed for `limit`; what is left.
async fn drained(access: &Access, limit: Duration) -> Result<u64, LoadError> {
    let patience = Patience {
        calm: Duration::ZERO,
        limit,
    };
    let mut left = 0;
    rest::settle(patience, async || {
        let Pending { known, blind } = pending(access).await?;
        left = known.saturating_add(blind);
        Ok(Look {
            waiting: left,
            progress: left,
        })
    })
    .await?;
    Ok(left)
}

/// Everything the judge needs.
async fn gather(
    access: &Access,
    logs: &[ShopperLog],
    mut observed: Observed,
    pending: u64,
) -> Result<ShopEvidence, LoadError> {
    let queued = access.dashboard.messages().await?;
    let dead = access.dashboard.dead_letters().await?;
    let shown: BTreeMap<_, _> = logs.iter().flat_map(|log| log.shown.clone()).collect();
    let names = shown.keys().map(|session| blob_name(session)).collect();
    let blobs = access.blobs.read_all(names).await?.into_iter();
    let names_after = access.blobs.names().await?;
    observed.look(&access.dashboard).await?;
    observed.look_at_all_mails(&access.dashboard).await?;
    Ok(ShopEvidence {
        shown,
        unexplained: logs.iter().flat_map(|log| log.violations.clone()).collect(),
        unsure: logs.iter().filter_map(|log| log.unsure.clone()).collect(),
        blobs: blobs
            .map(|(name, (blob, bytes))| (name, (blob, Cart::of_order(&bytes))))
            .collect(),
        names_before: observed.names_before,
        names_after,
        writes: observed.writes,
        mailed: observed.mailed,
        queued,
        dead,
        pending,
    })
}

fn report(ran: Ran, logs: &[ShopperLog], evidence: &ShopEvidence) -> Report {
    let verdict = judge_shop(evidence);
    let mut clicks = logs
        .iter()
        .fold(Clicks::default(), |sum, log| log.add_to(sum));
    clicks.unsure = evidence.unsure.len();
    let times = logs.iter().flat_map(|log| log.times.iter().copied());
    clicks.to_confirmed = Latency::from_microseconds(times);
    let (to_accepted, to_stored) = last_changes(logs, evidence);
    let (writes, mailed) = (evidence.writes.iter(), evidence.mailed.iter());
    let ours = evidence.sessions();
    let names: BTreeSet<String> = ours.iter().map(|session| blob_name(session)).collect();
    let is_ours = |session: &Option<String>| session.as_ref().is_some_and(|it| ours.contains(it));
    Report {
        writes: writes.filter(|write| names.contains(&write.name)).count(),
        to_accepted,
        to_stored,
        mails: mailed.filter(|mailed| is_ours(&mailed.session)).count(),
        ..Report::of_shoppers(ran, clicks, verdict)
    }
}

/// Of each session's last change that was stored: until the page had confirmed it, and until it was
/// confirmed and the blob held the cart shown. Of the changes before, no blob tells when.
fn last_changes(logs: &[ShopperLog], evidence: &ShopEvidence) -> (Latency, Latency) {
    let written: BTreeMap<&str, OffsetDateTime> = evidence
        .writes
        .iter()
        .map(|write| (write.etag.as_str(), write.at))
        .collect();
    let last = logs.iter().flat_map(|log| &log.last);
    let times = last.filter_map(|(session, click)| {
        let (blob, cart) = evidence.blobs.get(&blob_name(session))?;
        let shown = evidence.shown.get(session)?;
        let stored = written.get(blob.etag.as_str())?;
        // The function may be faster than the page.
        let stored = (*stored).max(click.at);
        (cart.as_ref() == Some(shown)).then(|| (click.at - click.due, stored - click.due))
    });
    let times: Vec<_> = times.collect();
    let accepted = times.iter().map(|(time, _)| time.whole_microseconds());
    let stored = times.iter().map(|(_, time)| time.whole_microseconds());
    (
        Latency::from_microseconds(accepted),
        Latency::from_microseconds(stored),
    )
}
