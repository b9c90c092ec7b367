//! The pages: HTML made on the server, escaped by type. They work without a script.

mod cart;
mod layout;
mod note;
mod pictures;
mod shelf;

use maud::{Markup, html};

use crate::catalogue::{Animal, PRODUCTS};
pub use cart::{Reservation, cart, order};
pub use layout::Frame;
use layout::page;
pub use note::Note;
pub use shelf::{Filter, breeds, product, products};

/// The style sheet.
pub const STYLE: &str = include_str!("../assets/style.css");
/// What the cart page does better with a script.
pub const SCRIPT: &str = include_str!("../assets/cart.js");
/// The icon.
pub const ICON: &str = include_str!("../assets/icon.svg");

/// The first page.
#[must_use]
pub fn home(frame: &Frame<'_>) -> Markup {
    page(
        frame,
        "Toys and food for dogs, cats and fish",
        &html! {
            section.hero {
                div {
                    h1 { "Good things for good animals" }
                    p.lead { "Eleven toys and foods for dogs, cats and fish. Put something in the cart and it is reserved for you at once." }
                    a.button href="/products" { "See all products" }
                }
                div.hero-art aria-hidden="true" {
                    @for id in [4, 8, 10] { (pictures::of(id)) }
                }
            }
            h2 { "Who is at home?" }
            ul.tiles {
                @for animal in Animal::ALL {
                    li.tile {
                        (pictures::animal(animal))
                        h3 { (animal.plural()) }
                        p {
                            @let count = PRODUCTS.iter().filter(|product| product.animal == animal).count();
                            (count) " products"
                        }
                        p.links {
                            a href={ "/products?animal=" (animal.slug()) } { "Products" span.hidden { " for " (animal.plural()) } }
                            a href={ "/breeds/" (animal.slug()) } { "By breed" span.hidden { " of " (animal.plural()) } }
                        }
                    }
                }
            }
        },
    )
}

/// Something did not work, in words.
#[must_use]
pub fn problem(frame: &Frame<'_>, title: &str, text: &str) -> Markup {
    page(
        frame,
        title,
        &html! {
            section.problem {
                (pictures::of(7))
                h1 { (title) }
                p.lead { (text) }
                p.links { a.button href="/cart" { "To the cart" } a href="/products" { "To the products" } }
            }
        },
    )
}
