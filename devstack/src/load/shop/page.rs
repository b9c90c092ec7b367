//! What a page of the storefront says, read off its HTML as a person would read it off the screen.

use std::fmt;

use serde_json::Value;

/// A cart as it is shown, or as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Cart {
    /// Product and quantity, in their order.
    pub lines: Vec<(u64, u64)>,
    /// Whether the order is placed.
    pub complete: bool,
}

impl Cart {
    /// The cart in an order's JSON; none when it is something else.
    #[must_use]
    pub fn of_order(json: &[u8]) -> Option<Self> {
        let order: Value = serde_json::from_slice(json).ok()?;
        let products = order.get("products")?.as_array()?.iter();
        let lines = products.map(|product| {
            Some((
                product.get("id")?.as_u64()?,
                product.get("quantity")?.as_u64()?,
            ))
        });
        Some(Self {
            lines: lines.collect::<Option<_>>()?,
            complete: order.get("complete")?.as_bool()?,
        })
    }
}

impl fmt::Display for Cart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self
            .lines
            .iter()
            .map(|(id, quantity)| format!("{quantity} × product {id}"))
            .collect();
        let state = if self.complete { "complete" } else { "open" };
        write!(f, "[{}] ({state})", lines.join(", "))
    }
}

/// The token that the page's forms carry.
pub(super) fn token(page: &str) -> Option<String> {
    between(page, "name=\"token\" value=\"", "\"")
}

/// The session in the page's footer.
pub(super) fn session(page: &str) -> Option<String> {
    between(page, "session: <code>", "</code>")
}

/// The lines of the cart page.
pub(super) fn lines(page: &str) -> Option<Vec<(u64, u64)>> {
    let rows = page.split("name=\"product\" value=\"").skip(1);
    rows.map(|row| {
        Some((
            row.split('"').next()?.parse().ok()?,
            *quantities(row).first()?,
        ))
    })
    .collect()
}

/// Every quantity the page shows, in its order.
pub(super) fn quantities(page: &str) -> Vec<u64> {
    let shown = page.split("Quantity: </span>").skip(1);
    let digits = |text: &str| {
        let text = text.trim_start_matches(['×', ' ']);
        text.split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    };
    shown.filter_map(digits).collect()
}

fn between(text: &str, open: &str, close: &str) -> Option<String> {
    Some(text.split_once(open)?.1.split_once(close)?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read() {
        let page = "<input type=\"hidden\" name=\"token\" value=\"t\"><input type=\"hidden\" name=\"product\" value=\"8\">\
            <button>-</button><span class=\"quantity\"><span class=\"hidden\">Quantity: </span>2</span>\
            <input name=\"product\" value=\"11\"><span class=\"hidden\">Quantity: </span>10</span>session: <code>E7</code>";
        assert_eq!(lines(page), Some(vec![(8, 2), (11, 10)]));
        assert_eq!(token(page).as_deref(), Some("t"));
        assert_eq!(session(page).as_deref(), Some("E7"));
        assert_eq!(
            quantities("<span class=\"hidden\">Quantity: </span>× 3</p>"),
            [3]
        );
    }

    #[test]
    fn an_order_is_read() {
        let cart =
            Cart::of_order(br#"{"id":"S","products":[{"id":8,"quantity":2}],"complete":true}"#);
        assert_eq!(
            cart,
            Some(Cart {
                lines: vec![(8, 2)],
                complete: true
            })
        );
        assert_eq!(Cart::of_order(b"{}"), None);
    }
}
