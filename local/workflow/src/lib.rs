//! The Logic App workflow language, as much of it as this project's definition uses.
//!
//! [`Workflow::load`] refuses by name whatever it does not know, so nothing in a definition is
//! silently ignored. What it computes was observed on the official engine; vectors made with that
//! engine hold it in place. Known to differ: integers above 64 bits lose digits, and JSON is parsed
//! strictly.
//!
//! From text to definition: `load` reads JSON by the shapes in `raw`, `expression` and `template`
//! parse what is computed, `check` looks whether its names mean something; the result is a
//! `definition`. From request to answer: the trigger's [`Schema`], then `run` with `evaluate`,
//! `text`, `table` and `http`; what comes of it is an `outcome`.

pub use definition::Workflow;
pub use http::{Answer, Call, Http, NoAnswer};
pub use load::DefinitionRefused;
pub use outcome::{Ended, Response, RunError, RunStatus};
pub use run::Start;
pub use schema::Schema;

mod check;
mod definition;
mod evaluate;
mod expression;
mod http;
mod load;
mod outcome;
mod raw;
mod run;
mod schema;
mod table;
mod template;
mod text;
