//! After the healing: waits until the queue is at rest.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::injector::LATE;
use super::tally::Tally;
use crate::Stack;

const LOOK: Duration = Duration::from_millis(100);

/// No message waits, and nothing was written, for so long: a write that was held back has landed by then.
const QUIET: Duration = LATE.saturating_mul(2);

/// Without any progress the queue is taken as it is: longer than the longest wait before a redelivery (60 s), and the
/// time limits of a whole invocation.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether it came to rest.
pub(super) async fn settle(stack: &Stack, tally: &Tally) -> bool {
    let writes = || stack.blob.as_ref().map(|blob| blob.storage().writes_len());
    let (mut last, mut changed) = (None, Instant::now());
    loop {
        let counts = stack.queue.counts();
        let now = Some((counts, writes(), tally.deliveries()));
        if now != last {
            (last, changed) = (now, Instant::now());
        }
        let is_empty = counts.active + counts.locked == 0;
        if is_empty && changed.elapsed() > QUIET {
            return true;
        }
        if changed.elapsed() > PATIENCE {
            return false;
        }
        sleep(LOOK).await;
    }
}
