//! What a session sends: mostly a cart with products of the catalogue, and now and then poison,
//! which is no order and never will be.

use fastrand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::evidence::sha256;

const PHOTOS: &str = "https://raw.githubusercontent.com/chtrembl/staticcontent/master/";

/// Number, name and photo of each product, as the PetStore publishes them.
const CATALOGUE: [(u32, &str, &str); 11] = [
    (1, "Ball", "dog-toys/ball.jpg"),
    (2, "Ball Launcher", "dog-toys/ball-launcher.jpg"),
    (3, "Plush Lamb", "dog-toys/plush-lamb.jpg"),
    (4, "Plush Moose", "dog-toys/plush-moose.jpg"),
    (5, "Large Breed Dry Food", "dog-food/large-dog.jpg"),
    (6, "Small Breed Dry Food", "dog-food/small-dog.jpg"),
    (7, "Mouse", "cat-toys/mouse.jpg"),
    (8, "Scratcher", "cat-toys/scratcher.jpg"),
    (9, "All Sizes Cat Dry Food", "cat-food/cat.jpg"),
    (10, "Mangrove Ornament", "fish-toys/mangrove.jpg"),
    (11, "All Sizes Fish Food", "fish-food/fish.jpg"),
];

/// Longer than any session id may be, in bytes.
const SESSION_ID_TOO_LONG: usize = 129;

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
    pub(crate) order_sha256: Option<String>,
}

impl Message {
    /// The session's order of this revision, or what the poison leaves of it.
    pub(crate) fn new(
        poison: Option<Poison>,
        session: &str,
        revision: u64,
        least: usize,
        random: &mut Rng,
    ) -> Self {
        let order = order(session, revision, least, random);
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
            Self::IllegalSession => with(order, "id", "S".repeat(SESSION_ID_TOO_LONG).into()),
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

/// A session id as the PetStore makes them: 32 upper-case hexadecimal digits.
pub(crate) fn session_id() -> String {
    Uuid::new_v4().simple().to_string().to_uppercase()
}

/// The order of `session` at `revision`, at least `least` bytes long.
///
/// The blank at its beginning and the letter outside ASCII are there to be lost or changed on the
/// way.
fn order(session: &str, revision: u64, least: usize, random: &mut Rng) -> String {
    let count = random.usize(1..=4);
    let products: Vec<Value> = random
        .choose_multiple(CATALOGUE, count)
        .into_iter()
        .map(|(id, name, photo)| {
            let quantity = random.u32(1..=10);
            json!({"id": id, "name": name, "photoURL": format!("{PHOTOS}{photo}?raw=true"), "quantity": quantity})
        })
        .collect();
    let order = |note: &str| {
        let order = json!({
            "id": session,
            "email": null,
            "products": products,
            "status": "placed",
            "complete": false,
            "revision": revision,
            "note": note,
        });
        format!(" {order}")
    };
    let plain = order("Zoë");
    match least.checked_sub(plain.len()) {
        None | Some(0) => plain,
        Some(missing) => order(&format!("Zoë{}", "-".repeat(missing))),
    }
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

    #[test]
    fn an_order_is_json_of_the_size_asked_for_and_the_same_for_the_same_seed() {
        for least in [0, 1_000, 100_000] {
            let one = order("S", 7, least, &mut Rng::with_seed(1));
            assert!(one.len() >= least && one.len() < least.max(2_000) + 10);
            let parsed: Value = serde_json::from_str(&one).expect("JSON");
            assert_eq!(parsed["revision"], 7);
            assert_eq!(one, order("S", 7, least, &mut Rng::with_seed(1)));
        }
        assert_ne!(
            order("S", 7, 0, &mut Rng::with_seed(1)),
            order("S", 7, 0, &mut Rng::with_seed(2))
        );
    }
}
