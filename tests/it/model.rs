//! (being written)

pub(crate) mod choices;
pub(crate) mod messages;
pub(crate) mod storage;
