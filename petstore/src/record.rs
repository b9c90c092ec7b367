//! A shopper's record: the open cart, the orders that the bus has yet to take, and who sends them.
//!
//! A state machine without I/O. What it does not know by itself (the time, ids, who asks) is passed
//! in, so that every state can be reached in a test. Each change is written under the condition
//! that nobody wrote since it was read, so that a record's states follow one another.
//!
//! `owed` is a queue. Its head is *in flight*: from the moment it is the head, its message id and
//! its bytes stay, and it is sent until the bus answers clearly that it has it. Only then the next
//! one becomes the head. An unclear request that arrives late thus carries an id that the queue has
//! seen before anything newer was sent, and its duplicate detection drops it. Behind the head the
//! newest order of a session takes the place of an older one; a placed one is the last of its
//! session, so nothing takes its place.

mod stored;

use serde::{Deserialize, Serialize};

use crate::cart::{Cart, Step, StepRefused};
use crate::order;
use crate::session::SessionId;
pub use stored::{RECORD_MAX, RecordError};

/// The most orders that wait when another is placed. Each is some 3 kB at most, and a record is
/// read and written whole.
pub const OWED_MAX: usize = 16;

/// How many clicks are remembered: more than can come between a write whose answer was lost and the
/// look at what became of it.
const CLICKS_MAX: usize = 32;

/// How far apart two instances' clocks may be, in milliseconds.
const SKEW_MS: i64 = 2_000;

/// No claim lasts longer, in milliseconds: one that says so was made by a clock that is wrong, and
/// would keep the record's orders back for as long.
pub const CLAIM_MAX_MS: i64 = 400_000;

/// What is kept of one shopper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Rises with every click that changed something: names the state that a page showed.
    pub revision: u64,
    /// Whose order the open cart becomes.
    pub session: SessionId,
    /// The open cart.
    pub cart: Cart,
    /// The order placed last, for the page that says thank you.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed: Option<PlacedOrder>,
    /// What the bus has not taken yet, oldest first; the first one is in flight.
    owed: Vec<OwedOrder>,
    /// Who sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<Claim>,
    /// The clicks done last.
    clicks: Vec<String>,
}

/// An order that a shopper placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacedOrder {
    /// Whose.
    pub session: SessionId,
    /// In whose name, when the shopper gave one.
    pub email: Option<String>,
    /// What was ordered.
    pub cart: Cart,
}

/// A message to the bus: the same id and the same bytes at every try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwedOrder {
    /// Whose order.
    pub session: SessionId,
    /// `MessageId`, made at the click.
    pub message: String,
    /// W3C `traceparent`, made at the click.
    pub traceparent: String,
    /// When the click was taken, in Unix milliseconds; for people only.
    pub accepted: i64,
    /// The whole order, as JSON.
    pub order: String,
}

/// An instance's right to send for a record, for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The instance: one start of one process.
    pub instance: String,
    /// Its end, in Unix milliseconds by the instance's own clock.
    pub until: i64,
}

/// What a shopper asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Something happens to a product in the cart, as it is now.
    Step {
        /// What.
        step: Step,
        /// The product's number.
        product: u32,
    },
    /// The order is placed, as the page showed it.
    Place {
        /// Of which session.
        session: SessionId,
        /// In which state.
        revision: u64,
        /// In whose name.
        email: Option<String>,
    },
}

/// What comes to a click from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Names the click, however often it is tried.
    pub click: String,
    /// The id of the message that it leads to.
    pub message: String,
    /// And its trace.
    pub traceparent: String,
    /// The session that begins when this click places an order.
    pub next_session: SessionId,
    /// Unix milliseconds.
    pub now: i64,
    /// What the instance claims, should nobody send for the record.
    pub claim: Claim,
}

/// What became of a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The record is another: to be written.
    Changed,
    /// This very click was done before, by a write whose answer was lost.
    ByEarlierTry,
    /// It was so already.
    Nothing,
    /// The order was placed before: once is enough.
    PlacedBefore,
}

/// Why a click is not done; the record is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClickRefused {
    /// The cart does not allow it.
    #[error(transparent)]
    Step(#[from] StepRefused),
    /// The page belongs to an order that is neither open nor the one placed last.
    #[error("the page belongs to an earlier order")]
    EarlierOrder,
    /// The cart is not what the page showed when the order was placed.
    #[error("the cart has changed since the page was shown")]
    CartChanged,
    /// As many orders wait as one shopper may have waiting.
    #[error("{OWED_MAX} orders of the shopper wait already")]
    TooManyOrders,
}

/// What a record says to an instance that wants to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The claim stands in the record: to be written.
    Ours,
    /// Nothing is owed.
    Clean,
    /// Another instance sends, until then by its clock, in Unix milliseconds.
    Others(i64),
}

impl Record {
    /// A shopper's first, whose cart is empty.
    #[must_use]
    pub fn first(session: SessionId) -> Self {
        Self {
            revision: 0,
            session,
            cart: Cart::default(),
            placed: None,
            owed: Vec::new(),
            owner: None,
            clicks: Vec::new(),
        }
    }

    /// Takes a click.
    ///
    /// # Errors
    /// [`ClickRefused`]: nothing has changed.
    pub fn click(&mut self, operation: &Operation, stamp: &Stamp) -> Result<Done, ClickRefused> {
        if self.clicks.contains(&stamp.click) {
            return Ok(Done::ByEarlierTry);
        }
        match operation {
            Operation::Step { step, product } => {
                let mut cart = self.cart.clone();
                cart.step(*step, *product)?;
                if cart == self.cart {
                    return Ok(Done::Nothing);
                }
                self.cart = cart;
                self.owe(order::json(&self.session, None, &self.cart, false), stamp);
            }
            Operation::Place {
                session,
                revision,
                email,
            } => {
                let placed = self.placed.as_ref();
                if placed.is_some_and(|placed| placed.session == *session) {
                    return Ok(Done::PlacedBefore);
                }
                self.may_place(session, *revision)?;
                let order = order::json(&self.session, email.as_deref(), &self.cart, true);
                self.owe(order, stamp);
                self.placed = Some(PlacedOrder {
                    session: std::mem::replace(&mut self.session, stamp.next_session.clone()),
                    email: email.clone(),
                    cart: std::mem::take(&mut self.cart),
                });
            }
        }
        self.revision += 1;
        self.clicks.push(stamp.click.clone());
        let forgotten = self.clicks.len().saturating_sub(CLICKS_MAX);
        self.clicks.drain(..forgotten);
        Ok(Done::Changed)
    }

    fn may_place(&self, session: &SessionId, revision: u64) -> Result<(), ClickRefused> {
        if *session != self.session {
            return Err(ClickRefused::EarlierOrder);
        }
        if revision != self.revision {
            return Err(ClickRefused::CartChanged);
        }
        if self.cart.lines().is_empty() {
            return Err(StepRefused::Empty.into());
        }
        if self.owed.len() >= OWED_MAX {
            return Err(ClickRefused::TooManyOrders);
        }
        Ok(())
    }

    /// Puts an order of the open session behind what is owed, in the place of an older one of the
    /// session, unless that one is in flight: the bus may have it, or get it late.
    fn owe(&mut self, order: String, stamp: &Stamp) {
        let owed = OwedOrder {
            session: self.session.clone(),
            message: stamp.message.clone(),
            traceparent: stamp.traceparent.clone(),
            accepted: stamp.now,
            order,
        };
        match self.owed.split_first_mut() {
            Some((_, [.., last])) if last.session == owed.session => *last = owed,
            _ => self.owed.push(owed),
        }
        if self.held_until(stamp.now).is_none() {
            self.owner = Some(stamp.claim.clone());
        }
    }

    /// Claims the sending for an instance.
    pub fn claim(&mut self, claim: &Claim, now: i64) -> Claimed {
        if self.owed.is_empty() {
            return Claimed::Clean;
        }
        match self.held_until(now) {
            Some(until) if !self.is_owner(&claim.instance) => Claimed::Others(until),
            _ => {
                self.owner = Some(claim.clone());
                Claimed::Ours
            }
        }
    }

    /// The bus has `message`: the next order becomes the one in flight, under the same claim. False
    /// when it was known already, or another instance has the record by now, and nothing has
    /// changed.
    ///
    /// That one may have the same message in the air. Where the bus took it longer ago than it
    /// remembers ids, the next order could then overtake a second copy of this one. So it is left
    /// to whoever has it: at worst it is sent twice in a row.
    pub fn settle(&mut self, message: &str, claim: &Claim, now: i64) -> bool {
        let is_in_flight = self.in_flight().is_some_and(|head| head.message == message);
        let is_ours = self.is_owner(&claim.instance) || self.held_until(now).is_none();
        if !is_in_flight || !is_ours {
            return false;
        }
        self.owed.remove(0);
        self.owner = match self.owed.is_empty() {
            true => None,
            false => Some(claim.clone()),
        };
        true
    }

    /// The order that is to be sent now, and no other.
    #[must_use]
    pub fn in_flight(&self) -> Option<&OwedOrder> {
        self.owed.first()
    }

    /// All that the bus has not taken yet, the one in flight first.
    #[must_use]
    pub fn owed(&self) -> &[OwedOrder] {
        &self.owed
    }

    /// Whether the bus has yet to take an order of the session.
    #[must_use]
    pub fn owes(&self, session: &SessionId) -> bool {
        self.owed.iter().any(|owed| owed.session == *session)
    }

    /// Whether this instance's claim stands in the record.
    #[must_use]
    pub fn is_owner(&self, instance: &str) -> bool {
        let owner = self.owner.as_ref();
        owner.is_some_and(|owner| owner.instance == instance)
    }

    /// Until when somebody may send. Others wait for as long as clocks may differ, so that the
    /// owner itself can go by its own.
    fn held_until(&self, now: i64) -> Option<i64> {
        let until = self.owner.as_ref()?.until;
        let ended = until.saturating_add(SKEW_MS) <= now;
        let credible = until <= now.saturating_add(CLAIM_MAX_MS + SKEW_MS);
        (!ended && credible).then_some(until)
    }

    /// Whose claim stands in the record, be it over or not.
    #[must_use]
    pub fn owner(&self) -> Option<&Claim> {
        self.owner.as_ref()
    }
}
