//! What is shown while a run goes on; hidden when there is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::Plan;

const STEP: Duration = Duration::from_millis(200);

/// A bar over the time in which carts arrive.
pub(crate) fn progress(plan: &Plan) -> ProgressBar {
    let bar = ProgressBar::new(milliseconds(plan.duration));
    match ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// The same without an end in sight.
pub(crate) fn spinner(message: &'static str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(message);
    bar.enable_steady_tick(STEP);
    bar
}

/// Moves the bar, and shows what is told with it; never ends.
pub(crate) async fn show(bar: &ProgressBar, message: impl Fn() -> String) {
    let mut tick = interval(STEP);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let began = Instant::now();
    loop {
        tick.tick().await;
        bar.set_position(milliseconds(began.elapsed()));
        bar.set_message(message());
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
