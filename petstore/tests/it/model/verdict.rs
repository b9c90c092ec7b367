//! What must hold, wherever a run stands: kill everything, let the store and the bus work, and look
//! for what nobody sends. Then nothing waits, nothing confirmed is lost, and nothing went back.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use petstore::outbox::Delivery;
use petstore::record::Record;

use super::instances::{CLAIM_OVER_MS, Run, carts};
use super::setup::{Click, Setup, Told};
use super::world::{Broken, Kept, Shared};

/// What is wrong, in words.
pub(super) fn judge(setup: &Setup, run: &Run) -> Result<(), String> {
    let kept = run.shared.world().kept.clone();
    if setup.broken == Broken::Nothing {
        let owes = kept
            .record()
            .is_some_and(|record| record.in_flight().is_some());
        if owes && !kept.is_marked() {
            return Err("a record owes, and has no mark".to_owned());
        }
    }
    // Where nobody looks for what is left, only what is over can be judged.
    if setup.broken == Broken::HandoverInRequest && !run.is_over() {
        return Ok(());
    }
    let healed = heal(setup, kept);
    let told = |error: String| format!("{error}\n  {}", healed.described());
    order(&healed).map_err(told)?;
    clicks(setup, run, &healed).map_err(told)
}

/// New instances, and nothing goes wrong any more.
fn heal(setup: &Setup, kept: Kept) -> Kept {
    let shared = Shared::new(kept, setup.broken, true);
    let sweeps = if setup.broken == Broken::HandoverInRequest {
        0
    } else {
        3
    };
    for round in 0..sweeps {
        shared.world().kept.pass(CLAIM_OVER_MS);
        let carts = carts(&shared, 0);
        let bus = shared.clone();
        now(async {
            for (name, mark) in carts.marks().await.expect("marks") {
                let mut delivery = Delivery::of_mark(name, mark, true);
                let others = delivery.run(&carts, &bus).await.expect("both work");
                assert_eq!(others, None, "held by nobody");
            }
        });
        if round == 0 {
            let mut world = shared.world();
            let broken = world.broken;
            for (request, _) in std::mem::take(&mut world.kept.late) {
                world.kept.apply(&request, broken);
            }
        }
    }
    shared.world().kept.clone()
}

/// Whoever is answered at once never waits.
fn now(work: impl Future<Output = ()>) {
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(pin!(work).poll(&mut context), Poll::Ready(()));
}

/// No older cart of a session follows a newer one at the bus.
fn order(kept: &Kept) -> Result<(), String> {
    let mut newest: BTreeMap<&str, u64> = BTreeMap::new();
    for taken in &kept.taken {
        let revision = kept.revisions[&taken.message];
        let before = newest.insert(&taken.session, revision).unwrap_or_default();
        if revision < before {
            return Err(format!("the bus got revision {revision} after {before}"));
        }
    }
    Ok(())
}

/// Every click that was confirmed is there once, none that was refused, and the bus has all of it.
fn clicks(setup: &Setup, run: &Run, kept: &Kept) -> Result<(), String> {
    let Some(record) = kept.record() else {
        let none = run.told.iter().all(|told| *told != Some(Told::Done));
        return none
            .then_some(())
            .ok_or("a confirmed cart has no record".to_owned());
    };
    if !record.owed().is_empty() {
        return Err(format!(
            "{} orders wait when all is healed",
            record.owed().len()
        ));
    }
    if kept.is_marked() {
        return Err("a mark is left on a clean record".to_owned());
    }
    for ((_, click), told) in setup.clicks.iter().zip(&run.told) {
        let times = times(&record, *click);
        if !possible(*told).contains(&times) {
            return Err(format!(
                "{click:?} was told {told:?}, and is there {times} times"
            ));
        }
    }
    let last = |session: &str| {
        let mut of_session = kept.taken.iter().filter(|taken| taken.session == session);
        of_session.next_back()
    };
    if let Some(placed) = &record.placed
        && !last(placed.session.as_str()).is_some_and(|taken| is_placed(&taken.order))
    {
        return Err("the placed order is not the last that the bus has of it".to_owned());
    }
    let open = !record.cart.lines().is_empty();
    let revision = last(record.session.as_str()).map(|taken| kept.revisions[&taken.message]);
    if open && revision != Some(record.revision) {
        return Err("the bus does not have the open cart as it is".to_owned());
    }
    Ok(())
}

/// How often a click may be there of which a shopper was told this.
pub(super) fn possible(told: Option<Told>) -> RangeInclusive<usize> {
    match told {
        Some(Told::Done) => 1..=1,
        Some(Told::Refused) => 0..=0,
        None => 0..=1,
    }
}

/// How often a click is there.
pub(super) fn times(record: &Record, click: Click) -> usize {
    match click {
        Click::Add(product) => pieces(record, product),
        Click::Place => usize::from(record.placed.is_some()),
    }
}

/// Whether an order says that it was placed.
pub(super) fn is_placed(order: &str) -> bool {
    order.contains("\"complete\":true")
}

/// In the open cart and in the placed order.
fn pieces(record: &Record, product: u32) -> usize {
    let placed = record.placed.iter().map(|placed| &placed.cart);
    let carts = placed.chain([&record.cart]);
    carts.map(|cart| usize::from(cart.quantity(product))).sum()
}
