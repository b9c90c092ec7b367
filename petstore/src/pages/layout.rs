//! What every page has around it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{ICON, SCRIPT, STYLE};
use crate::catalogue::{Animal, Product};
use crate::record::Record;

/// Whose page it is.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The shopper's record; `None` while it cannot be read.
    pub record: Option<&'a Record>,
    /// For the forms of the page.
    pub token: &'a str,
}

/// FNV-1a: a browser keeps an asset until its content is another one.
const fn mark(content: &str) -> u32 {
    let mut bytes = content.as_bytes();
    let mut hash = 0x811c_9dc5_u32;
    while let [first, rest @ ..] = bytes {
        hash = (hash ^ *first as u32).wrapping_mul(0x0100_0193);
        bytes = rest;
    }
    hash
}

const STYLE_MARK: u32 = mark(STYLE);
const SCRIPT_MARK: u32 = mark(SCRIPT);
const ICON_MARK: u32 = mark(ICON);

const BASKET: &str = r#"<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="M4 9h16l-1.6 9.4a2 2 0 0 1-2 1.6H7.6a2 2 0 0 1-2-1.6zM8 9l3-5M16 9l-3-5M9.5 13v3.5M14.5 13v3.5" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/></svg>"#;

/// A whole page around `main`.
pub(super) fn page(frame: &Frame<'_>, title: &str, main: &Markup) -> Markup {
    let pieces = frame.record.map(|record| record.cart.pieces());
    let in_cart = pieces.map_or_else(|| "out of reach".to_owned(), counted);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · PetStore" }
                link rel="icon" type="image/svg+xml" href={ "/favicon.svg?v=" (ICON_MARK) };
                link rel="stylesheet" href={ "/assets/style.css?v=" (STYLE_MARK) };
                script src={ "/assets/cart.js?v=" (SCRIPT_MARK) } defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    div.wrap {
                        a.brand href="/" { (PreEscaped(ICON)) span { "PetStore" } }
                        nav aria-label="Shop" {
                            @for animal in Animal::ALL {
                                a href={ "/products?animal=" (animal.slug()) } { (animal.plural()) }
                            }
                        }
                        a.basket href="/cart" id="basket" aria-label={ "Cart, " (in_cart) } {
                            (PreEscaped(BASKET))
                            span.count { @if let Some(pieces) = pieces { (pieces) } @else { "–" } }
                        }
                    }
                }
                main #main tabindex="-1" {
                    div.wrap {
                        @if frame.record.is_none() {
                            p.banner role="status" { "Your cart is out of reach for a moment. It is safe, and the shelf still shows." }
                        }
                        (main)
                    }
                }
                footer {
                    div.wrap {
                        p { "PetStore, a small shop for a big pipeline: every change of the cart becomes a reserved order." }
                        p.facts {
                            @if let Some(record) = frame.record {
                                span { "session: " code { (record.session) } }
                            }
                            span { "version: " (env!("CARGO_PKG_VERSION")) }
                        }
                    }
                }
            }
        }
    }
}

/// What a form says that is about one product.
pub(super) fn about(frame: &Frame<'_>, product: &Product) -> Markup {
    html! {
        input type="hidden" name="token" value=(frame.token);
        input type="hidden" name="product" value=(product.id);
    }
}

/// `1 piece`, `2 pieces`.
pub(super) fn counted(pieces: u32) -> String {
    match pieces {
        1 => "1 piece".to_owned(),
        many => format!("{many} pieces"),
    }
}
