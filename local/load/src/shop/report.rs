//! The figures of a run of shoppers, and the verdict.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::judge::{Evidence, judge};
use super::trip::Trip;
use crate::Plan;
use crate::evidence::blob_name;
use crate::report::{Clicks, Latency, Report, Sending};

pub(super) fn report(plan: &Plan, trips: &[Trip], evidence: &Evidence, sending: Sending) -> Report {
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
