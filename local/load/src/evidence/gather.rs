//! After the sending: waits until the queue is quiet, and collects what can be seen from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::seen::Seen;
use super::{Evidence, Sent, blob_name};
use crate::LoadError;
use crate::access::Access;

const LOOK: Duration = Duration::from_millis(200);

/// Looks without a message in the queue and without a write, before it counts as quiet: an attempt that was given
/// up may still be on its way to the storage.
const QUIET_LOOKS: u32 = 3;

/// Waits until nothing waits and nothing is written any more, or nothing has changed for `limit`.
/// Whether the queue is quiet.
pub(crate) async fn settle(
    access: &Access,
    seen: &mut Seen,
    limit: Duration,
    mut tell: impl FnMut(u64),
) -> Result<bool, LoadError> {
    let (mut progress, mut quiet, mut last) = (Instant::now(), 0, None);
    loop {
        let looked = match (
            access.bus.counts().await,
            seen.look(&access.dashboard).await,
        ) {
            (Ok(counts), Ok(writes)) => Ok((counts, writes)),
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        match looked {
            Ok((counts, writes)) => {
                tell(counts.active);
                if writes > 0 || last != Some(counts) {
                    progress = Instant::now();
                    quiet = 0;
                }
                last = Some(counts);
                quiet = if counts.active == 0 { quiet + 1 } else { 0 };
                if quiet > QUIET_LOOKS {
                    return Ok(true);
                }
            }
            // The stack may be away for a while.
            Err(error) if progress.elapsed() > limit => return Err(error),
            Err(_) => {}
        }
        if progress.elapsed() > limit {
            return Ok(false);
        }
        sleep(LOOK).await;
    }
}

/// Everything the judge needs, and the bytes of our sessions' blobs.
pub(crate) async fn evidence(
    sent: Vec<Sent>,
    access: &Access,
    mut seen: Seen,
) -> Result<Evidence, LoadError> {
    let Access {
        dashboard, blobs, ..
    } = access;
    // What waits is read first: a message that is settled meanwhile then shows in two places, never in none.
    let (queued, dead) = (dashboard.messages().await?, dashboard.dead_letters().await?);
    let ours: BTreeSet<String> = sent.iter().map(|sent| blob_name(&sent.session)).collect();
    let found = blobs.read_all(ours).await?;
    let names_after = blobs.names().await?;
    let later = seen.look(dashboard).await?;
    seen.look_at_all_mails(dashboard).await?;
    let blobs: BTreeMap<_, _> = found
        .into_iter()
        .map(|(name, (blob, _))| (name, blob))
        .collect();
    Ok(Evidence {
        sent,
        // A write in this very moment makes the last write another one than was read.
        writes_are_complete: seen.restarts == 0 && later == 0,
        writes: seen.writes,
        blobs,
        names_before: seen.names_before,
        names_after,
        mailed: seen.mailed,
        queued,
        dead,
    })
}
