//! The Logic App on a laptop: its HTTP trigger, and the e-mail service that its workflow calls.
//!
//! `POST /workflows/{name}/triggers/manual/paths/invoke` takes a fallback request that fits the
//! trigger's schema, runs the workflow for it and gives its answer; without a workflow it answers
//! 202. `GET /` shows what was accepted, newest first; `DELETE /` forgets it.
//!
//! Way of a request: `trigger` (faults, schema) → `runner` (the workflow, and its calls) → `mail`
//! (`emails:send`, and a file in the outbox) → `history`, and only then the answer.

pub use workflow::{DefinitionRefused, Workflow};

pub use app::{LogicApp, LogicAppHandle};
pub use history::Received;

mod answer;
mod app;
mod history;
pub mod mail;
mod runner;
mod trigger;
