//! A definition after it was read: every action known, every expression parsed, in the order of
//! the run.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::outcome::{RunError, RunStatus, Status};
use crate::schema::Schema;
use crate::table::Format;
use crate::template::Template;

/// A definition that was understood completely, with values for its parameters.
#[derive(Debug)]
pub struct Workflow {
    pub(crate) schema: Schema,
    pub(crate) tracking_id: Template,
    pub(crate) parameters: Map<String, Value>,
    pub(crate) actions: Block,
}

/// Actions in an order in which each comes after those it waits for.
pub(crate) type Block = Vec<Action>;

#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) name: String,
    /// The actions it waits for, and the statuses of theirs in which it runs.
    pub(crate) run_after: Vec<(String, Vec<Status>)>,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
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
    pub(crate) fn inner(&self) -> impl Iterator<Item = &Action> {
        let (first, second): (&[Action], &[Action]) = match self {
            Self::Scope(block) => (block, &[]),
            Self::If(condition) => (&condition.then, &condition.otherwise),
            _ => (&[], &[]),
        };
        first.iter().chain(second)
    }
}

#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) expression: Template,
    pub(crate) then: Block,
    pub(crate) otherwise: Block,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) from: Template,
    pub(crate) format: Format,
    /// Header and value.
    pub(crate) columns: Vec<(String, Template)>,
}

#[derive(Debug)]
pub(crate) struct HttpAction {
    pub(crate) method: Template,
    pub(crate) uri: Template,
    pub(crate) headers: Template,
    pub(crate) body: Template,
    /// The audience of the managed identity's token.
    pub(crate) audience: Option<String>,
    /// Of each try.
    pub(crate) timeout: Duration,
    /// The pause before each further try.
    pub(crate) retries: Vec<Duration>,
}

#[derive(Debug)]
pub(crate) struct ResponseAction {
    pub(crate) status: Template,
    pub(crate) headers: Template,
    pub(crate) body: Template,
}

#[derive(Debug)]
pub(crate) struct Terminate {
    pub(crate) status: RunStatus,
    pub(crate) error: Option<RunError>,
}

/// A template for what is not there.
pub(crate) fn nothing() -> Template {
    Template::Fixed(Value::Null)
}
