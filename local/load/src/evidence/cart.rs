//! A cart: what an order says is wanted.

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

#[cfg(test)]
mod tests {
    use super::*;

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
