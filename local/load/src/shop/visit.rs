//! Everyone shops, and things go wrong meanwhile.

use std::time::Duration;

use fastrand::Rng;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::browser::Browser;
use super::shopper::Shopper;
use super::trip::Trip;
use crate::access::Access;
use crate::progress::{progress, show};
use crate::{Pace, Plan, saboteur};

/// Clicks a second when no rate is given.
const CLICKS: f64 = 200.0;

/// Everyone shops until the time is over.
pub(super) async fn visit_and_break(
    plan: &Plan,
    access: &Access,
    stop: impl Future<Output = ()>,
) -> (Vec<Trip>, saboteur::Done) {
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
    let for_sabotage = random.fork();
    let work = async {
        let breaking = saboteur::run(&plan.faults, &access.dashboard, end, for_sabotage);
        tokio::join!(breaking, sleep_until(end)).0
    };
    let sabotage = tokio::select! {
        done = work => done,
        () = stop => <_>::default(),
        () = show(&bar, String::new) => <_>::default(),
    };
    over.send_replace(true);
    let mut trips = Vec::new();
    while let Some(trip) = shoppers.join_next().await {
        trips.extend(trip);
    }
    bar.finish_and_clear();
    (trips, sabotage)
}
