//! An interpreter of the Workflow Definition Language, as much of it as this project's definition uses.
//!
//! [`Workflow::load`] refuses by name whatever it does not know, so nothing in a definition is silently ignored.
//! What it computes was observed on the official engine; vectors made with that engine hold it in place.
//! Known to differ: integers above 64 bits lose digits, and JSON is parsed strictly.

use serde_json::{Map, Value};

pub use http::{Answer, Call, Http, NoAnswer};
pub use load::Refused;
pub use outcome::{Ended, Response, RunError, RunStatus};

mod budget;
mod check;
mod definition;
mod duration;
mod evaluate;
mod expression;
mod functions;
mod http;
mod load;
mod order;
mod outcome;
mod raw;
mod run;
mod schema;
mod select;
mod steps;
mod table;
mod template;
mod text;

use definition::Block;
use schema::Schema;
use template::Template;

/// A definition that was understood completely, with values for its parameters.
#[derive(Debug)]
pub struct Workflow {
    schema: Schema,
    tracking_id: Template,
    parameters: Map<String, Value>,
    actions: Block,
}

/// What a run starts from.
#[derive(Debug, Clone)]
pub struct Start {
    /// The request's body.
    pub body: Value,
    /// What `workflow()` gives.
    pub workflow: Value,
}

impl Workflow {
    /// Reads a definition; `parameters` must be those that it declares.
    ///
    /// # Errors
    /// [`Refused`] names the place and what is not known there.
    pub fn load(definition: &str, parameters: Map<String, Value>) -> Result<Self, Refused> {
        load::load(definition, parameters)
    }

    /// Whether the trigger takes a request with this body.
    ///
    /// # Errors
    /// Says where the body does not fit the trigger's schema.
    pub fn accepts(&self, body: &Value) -> Result<(), String> {
        self.schema.check(body, "")
    }

    /// Runs to the end. The body must have been accepted.
    pub async fn run(&self, start: Start, http: &impl Http) -> Ended {
        run::run(self, start, http).await
    }
}

/// Why an action failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failure(String);

impl Failure {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}
