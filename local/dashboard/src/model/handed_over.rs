//! What the Logic App took: which message a mail is about, and which blob has an older order than
//! the one that was mailed.

use std::collections::{HashMap, VecDeque};

use logic_app::Received;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::text::{cut, timestamp};

/// Runs of the Logic App that are remembered: the newest.
const RUNS_MAX: usize = 1_000;

/// Blobs whose newest mailed order is remembered: the newest of those.
const BLOBS_MAX: usize = 5_000;

/// The longest reason that is kept, in characters.
const REASON_MAX: usize = 1_000;

/// A fallback request, as far as it is of use here.
#[derive(Debug)]
pub(super) struct HandedOver {
    pub(super) operation_id: String,
    pub(super) sequence: Option<u64>,
    pub(super) reason: Option<String>,
    blob_name: Option<String>,
    at: OffsetDateTime,
}

impl HandedOver {
    /// `None` for what the function would not send.
    pub(super) fn read(received: &Received) -> Option<Self> {
        let body: Value = serde_json::from_slice(&received.body).ok()?;
        let failure = body.get("failure")?;
        let text = |of: &Value| of.as_str().map(str::to_owned);
        Some(Self {
            operation_id: text(body.get("operationId")?)?,
            sequence: failure.get("sequenceNumber").and_then(Value::as_u64),
            reason: failure
                .get("reason")
                .and_then(text)
                .map(|reason| cut(&reason, REASON_MAX)),
            blob_name: failure.get("blobName").and_then(text),
            at: received.at,
        })
    }
}

/// What is known of one run of the Logic App.
#[derive(Debug, Default)]
pub(super) struct WorkflowRun {
    id: String,
    pub(super) sequence: Option<u64>,
    pub(super) mail: Option<u64>,
}

/// An order that a person got in place of the storage.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MailedOrder {
    sequence: Option<u64>,
    at: String,
    pub(super) operation_id: String,
    mail: Option<u64>,
    #[serde(skip)]
    mailed: OffsetDateTime,
}

/// The newest runs, oldest first, and the newest mailed order of each blob.
#[derive(Debug, Default)]
pub(super) struct WorkflowRuns {
    runs: VecDeque<WorkflowRun>,
    by_blob: HashMap<String, MailedOrder>,
    blobs: VecDeque<String>,
}

impl WorkflowRuns {
    /// The run with that id; a new one when there is none.
    pub(super) fn with_id(&mut self, id: &str) -> &mut WorkflowRun {
        let known = self.runs.iter().rposition(|run| run.id == id);
        let place = known.unwrap_or_else(|| {
            if self.runs.len() == RUNS_MAX {
                self.runs.pop_front();
            }
            self.runs.push_back(WorkflowRun {
                id: id.to_owned(),
                ..WorkflowRun::default()
            });
            self.runs.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or pushed just now")]
        &mut self.runs[place]
    }

    fn mail_of(&self, id: &str) -> Option<u64> {
        self.runs.iter().rev().find(|run| run.id == id)?.mail
    }

    pub(super) fn took(&mut self, handed_over: &HandedOver) {
        let HandedOver {
            operation_id,
            sequence,
            blob_name,
            at,
            ..
        } = handed_over;
        self.with_id(operation_id).sequence = *sequence;
        let Some(name) = blob_name else { return };
        let known = self.by_blob.get(name);
        if known.is_some_and(|known| known.sequence > *sequence) {
            return;
        }
        if known.is_none() {
            self.blobs.push_back(name.clone());
            if self.blobs.len() > BLOBS_MAX
                && let Some(oldest) = self.blobs.pop_front()
            {
                self.by_blob.remove(&oldest);
            }
        }
        let order = MailedOrder {
            sequence: *sequence,
            at: timestamp(*at),
            operation_id: operation_id.clone(),
            mail: None,
            mailed: *at,
        };
        self.by_blob.insert(name.clone(), order);
    }

    /// The mailed order that is newer than what the blob holds: by number, else by time.
    pub(super) fn newer_than(
        &self,
        name: &str,
        stored: Option<u64>,
        modified: OffsetDateTime,
    ) -> Option<MailedOrder> {
        let order = self.by_blob.get(name)?;
        let is_newer = match (order.sequence, stored) {
            (Some(mailed), Some(stored)) => mailed > stored,
            _ => order.mailed > modified,
        };
        is_newer.then(|| MailedOrder {
            mail: self.mail_of(&order.operation_id),
            ..order.clone()
        })
    }
}
