//! What is there when all is over, and what the judge says of it.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::inside;
use super::stage::Stage;
use super::tally::Counted;
use super::{Chaos, ChaosError, Plan};
use bus::Accepted;
use load::evidence::{Evidence, Sent};
use load::judge::{self, judge};
use logic_app::Received;

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) plan: Plan,
    pub(super) evidence: Evidence,
    pub(super) verdict: judge::Verdict,
    pub(super) counted: Counted,
    /// Requests to the Logic App, refused ones included.
    pub(super) fallback_calls: usize,
    /// What is wrong beside the judge's breaches.
    pub(super) problems: Vec<String>,
    /// Whether the queue came to rest.
    pub(super) quiet: bool,
}

impl Found {
    /// Ends both handlers, so that nothing moves any more, and looks.
    pub(super) async fn of(chaos: Chaos, quiet: bool) -> Result<Self, ChaosError> {
        let Chaos {
            plan,
            stage,
            crowd,
            tally,
        } = chaos;
        let Stage { stack, second, .. } = stage;
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
            writes: writes.map(inside::write).collect(),
            writes_are_complete: true,
            blobs,
            names_before: BTreeSet::new(),
            names_after,
            mailed: received.iter().map(inside::mailed).collect(),
            queued: waiting.iter().map(inside::waiting).collect(),
            dead: dead.iter().map(inside::waiting).collect(),
        };
        let fallback_calls = logic_app.requests().len();
        stack.stop().await;
        Ok(Self {
            plan,
            verdict: judge(&evidence),
            evidence,
            counted,
            fallback_calls,
            problems,
            quiet,
        })
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
        let found = format!("{:x}", Sha256::digest(&accepted.message.body));
        let expected = sent.get(id)?;
        (found != **expected).then(|| {
            format!(
                "message {id} is in the queue with other bytes: expected {expected}, found {found}"
            )
        })
    });
    wrong.collect()
}

/// What the Logic App said yes to was mailed; and an unreadable message is in its mail, as it was handed over.
fn unmailed(received: &[Received], counted: &Counted) -> Vec<String> {
    let missing = received.iter().filter_map(|received| {
        let id = &received.operation_id;
        let mail = Uuid::try_parse(id).ok();
        let Some(text) = mail.and_then(|id| counted.mails.get(&id)) else {
            return Some(format!(
                "operation {id} was accepted by the Logic App, and no mail was sent"
            ));
        };
        let body: Value = serde_json::from_slice(&received.body).unwrap_or_default();
        let raw = body.pointer("/rawBody/data").and_then(Value::as_str);
        raw.filter(|raw| !text.contains(raw))
            .map(|_| format!("operation {id} was mailed without the message that was handed over"))
    });
    missing.collect()
}
