//! What is there when all is over, and what the judge says of it.

use std::collections::{BTreeSet, HashMap};

use bus::Accepted;
use load::Crowd;
use load::evidence::{Evidence, Mailed, Mark, Sent, Waiting, Write, sha256};
use load::judge::judge;
use load::report::{Figures, Ran, Report};
use logic_app::Received;
use serde_json::Value;
use uuid::Uuid;

use super::ChaosError;
use super::injector::InjectionCounts;
use super::instances::Instances;
use super::tally::{Counted, Tally};

/// What was found.
#[derive(Debug)]
pub(super) struct Findings {
    evidence: Evidence,
    counted: Counted,
    /// Requests to the Logic App, refused ones included.
    fallback_calls: usize,
    /// What is wrong beside the judge's breaches.
    problems: Vec<String>,
}

impl Findings {
    /// Ends both handlers, so that nothing moves any more, and looks.
    pub(super) async fn collect(
        instances: Instances,
        crowd: &Crowd,
        tally: &Tally,
    ) -> Result<Self, ChaosError> {
        let Instances { stack, second, .. } = instances;
        second.stop().await;
        let (Some(blob), Some(logic_app)) = (&stack.blob, &stack.logic_app) else {
            return Err(ChaosError::Part("storage or Logic App"));
        };
        let counted = tally.counted();
        let sent = crowd.sent();
        let container = stack.app.settings.get("ORDERS_CONTAINER");
        let ours = |name: &str| container.is_none_or(|container| container == name);
        let waiting: Vec<Accepted> = stack
            .queue
            .peek()
            .into_iter()
            .map(|it| it.accepted)
            .collect();
        let dead: Vec<Accepted> = stack
            .queue
            .dead_letters()
            .into_iter()
            .map(|it| it.accepted)
            .collect();
        let received = logic_app.received();
        let mut problems = counted.problems.clone();
        problems.extend(altered(&sent, waiting.iter().chain(&dead)));
        problems.extend(unmailed(&received, &counted));
        let (blobs, names_after) = crowd.blobs(&sent).await?;
        let writes = blob.storage().writes_after(0);
        let writes = writes.into_iter().filter(|write| ours(&write.container));
        let evidence = Evidence {
            sent,
            writes: writes.map(as_write).collect(),
            writes_are_complete: true,
            alone: true,
            blobs,
            names_before: BTreeSet::new(),
            names_after,
            mailed: received.iter().map(as_mailed).collect(),
            queued: waiting.iter().map(as_waiting).collect(),
            dead: dead.iter().map(as_waiting).collect(),
        };
        let fallback_calls = logic_app.requests().len();
        stack.stop().await;
        Ok(Self {
            evidence,
            counted,
            fallback_calls,
            problems,
        })
    }

    /// What the judge says, with the figures that only those have who hold the instances.
    pub(super) fn report(self, ran: Ran, done: InjectionCounts, replay: String) -> Report {
        let (evidence, counted) = (&self.evidence, self.counted);
        let verdict = judge(evidence);
        let figures = Figures {
            deliveries: counted.deliveries,
            redeliveries: counted.redeliveries,
            uploads: counted.uploads,
            reads: counted.reads,
            fallback_calls: self.fallback_calls,
            mails: counted.mails.len(),
            kills: done.kills,
            kills_in_upload: done.kills_in_upload,
            starts: counted.starts,
            locks_lost: done.locks_lost,
            late_answers: counted.late_answers,
            dead_in_outages: done.dead_in_outages,
            injected: done.by_name,
            missed: counted.missed,
            ..Figures::new(evidence, &verdict)
        };
        Report::new(ran, evidence, verdict).with_figures(figures, self.problems, replay)
    }
}

/// What waits or is dead has the bytes that were sent.
fn altered<'a>(sent: &[Sent], there: impl Iterator<Item = &'a Accepted>) -> Vec<String> {
    let sent: HashMap<&str, &str> = sent
        .iter()
        .map(|sent| (sent.message_id.as_str(), sent.sha256.as_str()))
        .collect();
    let wrong = there.filter_map(|accepted| {
        let id = accepted.message.properties.message_id.as_deref()?;
        let found = sha256(&accepted.message.body);
        let expected = sent.get(id)?;
        (found != **expected).then(|| {
            format!(
                "message {id} is in the queue with other bytes: expected {expected}, found {found}"
            )
        })
    });
    wrong.collect()
}

/// What the Logic App said yes to was mailed, with the file that was handed over.
fn unmailed(received: &[Received], counted: &Counted) -> Vec<String> {
    let missing = received.iter().filter_map(|received| {
        let id = &received.operation_id;
        let mail = Uuid::try_parse(id).ok();
        let Some(attached) = mail.and_then(|id| counted.mails.get(&id)) else {
            return Some(format!(
                "operation {id} was accepted by the Logic App, and no mail was sent"
            ));
        };
        let body: Value = serde_json::from_slice(&received.body).unwrap_or_default();
        (Mailed::read(&body).sha256 != *attached)
            .then(|| format!("operation {id} was mailed without the message that was handed over"))
    });
    missing.collect()
}

/// An accepted write of a blob.
fn as_write(write: blob::Write) -> Write {
    let mark = Mark::read(|name| write.metadata.get(name).cloned());
    Write {
        name: write.name,
        etag: write.etag,
        at: write.at,
        sha256: write.sha256,
        mark,
    }
}

/// A fallback request that was accepted.
fn as_mailed(received: &Received) -> Mailed {
    // It was checked to be JSON when it was accepted.
    Mailed::read(&serde_json::from_slice(&received.body).unwrap_or_default())
}

/// A message that waits, or a dead letter.
fn as_waiting(accepted: &Accepted) -> Waiting {
    let properties = &accepted.message.properties;
    Waiting {
        sequence: accepted.sequence,
        message_id: properties.message_id.clone(),
        session: properties.session_id.clone(),
    }
}
