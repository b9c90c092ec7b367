//! What every Azure program of ours starts with, from its command line to its identity.
//!
//! In the order of a start:
//!
//! 1. [`program`] takes the command line, and knows the exit codes.
//! 2. [`settings`] reads the environment and reports every mistake at once.
//! 3. [`log`] sends lines to where the platform expects them.
//! 4. [`http_client`] builds the clients: no retries, redirects or proxies of their own.
//! 5. [`trace`] names the trace that a piece of work belongs to.
//! 6. [`export`] takes the spans of those traces to who wants to see them, if somebody does.
//! 7. [`identity`] gets tokens from Entra ID and holds them for as long as they are good.
#![warn(missing_docs)]

pub mod export;
pub mod http_client;
pub mod identity;
pub mod log;
pub mod program;
pub mod settings;
pub mod trace;
