//! Products and breeds.

use maud::{Markup, html};

use super::layout::{Frame, about, page};
use super::pictures;
use crate::cart::QUANTITY_MAX;
use crate::catalogue::{Animal, BREEDS, PRODUCTS, Product, Size};

/// What of the catalogue to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// For whom.
    pub animal: Option<Animal>,
    /// `Toy` or `Food`.
    pub kind: Option<&'static str>,
    /// For which size.
    pub size: Option<Size>,
}

impl Filter {
    fn fits(&self, product: &Product) -> bool {
        self.animal.is_none_or(|animal| product.animal == animal)
            && self.kind.is_none_or(|kind| product.kind == kind)
            && self.size.is_none_or(|size| product.sizes.contains(&size))
    }

    fn title(&self) -> String {
        let what = match self.kind {
            Some("Toy") => "Toys",
            Some(_) => "Food",
            None => "Products",
        };
        let size = self.size.map(|size| format!("{} ", size.slug()));
        let whom = self.animal.map(|animal| {
            format!(
                " for {}{}",
                size.unwrap_or_default(),
                animal.plural().to_lowercase()
            )
        });
        format!("{what}{}", whom.unwrap_or_default())
    }

    fn address(animal: Option<Animal>, kind: Option<&str>, size: Option<Size>) -> String {
        let fields = [
            ("animal", animal.map(Animal::slug)),
            ("kind", kind),
            ("size", size.map(Size::slug)),
        ];
        let pairs = fields
            .iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", (*value)?)));
        format!("/products?{}", pairs.collect::<Vec<_>>().join("&"))
    }
}

/// The products that fit.
#[must_use]
pub fn products(frame: &Frame<'_>, filter: &Filter) -> Markup {
    let title = filter.title();
    let Filter { animal, kind, size } = *filter;
    let choice = |text: &str, address: String, here: bool| {
        html! { a.choice href=(address) aria-current=[here.then_some("true")] { (text) } }
    };
    page(
        frame,
        &title,
        &html! {
            h1 { (title) }
            nav.choices aria-label="Narrow down" {
                div {
                    (choice("Everyone", Filter::address(None, kind, size), animal.is_none()))
                    @for one in Animal::ALL {
                        (choice(one.plural(), Filter::address(Some(one), kind, size), animal == Some(one)))
                    }
                }
                div {
                    (choice("Toys and food", Filter::address(animal, None, size), kind.is_none()))
                    (choice("Toys", Filter::address(animal, Some("Toy"), size), kind == Some("Toy")))
                    (choice("Food", Filter::address(animal, Some("Food"), size), kind == Some("Food")))
                }
            }
            ul.shelf {
                @for product in PRODUCTS.iter().filter(|product| filter.fits(product)) {
                    li.card {
                        a.picture href={ "/products/" (product.id) } tabindex="-1" aria-hidden="true" { (pictures::of(product.id)) }
                        p.kind { (product.category()) }
                        h2 { a href={ "/products/" (product.id) } { (product.name) } }
                        p.line { (product.line) }
                        (add(frame, product))
                    }
                }
            }
            @if let Some(animal) = animal {
                p.links { a href={ "/breeds/" (animal.slug()) } { "Choose by breed" } }
            }
        },
    )
}

/// One product.
#[must_use]
pub fn product(frame: &Frame<'_>, product: &Product) -> Markup {
    let record = frame.record;
    let quantity = record.map_or(0, |record| record.cart.quantity(product.id));
    page(
        frame,
        product.name,
        &html! {
            p.crumbs { a href={ "/products?animal=" (product.animal.slug()) } { "← " (product.animal.plural()) } }
            article.product {
                div.picture { (pictures::of(product.id)) }
                div {
                    p.kind { (product.category()) }
                    h1 { (product.name) }
                    p.lead { (product.line) }
                    p.tags {
                        "For " @for (index, size) in product.sizes.iter().enumerate() { @if index > 0 { " and " } strong { (size.slug()) } } " animals."
                    }
                    (add(frame, product))
                    @if quantity > 0 {
                        form.amount method="post" action="/cart" {
                            (about(frame, product))
                            label for="quantity" { "In the cart" }
                            input #quantity type="number" name="quantity" value=(quantity) min="0" max=(QUANTITY_MAX) required;
                            button name="step" value="set" { "Change" }
                        }
                    }
                    p.quiet { (QUANTITY_MAX) " of each is the most for one order." }
                }
            }
        },
    )
}

/// The breeds of an animal.
#[must_use]
pub fn breeds(frame: &Frame<'_>, animal: Animal) -> Markup {
    let title = format!("{} by breed", animal.plural());
    page(
        frame,
        &title,
        &html! {
            h1 { (title) }
            p.lead { "Pick yours, and see what suits it." }
            ul.breeds {
                @for breed in BREEDS.iter().filter(|breed| breed.animal == animal) {
                    li {
                        a href=(Filter::address(Some(animal), None, Some(breed.size))) { (breed.name) }
                        p { (breed.line) }
                        p.kind { (breed.size.slug()) }
                    }
                }
            }
            p.links { a href={ "/products?animal=" (animal.slug()) } { "All products for " (animal.plural().to_lowercase()) } }
        },
    )
}

fn add(frame: &Frame<'_>, product: &Product) -> Markup {
    html! {
        form method="post" action="/cart" {
            (about(frame, product))
            button name="step" value="add" aria-label={ "Add to cart: " (product.name) } { "Add to cart" }
        }
    }
}
