//! The cart, and the order it became.

use maud::{Markup, html};

use super::layout::{Frame, about, counted, page};
use super::note::Note;
use super::pictures;
use crate::cart::Line;
use crate::catalogue::{Animal, Product};
use crate::record::{PlacedOrder, Record};

/// How far the newest change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// The bus has it.
    Made,
    /// It waits in the outbox.
    Pending,
    /// It waits, and the bus refuses it until a person changes something.
    Refused,
}

/// The cart, open.
#[must_use]
pub fn cart(
    frame: &Frame<'_>,
    record: &Record,
    note: Option<(Note, &'static Product)>,
    reservation: Reservation,
) -> Markup {
    let cart = &record.cart;
    let said = note.map(|(note, product)| note.sentence(product, cart.quantity(product.id)));
    page(
        frame,
        "Your cart",
        &html! {
            h1 { "Your cart" }
            p #note .note role="status" aria-live="polite" { (said.unwrap_or_default()) }
            div #cart {
                @if cart.lines().is_empty() {
                    section.problem {
                        (pictures::animal(Animal::Dog))
                        p.lead { "Your cart is empty. Somebody at home has ideas." }
                        a.button href="/products" { "See all products" }
                    }
                } @else {
                    ul.lines {
                        @for line in cart.lines() { (row(frame, *line)) }
                    }
                    div.total {
                        p { strong { (counted(cart.pieces())) } " in " (cart.lines().len()) @if cart.lines().len() == 1 { " line" } @else { " lines" } }
                        (state(reservation))
                    }
                    form.complete method="post" action="/cart/complete" {
                        input type="hidden" name="token" value=(frame.token);
                        input type="hidden" name="order" value=(record.session);
                        input type="hidden" name="revision" value=(record.revision);
                        div.field {
                            label for="email" { "E-mail " span.quiet { "(optional)" } }
                            input #email type="email" name="email" autocomplete="email" maxlength="255" aria-describedby="email-why";
                            p.quiet #email-why { "Travels with the order, for whoever packs it." }
                        }
                        button.strong { "Complete order" }
                    }
                    p.links { a #continue href="/products" { "Continue shopping" } }
                }
                // Nothing is reserved in an empty cart, but that it was emptied may be on its way.
                @if cart.lines().is_empty() && reservation != Reservation::Made { (state(reservation)) }
                @if let Some(placed) = &record.placed {
                    p.quiet { a href="/order" { "Your last order" } " (" code { (placed.session) } ") is placed and stays as it is." }
                }
            }
        },
    )
}

fn row(frame: &Frame<'_>, line: Line) -> Markup {
    let Some(product) = line.product() else {
        return html! {};
    };
    let (id, name, quantity) = (product.id, product.name, line.quantity());
    let less = if quantity > 1 {
        format!("One less {name}")
    } else {
        format!("Remove {name}")
    };
    html! {
        li.row {
            div.picture { (pictures::of(id)) }
            div.what {
                a href={ "/products/" (id) } { (name) }
                p.kind { (product.category()) }
            }
            form.step data-step="" method="post" action="/cart" aria-label={ "Quantity of " (name) } {
                (about(frame, product))
                button #{ "minus-" (id) } name="step" value="minus" aria-label=(less) { "−" }
                span.quantity { span.hidden { "Quantity: " } (quantity) }
                button #{ "plus-" (id) } name="step" value="plus" aria-label={ "One more " (name) } { "+" }
                button.plain #{ "remove-" (id) } name="step" value="remove" aria-label={ "Remove " (name) } { "Remove" }
            }
        }
    }
}

/// Calm: there is nothing the shopper must do.
fn state(reservation: Reservation) -> Markup {
    match reservation {
        Reservation::Made => {
            html! { p #state .state.made { span.dot aria-hidden="true" {} "Reserved for you" } }
        }
        Reservation::Pending => html! {
            p #state .state.pending data-pending="" {
                span.dot aria-hidden="true" {}
                "Reservation pending: nothing is lost, and we keep trying."
            }
        },
        Reservation::Refused => html! {
            p #state .state.pending data-pending="" {
                span.dot aria-hidden="true" {}
                "Reservation pending: nothing is lost. Something on our side has to be put right first, and we know of it."
            }
        },
    }
}

/// The order, placed; `again` when it was to be placed once more.
#[must_use]
pub fn order(
    frame: &Frame<'_>,
    placed: &PlacedOrder,
    again: bool,
    reservation: Reservation,
) -> Markup {
    page(
        frame,
        "Order complete",
        &html! {
            h1 { "Thank you for your order" }
            p.lead {
                "Your order is complete."
                @if let Some(email) = &placed.email { " It is in the name of " strong { (email) } "." }
            }
            @if again {
                p.note role="status" { "It was placed already, and was not placed twice." }
            }
            div #cart {
                ul.lines {
                    @for line in placed.cart.lines() {
                        @if let Some(product) = line.product() {
                            li.row.placed {
                                div.picture { (pictures::of(product.id)) }
                                div.what { span { (product.name) } p.kind { (product.category()) } }
                                p.quantity { span.hidden { "Quantity: " } "× " (line.quantity()) }
                            }
                        }
                    }
                }
                div.total {
                    p { "Order " code { (placed.session) } }
                    (state(reservation))
                }
            }
            p.links { a.button href="/products" { "Continue shopping" } }
            p.quiet { "What you add next begins an order of its own." }
        },
    )
}
