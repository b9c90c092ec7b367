//! What a run of the model is to do, what may go wrong in it, and what may happen next.

use super::world::Broken;

/// What shoppers do, and at which instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Click {
    /// One of the product with this number is put in.
    Add(u32),
    /// What the cart page shows is placed.
    Place,
}

/// How much may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Limits {
    /// Requests to the store without an answer.
    pub(super) store_faults: u8,
    /// Such ones that are done later, or never; where every state is visited.
    pub(super) late: u8,
    /// Sends without an answer.
    pub(super) bus_faults: u8,
    pub(super) crashes: u8,
    pub(super) sweeps: u8,
    pub(super) waits: u8,
    /// Longer than the bus remembers ids.
    pub(super) long_waits: u8,
}

impl Limits {
    pub(super) const NONE: Self = Self {
        store_faults: 0,
        late: 0,
        bus_faults: 0,
        crashes: 0,
        sweeps: 0,
        waits: 0,
        long_waits: 0,
    };
}

#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) clicks: Vec<(usize, Click)>,
    /// How far each instance's clock is ahead, in milliseconds.
    pub(super) clocks: Vec<i64>,
    pub(super) limits: Limits,
    pub(super) broken: Broken,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Done,
    /// It is done, and its answer is lost.
    Lost,
    /// It is not done, and nobody says so.
    Never,
    /// Nobody says so, and it is done at some later time.
    Later,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Answer(usize, How),
    /// A request that nobody waits for is done now.
    Arrives(usize),
    /// The instance is killed, and another takes its place.
    Crash(usize),
    Sweep(usize),
    Wait,
    LongWait,
    /// The connection of a click's request ends.
    Abort(usize),
}

/// What a shopper was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Told {
    Done,
    Refused,
}
