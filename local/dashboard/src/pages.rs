//! `/api/pages`: lists of messages, dead letters, mails and blobs, a page of each at a time, newest
//! first. `?find=` looks for a text, `?outcome=` for messages that ended so.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use logic_app::mail::OutboxReader;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::blobs;
use super::mails;
use super::messages;
use super::model::{Model, ShownMessage, is_letter_meant};
use super::state::DashboardState;

/// Entries of one page.
const PAGE: usize = 20;

/// Messages that are looked for in the queue, when the model has forgotten them.
const QUEUED_MAX: usize = 500;

/// Which page of which entries.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    find: String,
    #[serde(default)]
    outcome: String,
    /// From 0 on.
    #[serde(default)]
    page: usize,
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    /// How many entries match, on all pages.
    matching: usize,
    /// Entries of one page.
    size: usize,
    items: Vec<Value>,
}

impl Wanted {
    fn skipped(&self) -> usize {
        self.page.saturating_mul(PAGE)
    }

    /// Whether one of the texts has what is looked for.
    fn finds(&self, texts: &[&str]) -> bool {
        let wanted = self.find.trim().to_lowercase();
        let mut texts = texts.iter();
        wanted.is_empty() || texts.any(|text| text.to_lowercase().contains(&wanted))
    }

    fn page<T>(&self, matching: &[T], shown: impl Fn(&T) -> Value) -> Json<Page> {
        let count = matching.len();
        let page = matching.iter().skip(self.skipped()).take(PAGE);
        Json(Page {
            matching: count,
            size: PAGE,
            items: page.map(shown).collect(),
        })
    }

    fn means(&self, message: &ShownMessage) -> bool {
        let text = self.find.trim();
        let outcome = self.outcome.as_str();
        let by_stage = || match json!(message.stage) {
            Value::String(stage) => stage == outcome,
            _ => false,
        };
        (text.is_empty() || message.is_meant_by(text)) && (outcome.is_empty() || by_stage())
    }
}

/// `GET /api/pages/messages`.
pub(super) async fn messages(
    State(state): State<Arc<DashboardState>>,
    Query(wanted): Query<Wanted>,
) -> Json<Page> {
    let queued = queued(&state, &wanted);
    let model = state.model();
    let mut all: Vec<&ShownMessage> = model.all().chain(&queued).collect();
    all.retain(|message| wanted.means(message));
    all.sort_by_key(|message| std::cmp::Reverse(message.sequence));
    wanted.page(&all, |message| json!(message))
}

/// Those that wait and that the model has forgotten among many: only who looks for something
/// asks for them.
fn queued(state: &DashboardState, wanted: &Wanted) -> Vec<ShownMessage> {
    if wanted.find.trim().is_empty() {
        return Vec::new();
    }
    let peeked = state.queue.peek();
    let model = state.model();
    let unknown = |sequence: u64| !Model::knows(&model, sequence);
    let unknown = peeked.iter().filter(|it| unknown(it.accepted.sequence));
    let found = unknown.map(|it| ShownMessage::found(it, state.started));
    found
        .filter(|message| wanted.means(message))
        .take(QUEUED_MAX)
        .collect()
}

/// `GET /api/pages/dead-letters`.
pub(super) async fn dead_letters(
    State(state): State<Arc<DashboardState>>,
    Query(wanted): Query<Wanted>,
) -> Json<Page> {
    let mut letters = state.queue.dead_letters();
    let text = wanted.find.trim();
    letters.retain(|letter| text.is_empty() || is_letter_meant(text, letter));
    letters.reverse();
    wanted.page(&letters, messages::dead)
}

/// `GET /api/pages/mails`.
pub(super) async fn mails(
    State(state): State<Arc<DashboardState>>,
    Query(wanted): Query<Wanted>,
) -> Json<Page> {
    let all = state.outbox.as_ref().map(OutboxReader::mails);
    let mut all = all.unwrap_or_default();
    all.retain(|mail| {
        let content = &mail.email.content;
        let text = content.plain_text.as_deref().unwrap_or_default();
        wanted.finds(&[&content.subject, &mail.email.to(), text])
    });
    all.reverse();
    wanted.page(&all, |mail| mails::described(mail))
}

/// `GET /api/pages/blobs`.
pub(super) async fn blobs(
    State(state): State<Arc<DashboardState>>,
    Query(wanted): Query<Wanted>,
) -> Json<Page> {
    let Some(blob) = &state.blob else {
        return wanted.page::<()>(&[], |()| Value::Null);
    };
    let is_meant = |container: &str, name: &str| wanted.finds(&[container, name]);
    let (found, matching) = blob.storage().newest(wanted.skipped(), PAGE, is_meant);
    let model = state.model();
    let items = found.iter().map(|stored| blobs::listed(stored, &model));
    Json(Page {
        matching,
        size: PAGE,
        items: items.collect(),
    })
}
