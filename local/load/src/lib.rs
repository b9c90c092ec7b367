//! Load on a running stack, and a judge of what became of it.
//!
//! How a run goes ([`run`](run())), and who does what:
//!
//! ```text
//! plan, faults    what is to be done, and what is to go wrong
//! senders         carts arrive and are sent to the queue's door; the oracle writes down what it said
//! shop            or shoppers click in the storefront, and remember what its pages confirmed
//! saboteur        breaks things meanwhile, over the dashboard
//! evidence        what can be seen from outside, during the run and after it
//! judge           holds one against the other
//! report          figures and the verdict
//! ```
//!
//! Oracle and judge share no code with the product and speak HTTP only ([`access`]): what they say does not rest on what
//! they judge. The judge is a pure function over [`evidence`], so each of its words has a negative control.
//! [`stack::chaos`] lends senders, evidence and judge for a stack in its own process.

mod access;
pub mod evidence;
mod faults;
pub mod judge;
mod plan;
mod progress;
pub mod report;
mod run;
mod saboteur;
mod senders;
mod shop;
pub mod target;

pub use faults::{Faults, FaultsError};
pub use plan::{Pace, Plan};
pub use report::Report;
pub use run::run;
pub use senders::crowd::{CARTS_EACH, Crowd};

/// Why a load run cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Where the stack is cannot be found out.
    #[error(transparent)]
    Target(#[from] target::TargetError),
    /// `--faults` in a wrong form.
    #[error(transparent)]
    Faults(#[from] FaultsError),
    /// A part of the stack does not answer, or not as expected.
    #[error("{part}: {problem}")]
    Part {
        /// Which one, with its address.
        part: String,
        /// What happened.
        problem: String,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The HTTP client cannot be built.
    #[error("no HTTP client: {0}")]
    Client(String),
}
