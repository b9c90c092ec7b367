//! What a session sends: mostly a cart, and now and then poison, which is no order and never will be.

use fastrand::Rng;
use serde_json::Value;

use super::cart;
use crate::evidence::sha256;

/// Longer than any session id may be, in bytes.
const TOO_LONG: usize = 129;

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Poison {
    /// It is text.
    NotJson,
    /// Its end is missing, from the middle of a character on.
    Torn,
    /// Nothing says whose order it is.
    NoSession,
    /// Whose order it is, it says in more bytes than a session id may have.
    IllegalSession,
    /// Its products are no list.
    WrongType,
}

/// All of them, one after another.
pub(crate) const POISONS: [Poison; 5] = [
    Poison::NotJson,
    Poison::Torn,
    Poison::NoSession,
    Poison::IllegalSession,
    Poison::WrongType,
];

/// A message as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// `SessionId`.
    pub(crate) session: Option<String>,
    pub(crate) body: Vec<u8>,
    /// Of the order without blanks; none of poison.
    pub(super) order_sha256: Option<String>,
}

impl Message {
    /// The session's order of this revision, or what is left of it.
    pub(super) fn new(
        poison: Option<Poison>,
        session: &str,
        revision: u64,
        least: usize,
        random: &mut Rng,
    ) -> Self {
        let order = cart::order(session, revision, least, random);
        match poison {
            Some(poison) => poison.message(session, &order),
            None => Self {
                session: Some(session.to_owned()),
                order_sha256: Some(compact(&order)),
                body: order.into_bytes(),
            },
        }
    }
}

impl Poison {
    fn message(self, session: &str, order: &str) -> Message {
        let body = match self {
            Self::NotJson => format!("Zoë's cart: {order}").into_bytes(),
            Self::Torn => {
                let note = order.find('ë').unwrap_or(order.len() / 2);
                order.bytes().take(note + 1).collect()
            }
            Self::NoSession => with(order, "id", Value::Null),
            Self::IllegalSession => with(order, "id", "S".repeat(TOO_LONG).into()),
            Self::WrongType => with(order, "products", "none".into()),
        };
        let is_anonymous = matches!(self, Self::NoSession | Self::IllegalSession);
        Message {
            session: (!is_anonymous).then(|| session.to_owned()),
            body,
            order_sha256: None,
        }
    }
}

/// The order with another value there.
fn with(order: &str, key: &str, value: Value) -> Vec<u8> {
    let mut order: Value = serde_json::from_str(order).unwrap_or_default();
    if let Some(object) = order.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
    order.to_string().into_bytes()
}

fn compact(order: &str) -> String {
    let order: Value = serde_json::from_str(order).unwrap_or_default();
    sha256(order.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(poison: Poison) -> (Message, Option<Value>) {
        let message = Message::new(Some(poison), "5E55", 7, 0, &mut Rng::with_seed(1));
        let json = serde_json::from_slice(&message.body).ok();
        (message, json)
    }

    #[test]
    fn each_poison_lacks_what_makes_an_order() {
        for poison in POISONS {
            let (message, json) = message(poison);
            assert_eq!(message.order_sha256, None, "{poison:?}");
            let whose = json.as_ref().map(|json| &json["id"]);
            match poison {
                Poison::NotJson => {
                    assert!(json.is_none() && std::str::from_utf8(&message.body).is_ok());
                }
                Poison::Torn => assert!(std::str::from_utf8(&message.body).is_err()),
                Poison::NoSession => {
                    assert_eq!((message.session, whose), (None, Some(&Value::Null)));
                }
                Poison::IllegalSession => {
                    assert_eq!(message.session, None);
                    assert!(whose.unwrap().as_str().unwrap().len() > 128);
                }
                Poison::WrongType => assert!(!json.unwrap()["products"].is_array()),
            }
        }
    }

    #[test]
    fn a_cart_is_an_order() {
        let cart = Message::new(None, "5E55", 7, 0, &mut Rng::with_seed(1));
        let json: Value = serde_json::from_slice(&cart.body).unwrap();
        assert_eq!(
            (cart.session.as_deref(), &json["revision"]),
            (Some("5E55"), &7.into())
        );
        assert!(cart.order_sha256.is_some());
    }
}
