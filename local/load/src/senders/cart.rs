//! Carts with products of the catalogue, each with a mark of its own.

use fastrand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

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

/// A session id as the PetStore makes them: 32 upper-case hexadecimal digits.
pub(crate) fn session_id() -> String {
    Uuid::new_v4().simple().to_string().to_uppercase()
}

/// The order of `session` at `revision`, at least `least` bytes long.
///
/// The blank at its beginning and the letter outside ASCII are there to be lost or changed on the way.
pub(super) fn order(session: &str, revision: u64, least: usize, random: &mut Rng) -> String {
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
