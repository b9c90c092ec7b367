//! Breeds: a way through the catalogue by who is at home.

use crate::catalogue::{Animal, Size};

/// A breed, which is no product: it leads to what suits it.
#[derive(Debug)]
pub struct Breed {
    /// What it is.
    pub animal: Animal,
    /// Its name.
    pub name: &'static str,
    /// Which products suit it.
    pub size: Size,
    /// One line about it.
    pub line: &'static str,
}

#[rustfmt::skip]
/// The breeds of the navigation.
pub static BREEDS: [Breed; 13] = [
    Breed { animal: Animal::Dog, name: "Labrador Retriever", size: Size::Large, line: "Carries everything, keeps nothing." },
    Breed { animal: Animal::Dog, name: "German Shepherd", size: Size::Large, line: "Has already checked the fence today." },
    Breed { animal: Animal::Dog, name: "Greyhound", size: Size::Large, line: "Very fast, very briefly, then asleep." },
    Breed { animal: Animal::Dog, name: "Bernese Mountain Dog", size: Size::Large, line: "A warm rug with a kind face." },
    Breed { animal: Animal::Dog, name: "Beagle", size: Size::Small, line: "Follows one nose, his own." },
    Breed { animal: Animal::Dog, name: "Dachshund", size: Size::Small, line: "Long in body, longer in patience. Or not." },
    Breed { animal: Animal::Dog, name: "Yorkshire Terrier", size: Size::Small, line: "Runs the house." },
    Breed { animal: Animal::Cat, name: "Maine Coon", size: Size::Large, line: "As big as the box it chose." },
    Breed { animal: Animal::Cat, name: "Ragdoll", size: Size::Large, line: "Folds up wherever you put it." },
    Breed { animal: Animal::Cat, name: "Siamese", size: Size::Small, line: "Will tell you about its day." },
    Breed { animal: Animal::Cat, name: "European Shorthair", size: Size::Small, line: "Seen at three doors, fed at each." },
    Breed { animal: Animal::Fish, name: "Goldfish", size: Size::Small, line: "Remembers more than they say." },
    Breed { animal: Animal::Fish, name: "Koi", size: Size::Large, line: "Calm, and in no hurry to be seen." },
];
