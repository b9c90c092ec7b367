//! Sends what waits, a batch at a time, until it is told to end.
//!
//! A failure that may pass is tried again after a growing wait, in which the queue fills; then the
//! batch is given up, so that a receiver that takes one thing and not another blocks nothing for
//! long. It is told in one line when it begins, and once a minute while it lasts.

use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::queue::Count;
use super::receiver::{NotTaken, Receiver};

/// Spans of one request: encoding them holds the thread for half a millisecond or so.
const BATCH_MAX: usize = 256;

/// How long a span waits for others, at the most. The Functions host kills its handler without a
/// word, and what waits then is lost: so it is less than the five seconds that are usual.
const GATHERING: Duration = Duration::from_secs(1);

/// Tries of one batch.
const TRIES_MAX: u32 = 5;

/// The longest wait between two tries, whatever the receiver asks for.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Between two lines about failures.
const TELLING: Duration = Duration::from_secs(60);

/// Until `end` is true and nothing waits.
pub(super) async fn run(
    receiver: Receiver,
    mut waiting: mpsc::Receiver<SpanData>,
    count: Count,
    mut end: watch::Receiver<bool>,
) {
    let mut teller = Teller::default();
    loop {
        let batch = gather(&mut waiting, &mut end).await;
        if batch.is_empty() {
            return;
        }
        let spans = batch.len();
        match export(&receiver, batch, &mut end, &mut teller, &count).await {
            Some(rejected) => {
                count.exported(spans);
                count.lost(rejected.min(spans));
            }
            None => count.given_up(spans),
        }
        teller.count(&count);
    }
}

/// The next batch; an empty one at the end.
async fn gather(
    waiting: &mut mpsc::Receiver<SpanData>,
    end: &mut watch::Receiver<bool>,
) -> Vec<SpanData> {
    let mut batch = Vec::new();
    let mut until = None;
    while batch.len() < BATCH_MAX {
        if *end.borrow_and_update() {
            while batch.len() < BATCH_MAX
                && let Ok(span) = waiting.try_recv()
            {
                batch.push(span);
            }
            break;
        }
        let full = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            span = waiting.recv() => match span {
                Some(span) => {
                    until.get_or_insert_with(|| Instant::now() + GATHERING);
                    batch.push(span);
                }
                None => break,
            },
            () = full => break,
            changed = end.changed() => if changed.is_err() {
                break; // nobody can end it any more: the program is gone
            },
        }
    }
    batch
}

/// Sends a batch; how many of it the receiver rejected, or `None` when it is to be given up.
async fn export(
    receiver: &Receiver,
    batch: Vec<SpanData>,
    end: &mut watch::Receiver<bool>,
    teller: &mut Teller,
    count: &Count,
) -> Option<usize> {
    let batch = receiver.encode(batch);
    for tried in 1..=TRIES_MAX {
        let problem = match receiver.post(&batch).await {
            Ok(rejected) => {
                teller.works_again();
                return Some(rejected);
            }
            Err(problem) => problem,
        };
        teller.failed(&problem, count);
        if !problem.passes() || tried == TRIES_MAX || *end.borrow() {
            break;
        }
        let wait = Duration::from_secs(1 << (tried - 1));
        let wait = wait.max(problem.retry_after().unwrap_or_default());
        tokio::select! {
            () = sleep(wait.min(WAIT_MAX)) => {}
            // Whoever ends it has little time: once more, at once.
            _ = end.wait_for(|end| *end) => {}
        }
    }
    None
}

/// Says now and then what is wrong.
#[derive(Debug, Default)]
struct Teller {
    told: Option<Instant>,
    /// Somebody has read that it fails, and nobody that it works again.
    fails: bool,
}

impl Teller {
    fn is_due(&self) -> bool {
        self.told.is_none_or(|told| told.elapsed() >= TELLING)
    }

    fn failed(&mut self, problem: &NotTaken, count: &Count) {
        if self.is_due() {
            self.fails = true;
            self.told = Some(Instant::now());
            let (lost, waiting) = (count.untold(), count.waiting());
            warn!(lost, waiting, %problem, "spans are not exported");
        }
    }

    /// Also of what the queue did not take, or the receiver rejected.
    fn count(&mut self, count: &Count) {
        if self.is_due() {
            let lost = count.untold();
            if lost > 0 {
                self.told = Some(Instant::now());
                warn!(
                    lost,
                    "spans were lost: more than the queue holds, or rejected"
                );
            }
        }
    }

    fn works_again(&mut self) {
        if std::mem::take(&mut self.fails) {
            info!("spans are exported again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clock is paused: it moves where the test moves it.
    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_at_once_and_then_once_a_minute() {
        let (mut teller, count) = (Teller::default(), Count::default());
        let problem = NotTaken::TimedOut(Duration::from_secs(1));
        let mut lines = 0;
        for _ in 0..180 {
            count.lost(1);
            teller.failed(&problem, &count);
            teller.count(&count);
            // What is told is not there any more.
            lines += usize::from(teller.told.is_some_and(|told| told.elapsed().is_zero()));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(lines, 3);
        assert_eq!(count.untold(), 59);
        teller.works_again();
        assert!(!teller.fails);
    }

    #[test]
    fn a_refusal_that_passes_is_tried_again_and_no_other() {
        let refused = |status: u16| NotTaken::Refused {
            status: status.try_into().unwrap(),
            retry_after: None,
        };
        for status in [429, 502, 503, 504] {
            assert!(refused(status).passes(), "{status}");
        }
        for status in [301, 307, 400, 401, 403, 404, 413, 500] {
            assert!(!refused(status).passes(), "{status}");
        }
    }
}
