//! Measures the function's release binary: instructions, speed, memory, and its peers.
//!
//! Its peers are the bare upload that each invocation comes down to, and the same job as others
//! would have written it.
//!
//! [`load`] sends what [`messages`] makes to a [`contender`], which uploads to a [`responder`];
//! each in a process of its own.

pub mod capacity;
pub mod cli;
pub mod contender;
pub mod error;
pub mod figures;
pub mod http;
pub mod instructions;
pub mod load;
pub mod machine;
pub mod messages;
pub mod procfs;
pub mod report;
pub mod responder;
pub mod results;
pub mod run;
pub mod running;
pub mod samples;
pub mod sections;
pub mod stage;
