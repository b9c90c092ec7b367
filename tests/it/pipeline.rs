//! The whole pipeline: a queue, the host's wire format, the real data path, storage and fallback.
//! L1: every message settles, or is dead-lettered with its bytes intact.

mod load;
mod outages;
mod stack;
mod strangers;
