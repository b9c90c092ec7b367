//! What the cart page says about the step just taken. Only these words can be said, whatever an
//! address asks for.

use crate::cart::{QUANTITY_MAX, Step, StepRefused};
use crate::catalogue::Product;

/// One such sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// It is in, or one more of it.
    Added,
    /// One less.
    Less,
    /// All of it is out.
    Gone,
    /// There were as many as may be.
    Most,
    /// It was not there.
    Absent,
}

const ALL: [Note; 5] = [
    Note::Added,
    Note::Less,
    Note::Gone,
    Note::Most,
    Note::Absent,
];

impl Note {
    /// After a step that left `quantity` of the product.
    #[must_use]
    pub fn of_step(step: Step, quantity: u8) -> Self {
        match (step, quantity) {
            (Step::Set(_) | Step::Minus | Step::Remove, 0) => Self::Gone,
            (Step::Add | Step::Plus | Step::Set(_), _) => Self::Added,
            (Step::Minus | Step::Remove, _) => Self::Less,
        }
    }

    /// About a step that was not taken.
    #[must_use]
    pub fn of_refused(refused: StepRefused) -> Option<Self> {
        match refused {
            StepRefused::Most => Some(Self::Most),
            StepRefused::Absent => Some(Self::Absent),
            StepRefused::Unknown | StepRefused::Empty => None,
        }
    }

    /// As in addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Less => "less",
            Self::Gone => "gone",
            Self::Most => "most",
            Self::Absent => "absent",
        }
    }

    /// The note of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        ALL.into_iter().find(|note| note.word() == word)
    }

    /// The sentence; `quantity` is what the cart holds now.
    #[must_use]
    pub fn sentence(self, product: &Product, quantity: u8) -> String {
        let name = product.name;
        match self {
            Self::Added | Self::Less if quantity > 0 => format!("{name}: {quantity} in the cart."),
            Self::Added | Self::Less | Self::Gone => format!("{name} is out of the cart."),
            Self::Most => format!("{name}: {QUANTITY_MAX} is the most for one order."),
            Self::Absent => format!("{name} was not in the cart any more."),
        }
    }
}
