//! Measures the function's release binary: how many instructions, how fast, how much memory, and how that compares
//! with the bare upload and with what others would have written.
//!
//! [`load`] sends what [`messages`] makes to a [`contender`], which uploads to a [`responder`]; each in a process of
//! its own.

pub mod capacity;
pub mod cli;
pub mod contender;
pub mod failure;
pub mod figures;
pub mod http;
pub mod instructions;
pub mod load;
pub mod machine;
pub mod messages;
pub mod procfs;
pub mod report;
pub mod responder;
pub mod run;
pub mod running;
pub mod samples;
pub mod sections;
pub mod stage;
