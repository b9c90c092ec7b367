//! Many messages in one invocation: what is uploaded, what shares whose fate, in what time, and
//! what the host is answered.

mod doubles;
mod splits;
