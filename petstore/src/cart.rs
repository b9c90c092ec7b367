//! The rules of the cart. Pure: nothing here knows of cookies, pages or the bus.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::catalogue::{Product, product};

/// The most of one product that an order takes.
pub const QUANTITY_MAX: u8 = 10;

/// A product in the cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line(u32, u8);

impl Line {
    /// The product's number.
    #[must_use]
    pub fn id(self) -> u32 {
        self.0
    }

    /// How many, 1 to [`QUANTITY_MAX`].
    #[must_use]
    pub fn quantity(self) -> u8 {
        self.1
    }

    /// What it is.
    #[must_use]
    pub fn product(self) -> Option<&'static Product> {
        product(self.0)
    }
}

/// What a shopper does to a cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Put one in, or one more.
    Add,
    /// One more of what is there.
    Plus,
    /// One less; the last one leaves.
    Minus,
    /// So many of it, none for out.
    Set(u8),
    /// All of it out.
    Remove,
}

impl Step {
    /// The step of a form's word; `quantity` is how many it speaks of, where it does.
    #[must_use]
    pub fn of_word(word: &str, quantity: Option<u8>) -> Option<Self> {
        match word {
            "add" => Some(Self::Add),
            "plus" => Some(Self::Plus),
            "minus" => Some(Self::Minus),
            "set" => quantity.map(Self::Set),
            "remove" => Some(Self::Remove),
            _ => None,
        }
    }
}

/// Why a step is not taken; the cart is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepRefused {
    /// The catalogue has no such product.
    #[error("there is no such product")]
    Unknown,
    /// There are [`QUANTITY_MAX`] of it.
    #[error("ten of each is the most")]
    Most,
    /// The cart does not hold it.
    #[error("it is not in the cart")]
    Absent,
    /// Nothing to order.
    #[error("the cart is empty")]
    Empty,
}

/// What a shopper wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart(Vec<Line>);

impl Cart {
    /// The products, in the order in which they came.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.0
    }

    /// Whether its lines could have come about by steps: each product once, 1 to
    /// [`QUANTITY_MAX`] of it. A product may have left the catalogue since.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let ids: BTreeSet<u32> = self.0.iter().map(|line| line.0).collect();
        let legal = |line: &Line| (1..=QUANTITY_MAX).contains(&line.1);
        ids.len() == self.0.len() && self.0.iter().all(legal)
    }

    /// All pieces together.
    #[must_use]
    pub fn pieces(&self) -> u32 {
        self.0.iter().map(|line| u32::from(line.1)).sum()
    }

    /// How many of a product.
    #[must_use]
    pub fn quantity(&self, id: u32) -> u8 {
        let line = self.0.iter().find(|line| line.0 == id);
        line.map_or(0, |line| line.1)
    }

    /// Takes a step.
    ///
    /// # Errors
    /// [`StepRefused`], and nothing has changed.
    pub fn step(&mut self, step: Step, id: u32) -> Result<(), StepRefused> {
        product(id).ok_or(StepRefused::Unknown)?;
        let quantity = self.quantity(id);
        let wanted = match step {
            Step::Add => quantity + 1,
            Step::Set(wanted) => wanted,
            Step::Plus | Step::Minus | Step::Remove if quantity == 0 => {
                return Err(StepRefused::Absent);
            }
            Step::Plus => quantity + 1,
            Step::Minus => quantity - 1,
            Step::Remove => 0,
        };
        if wanted > QUANTITY_MAX {
            return Err(StepRefused::Most);
        }
        match self.0.iter_mut().find(|line| line.0 == id) {
            _ if wanted == 0 => self.0.retain(|line| line.0 != id),
            Some(line) => line.1 = wanted,
            None => self.0.push(Line(id, wanted)),
        }
        Ok(())
    }
}
