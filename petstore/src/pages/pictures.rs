//! Our own pictures of the products and the animals, drawn for these pages.

use maud::{Markup, PreEscaped};

use crate::catalogue::Animal;

macro_rules! drawn {
    ($name:literal) => {
        include_str!(concat!("../../assets/pictures/", $name, ".svg"))
    };
}

/// The picture of a product. Beside it stands its name, so it is silent.
pub(super) fn of(id: u32) -> Markup {
    let svg = match id {
        1 => drawn!("ball"),
        2 => drawn!("launcher"),
        3 => drawn!("lamb"),
        4 => drawn!("moose"),
        5 => drawn!("food-large"),
        6 => drawn!("food-small"),
        7 => drawn!("mouse"),
        8 => drawn!("scratcher"),
        9 => drawn!("food-cat"),
        10 => drawn!("mangrove"),
        _ => drawn!("food-fish"),
    };
    PreEscaped(svg.trim().to_owned())
}

/// The face of an animal.
pub(super) fn animal(animal: Animal) -> Markup {
    let svg = match animal {
        Animal::Dog => drawn!("dog"),
        Animal::Cat => drawn!("cat"),
        Animal::Fish => drawn!("fish"),
    };
    PreEscaped(svg.trim().to_owned())
}
