//! The rules of the cart. Pure: nothing here knows of cookies, pages or the bus.

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
    /// All of it out.
    Remove,
}

impl Step {
    /// The step of a form's word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "add" => Some(Self::Add),
            "plus" => Some(Self::Plus),
            "minus" => Some(Self::Minus),
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
    /// The order is placed and stays as it is.
    #[error("the order is complete")]
    Complete,
}

/// What a shopper wants, and whether they said so for good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    #[serde(rename = "l")]
    lines: Vec<Line>,
    #[serde(rename = "c", default)]
    complete: bool,
}

impl Cart {
    /// The products, in the order in which they came.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Whether the order is placed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// All pieces together.
    #[must_use]
    pub fn pieces(&self) -> u32 {
        self.lines.iter().map(|line| u32::from(line.1)).sum()
    }

    /// How many of a product.
    #[must_use]
    pub fn quantity(&self, id: u32) -> u8 {
        let line = self.lines.iter().find(|line| line.0 == id);
        line.map_or(0, |line| line.1)
    }

    /// Takes a step.
    ///
    /// # Errors
    /// [`StepRefused`], and nothing has changed.
    pub fn step(&mut self, step: Step, id: u32) -> Result<(), StepRefused> {
        if self.complete {
            return Err(StepRefused::Complete);
        }
        product(id).ok_or(StepRefused::Unknown)?;
        let line = self.lines.iter_mut().find(|line| line.0 == id);
        match (step, line) {
            (Step::Add, None) => self.lines.push(Line(id, 1)),
            (Step::Add | Step::Plus, Some(line)) if line.1 >= QUANTITY_MAX => {
                return Err(StepRefused::Most);
            }
            (Step::Add | Step::Plus, Some(line)) => line.1 += 1,
            (Step::Minus, Some(line)) if line.1 > 1 => line.1 -= 1,
            (Step::Minus | Step::Remove, Some(_)) => self.lines.retain(|line| line.0 != id),
            (Step::Plus | Step::Minus | Step::Remove, None) => return Err(StepRefused::Absent),
        }
        Ok(())
    }

    /// Places the order.
    ///
    /// # Errors
    /// [`StepRefused`] when there is nothing in it, or it is placed already.
    pub fn complete(&mut self) -> Result<(), StepRefused> {
        if self.complete {
            return Err(StepRefused::Complete);
        }
        if self.lines.is_empty() {
            return Err(StepRefused::Empty);
        }
        self.complete = true;
        Ok(())
    }
}
