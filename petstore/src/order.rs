//! The order as it is published: the whole cart, every time.

use serde_json::json;

use crate::cart::Cart;
use crate::session::SessionId;

/// The order of a session, as JSON. An empty cart has an empty list: it is a cart too.
#[must_use]
pub fn json(session: &SessionId, email: Option<&str>, cart: &Cart, complete: bool) -> String {
    let items = cart.lines().iter().filter_map(|line| {
        let product = line.product()?;
        Some(json!({
            "id": product.id,
            "name": product.name,
            "photoURL": product.photo_url(),
            "quantity": line.quantity(),
        }))
    });
    let order = json!({
        "id": session.as_str(),
        "email": email,
        "products": items.collect::<Vec<_>>(),
        "status": "placed",
        "complete": complete,
    });
    order.to_string()
}
