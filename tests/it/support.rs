//! What the tests of the whole process share: a real Azurite, the real binary as a child process,
//! and messages as the Functions host hands them out.

pub(crate) mod azurite;
pub(crate) mod door;
pub(crate) mod handler;
pub(crate) mod message;
pub(crate) mod rig;

pub(crate) use azurite::Azurite;
pub(crate) use door::Answer;
pub(crate) use handler::Handler;
pub(crate) use message::Message;
pub(crate) use rig::{Ended, Rig};

/// Whether `part` stands in `whole`, byte for byte.
pub(crate) fn contains(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}
