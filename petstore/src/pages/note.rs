//! What the cart page says about the step just taken. Only these words can be said, whatever an
//! address asks for.

use crate::cart::{QUANTITY_MAX, StepRefused};
use crate::catalogue::Product;

/// One such sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// So much of it is in the cart now.
    Changed,
    /// There were as many as may be.
    Most,
    /// It was not there.
    Absent,
}

/// As in addresses.
const WORDS: [(Note, &str); 3] = [
    (Note::Changed, "changed"),
    (Note::Most, "most"),
    (Note::Absent, "absent"),
];

impl Note {
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
        let known = WORDS.iter().find(|(note, _)| *note == self);
        known.map_or("", |(_, word)| word)
    }

    /// The note of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let known = WORDS.iter().find(|(_, known)| *known == word);
        known.map(|(note, _)| *note)
    }

    /// The sentence; `quantity` is what the cart holds now.
    #[must_use]
    pub fn sentence(self, product: &Product, quantity: u8) -> String {
        let name = product.name;
        match (self, quantity) {
            (Self::Changed, 0) => format!("{name} is out of the cart."),
            (Self::Changed, _) => format!("{name}: {quantity} in the cart."),
            (Self::Most, _) => format!("{name}: {QUANTITY_MAX} is the most for one order."),
            (Self::Absent, _) => format!("{name} was not in the cart any more."),
        }
    }
}
