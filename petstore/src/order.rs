//! The order as it is published: the whole cart, every time.

use serde::Serialize;

use crate::session::Visit;

#[derive(Serialize)]
struct Order<'a> {
    id: &'a str,
    email: Option<&'a str>,
    products: Vec<Item>,
    status: &'static str,
    complete: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: u32,
    name: &'static str,
    #[serde(rename = "photoURL")]
    photo_url: String,
    quantity: u8,
}

/// The order of a visit, as JSON. An empty cart has an empty list: it is a cart too.
///
/// # Errors
/// Never in practice: these types have no state that JSON cannot hold.
pub fn json(visit: &Visit) -> serde_json::Result<String> {
    let lines = visit.cart.lines().iter();
    let items = lines.filter_map(|line| {
        line.product().map(|product| Item {
            id: product.id,
            name: product.name,
            photo_url: product.photo_url(),
            quantity: line.quantity(),
        })
    });
    serde_json::to_string(&Order {
        id: visit.session.as_str(),
        email: visit.email.as_deref(),
        products: items.collect(),
        status: "placed",
        complete: visit.cart.is_complete(),
    })
}
