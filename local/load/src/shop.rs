//! Shoppers: the storefront driven over its pages, and a judge of what they were shown.

mod browser;
mod judge;
mod outbox;
mod page;
mod report;
mod shopper;
mod trip;
mod visit;

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::access::Access;
use super::evidence::watch::Watch;
use super::evidence::{Cart, blob_name, gather, seen::Seen};
use super::progress::spinner;
use super::report::{Report, Sending};
use super::{LoadError, Plan, saboteur};
use judge::Evidence;
use trip::Trip;

/// Drives the storefront and judges.
pub(super) async fn run(
    plan: &Plan,
    access: &Access,
    stop: impl Future<Output = ()>,
) -> Result<Report, LoadError> {
    if access.places.now().petstore.is_none() {
        return Err(LoadError::Part {
            part: "the storefront".to_owned(),
            problem: "the stack does not say where it is: give --petstore URL".to_owned(),
        });
    }
    outbox::pending(access).await?;
    let watch = Watch::begin(access).await?;

    let began = Instant::now();
    let (trips, sabotage) = visit::visit_and_break(plan, access, stop).await;
    let took = began.elapsed();
    saboteur::heal(&plan.faults, &access.dashboard).await?;
    let bar = spinner("waiting for the storefront's outbox");
    let left = outbox::drained(access, plan.settle).await?;
    let mut seen = watch.end().await?;

    let quiet = gather::settle(access, &mut seen, plan.settle, |_| {}).await?;
    let settled = began.elapsed();
    let restarts = seen.restarts;
    let evidence = gathered(access, &trips, seen, left).await?;
    bar.finish_and_clear();

    let sending = Sending {
        took,
        settled,
        sabotage,
        restarts,
        quiet,
        ..Sending::default()
    };
    Ok(report::report(plan, &trips, &evidence, sending))
}

/// Everything the judge needs.
async fn gathered(
    access: &Access,
    trips: &[Trip],
    mut seen: Seen,
    pending: u64,
) -> Result<Evidence, LoadError> {
    let queued = access.dashboard.messages().await?;
    let dead = access.dashboard.dead_letters().await?;
    let shown: BTreeMap<_, _> = trips.iter().flat_map(|trip| trip.shown.clone()).collect();
    let names = shown.keys().map(|session| blob_name(session)).collect();
    let blobs = access.blobs.read_all(names).await?.into_iter();
    let names_after = access.blobs.names().await?;
    seen.look(&access.dashboard).await?;
    seen.look_at_all_mails(&access.dashboard).await?;
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
        names_before: seen.names_before,
        names_after,
        writes: seen.writes,
        mailed: seen.mailed,
        queued,
        dead,
        pending,
    })
}
