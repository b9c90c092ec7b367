//! Carts and shoppers for a running stack, from outside, and a judge of what became of every
//! message.
//!
//! In the order in which a run passes them ([`run`](run())):
//!
//! ```text
//! plan        what is to be done, and what is to go wrong
//! places      where the stack is; access speaks to it, over HTTP
//! message     what is sent: carts, and a little poison
//! senders     carts arrive and are sent to the queue's door
//! shop        or shoppers click in the storefront, and remember what its pages confirmed
//! injector    breaks things meanwhile, over the dashboard
//! observer    what can be seen from outside, during the run and after it
//! rest        when the stack is at rest
//! evidence    what the judge is shown
//! judge       holds what can be seen against what was sent
//! report      figures and the verdict
//! ```
//!
//! Nothing here reaches the product, nor any part of the stack but `stand-in`: what is said of them
//! does not rest on what is judged. The judge is a pure function over [`evidence`], so each of its
//! words has a negative control. Chaos, in the crate `stack`, is such a run with a harsher plan and
//! the instances in hand: it sends with [`Crowd`], waits with [`rest`], and adds its own
//! [`report::Figures`] to the report.

mod access;
pub mod evidence;
mod injector;
pub mod judge;
mod message;
mod observer;
pub mod places;
mod plan;
mod progress;
pub mod report;
pub mod rest;
mod run;
mod senders;
mod shop;

pub use plan::{Faults, FaultsError, Pace, Plan, WantedFault};
pub use report::Report;
pub use run::run;
pub use senders::crowd::{CARTS_EACH, Crowd};

/// Why a load run cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Places(#[from] places::PlacesError),
    /// `--faults` in a wrong form.
    #[error(transparent)]
    Faults(#[from] FaultsError),
    /// A part of the stack does not answer, or not as expected.
    #[error("{part}: {problem}")]
    Part {
        /// Which one, with its address.
        part: String,
        problem: String,
    },
    /// A fault of a part that is not this stack's to break: a run without it would prove less than
    /// was asked for.
    #[error("--faults {fault}: {problem}")]
    Unbreakable {
        fault: &'static str,
        problem: &'static str,
    },
    #[error("cannot write {path}: {source}")]
    File {
        path: String,
        source: std::io::Error,
    },
    #[error("no HTTP client: {0}")]
    Client(String),
}
