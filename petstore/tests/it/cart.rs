//! The rules of the cart against a model, and the order that it becomes.

use std::collections::BTreeMap;

use petstore::cart::{Cart, QUANTITY_MAX, Step, StepRefused};
use petstore::catalogue::PRODUCTS;
use petstore::order;
use petstore::session::SessionId;
use proptest::prelude::*;
use serde_json::{Value, json};

fn steps() -> impl Strategy<Value = Vec<(Step, u32)>> {
    let step = prop_oneof![
        3 => Just(Step::Add),
        3 => Just(Step::Plus),
        2 => Just(Step::Minus),
        1 => Just(Step::Remove),
        2 => (0..12_u8).prop_map(Step::Set),
    ];
    prop::collection::vec((step, 0_u32..5), 0..80)
}

proptest! {
    #[test]
    fn every_cart_is_the_one_the_rules_allow(steps in steps()) {
        let mut model: BTreeMap<u32, u8> = BTreeMap::new();
        let mut cart = Cart::default();
        for (step, id) in steps {
            let before = cart.clone();
            let had = model.get(&id).copied().unwrap_or(0);
            let expected = match (step, had) {
                _ if id == 0 => Err(StepRefused::Unknown),
                (Step::Set(11..), _) => Err(StepRefused::Most),
                (Step::Set(wanted), _) => Ok(wanted),
                (Step::Add | Step::Plus, QUANTITY_MAX) => Err(StepRefused::Most),
                (Step::Plus | Step::Minus | Step::Remove, 0) => Err(StepRefused::Absent),
                (Step::Add | Step::Plus, _) => Ok(had + 1),
                (Step::Minus, _) => Ok(had - 1),
                (Step::Remove, _) => Ok(0),
            };
            prop_assert_eq!(cart.step(step, id), expected.map(|_| ()));
            match expected {
                Ok(0) => { model.remove(&id); }
                Ok(quantity) => { model.insert(id, quantity); }
                Err(_) => prop_assert_eq!(&cart, &before),
            }
            let lines: BTreeMap<u32, u8> = cart.lines().iter().map(|line| (line.id(), line.quantity())).collect();
            prop_assert_eq!(lines.len(), cart.lines().len(), "a product has one line");
            prop_assert_eq!(&lines, &model);
            prop_assert!(lines.values().all(|quantity| (1..=QUANTITY_MAX).contains(quantity)));
            prop_assert_eq!(cart.pieces(), model.values().map(|quantity| u32::from(*quantity)).sum::<u32>());
        }
        prop_assert!(cart.is_valid());
    }
}

#[test]
fn the_catalogue_is_the_petstores() {
    let listed: Vec<(u32, String, &str, usize)> = PRODUCTS
        .iter()
        .map(|product| {
            (
                product.id,
                product.category(),
                product.name,
                product.sizes.len(),
            )
        })
        .collect();
    let expected = [
        (1, "Dog Toy", "Ball", 2),
        (2, "Dog Toy", "Ball Launcher", 1),
        (3, "Dog Toy", "Plush Lamb", 2),
        (4, "Dog Toy", "Plush Moose", 2),
        (5, "Dog Food", "Large Breed Dry Food", 1),
        (6, "Dog Food", "Small Breed Dry Food", 1),
        (7, "Cat Toy", "Mouse", 2),
        (8, "Cat Toy", "Scratcher", 2),
        (9, "Cat Food", "All Sizes Cat Dry Food", 2),
        (10, "Fish Toy", "Mangrove Ornament", 2),
        (11, "Fish Food", "All Sizes Fish Food", 2),
    ];
    assert_eq!(
        listed,
        expected.map(|(id, category, name, sizes)| (id, category.to_owned(), name, sizes))
    );
}

#[test]
fn the_order_has_the_fields_of_the_contract() {
    let session = SessionId::try_from("E7DBA502A3B795953DDE76EA965EBBF3".to_owned()).unwrap();
    let mut cart = Cart::default();
    for (step, id) in [(Step::Add, 8), (Step::Plus, 8), (Step::Add, 11)] {
        cart.step(step, id).unwrap();
    }
    let order: Value = serde_json::from_str(&order::json(&session, None, &cart, false)).unwrap();
    let photo = "https://raw.githubusercontent.com/chtrembl/staticcontent/master/";
    assert_eq!(
        order,
        json!({
            "id": "E7DBA502A3B795953DDE76EA965EBBF3",
            "email": null,
            "products": [
                {"id": 8, "name": "Scratcher", "photoURL": format!("{photo}cat-toys/scratcher.jpg?raw=true"), "quantity": 2},
                {"id": 11, "name": "All Sizes Fish Food", "photoURL": format!("{photo}fish-food/fish.jpg?raw=true"), "quantity": 1},
            ],
            "status": "placed",
            "complete": false,
        })
    );
}
