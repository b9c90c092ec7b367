//! A definition after it was read: every action known, every expression parsed, in the order of the run.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::table::Format;
use super::template::Template;

/// Actions in an order in which each comes after those it waits for.
pub(super) type Block = Vec<Action>;

/// An action.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) name: String,
    /// The actions it waits for, and the statuses of theirs in which it runs.
    pub(super) run_after: Vec<(String, Vec<Status>)>,
    pub(super) kind: Kind,
}

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Status {
    Succeeded,
    Failed,
    Skipped,
    TimedOut,
}

/// What an action does.
#[derive(Debug)]
pub(super) enum Kind {
    Scope(Block),
    If(Condition),
    Compose(Template),
    Table(Table),
    Http(Box<HttpAction>),
    Response(ResponseAction),
    Terminate(Terminate),
}

impl Kind {
    /// The actions inside it, in both branches.
    pub(super) fn inner(&self) -> impl Iterator<Item = &Action> {
        let (first, second): (&[Action], &[Action]) = match self {
            Self::Scope(block) => (block, &[]),
            Self::If(condition) => (&condition.then, &condition.otherwise),
            _ => (&[], &[]),
        };
        first.iter().chain(second)
    }
}

/// The If action.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) expression: Template,
    pub(super) then: Block,
    pub(super) otherwise: Block,
}

/// The Table action.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) from: Template,
    pub(super) format: Format,
    /// Header and value.
    pub(super) columns: Vec<(String, Template)>,
}

/// The Http action.
#[derive(Debug)]
pub(super) struct HttpAction {
    pub(super) method: Template,
    pub(super) uri: Template,
    pub(super) headers: Template,
    pub(super) body: Template,
    /// The audience of the managed identity's token.
    pub(super) audience: Option<String>,
    /// Of each try.
    pub(super) timeout: Duration,
    /// The pause before each further try.
    pub(super) retries: Vec<Duration>,
}

/// The Response action.
#[derive(Debug)]
pub(super) struct ResponseAction {
    pub(super) status: Template,
    pub(super) headers: Template,
    pub(super) body: Template,
}

/// The Terminate action.
#[derive(Debug)]
pub(super) struct Terminate {
    pub(super) status: TerminateStatus,
    pub(super) error: Option<TerminateError>,
}

/// How Terminate ends the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum TerminateStatus {
    Succeeded,
    Failed,
    Cancelled,
}

/// Why, in fixed words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TerminateError {
    pub(super) code: String,
    pub(super) message: String,
}

/// A template for what is not there.
pub(super) fn nothing() -> Template {
    Template::Fixed(Value::Null)
}
