//! Load on a running stack, and a judge of what became of it.
//!
//! [`run`](run()) posts carts as the storefront would ([`arrivals`], [`bus`]), writes down which of them the
//! queue accepted ([`oracle`]), lets things go wrong meanwhile ([`chaos`]), waits until the queue is quiet and
//! collects what can be seen from outside ([`watch`], [`gather`]). [`judge`] then holds one against the other.
//!
//! Oracle and judge share no code with the product and speak HTTP only: what they say does not rest on what
//! they judge. The judge is a pure function over [`evidence`], so each of its words has a negative control.

pub mod api;
mod arrivals;
mod blobs;
mod bus;
mod cart;
pub mod chaos;
pub(crate) mod crowd;
pub mod evidence;
mod gather;
pub(crate) mod inside;
pub mod judge;
mod oracle;
pub mod plan;
pub mod report;
mod run;
mod session;
pub mod shop;
pub mod target;
mod watch;

pub use plan::{Pace, Plan};
pub use report::Report;
pub use run::run;

/// Why a load run cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Where the stack is cannot be found out.
    #[error(transparent)]
    Target(#[from] target::TargetError),
    /// `--faults` in a wrong form.
    #[error(transparent)]
    Faults(#[from] chaos::FaultsError),
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
