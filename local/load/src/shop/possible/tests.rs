//! What is possible is believed, and nothing else.

use super::*;

const ADD: Operation = Operation::Step {
    step: Step::Add,
    product: 8,
};
const MINUS: Operation = Operation::Step {
    step: Step::Minus,
    product: 8,
};

fn cart(session: &str, quantity: u64) -> Page {
    let lines = (quantity > 0).then_some((8, quantity));
    Page::Cart {
        session: session.to_owned(),
        lines: lines.into_iter().collect(),
    }
}

fn place(session: &str, quantity: u64) -> Operation {
    Operation::Place {
        session: session.to_owned(),
        lines: vec![(8, quantity)],
    }
}

fn order(placed: &str, quantity: u64, session: &str) -> Page {
    Page::Order {
        placed: placed.to_owned(),
        quantities: vec![quantity],
        session: session.to_owned(),
    }
}

/// Somebody with two of product 8 in session A.
fn two() -> Possible {
    let mut possible = Possible::new();
    possible.see(&cart("A", 0)).expect("nothing yet");
    for _ in 0..2 {
        possible.clicked(&[(ADD, Outcome::Done)]).expect("done");
    }
    possible
}

/// Whether each of these pages, seen after these clicks, is explained.
fn explained<const N: usize>(clicks: &[&[(Operation, Outcome)]], pages: [Page; N]) -> [bool; N] {
    pages.map(|page| {
        let mut possible = two();
        let ended = clicks.iter().all(|click| possible.clicked(click).is_ok());
        ended && possible.see(&page).is_ok()
    })
}

#[test]
fn a_confirmed_click_is_there_once() {
    let pages = || [cart("A", 2), cart("A", 3), cart("A", 4), cart("B", 3)];
    let done = explained(&[&[(ADD, Outcome::Done)]], pages());
    assert_eq!(done, [false, true, false, false]);
    for outcome in [Outcome::NotDone, Outcome::Nothing] {
        let none = explained(&[&[(MINUS, outcome)]], [cart("A", 2), cart("A", 1)]);
        assert_eq!(none, [outcome == Outcome::NotDone, false], "{outcome:?}");
    }
}

#[test]
fn an_aborted_click_is_done_once_at_most_and_maybe_later() {
    let pages = [cart("A", 2), cart("A", 3), cart("A", 4), cart("A", 1)];
    let aborted = explained(&[&[(ADD, Outcome::Open)]], pages);
    assert_eq!(aborted, [true, true, false, false]);
    let mut possible = two();
    possible.clicked(&[(ADD, Outcome::Open)]).expect("open");
    possible.see(&cart("A", 2)).expect("not so far");
    possible.clicked(&[(ADD, Outcome::Done)]).expect("done");
    possible.see(&cart("A", 4)).expect("now both");
    possible.see(&cart("A", 5)).expect_err("not twice");
    assert_eq!(possible.open(), 1, "what is believed may have any past");
    let mut possible = two();
    possible.clicked(&[(ADD, Outcome::Open)]).expect("open");
    possible.see(&cart("A", 3)).expect("done");
    assert_eq!(possible.open(), 0);
    possible.see(&cart("A", 2)).expect_err("and not undone");
}

#[test]
fn of_a_doubled_click_each_counts_as_it_was_answered() {
    let pages = || [cart("A", 2), cart("A", 3), cart("A", 4)];
    let both = explained(&[&[(ADD, Outcome::Done), (ADD, Outcome::Done)]], pages());
    assert_eq!(both, [false, false, true]);
    let one = explained(&[&[(ADD, Outcome::Done), (ADD, Outcome::NotDone)]], pages());
    assert_eq!(one, [false, true, false]);
    let maybe = explained(&[&[(ADD, Outcome::Done), (ADD, Outcome::Open)]], pages());
    assert_eq!(maybe, [false, true, true]);
}

#[test]
fn an_order_is_placed_once_and_stays_as_it_was() {
    let mut possible = two();
    let twice = [
        (place("A", 2), Outcome::Nothing),
        (place("A", 2), Outcome::Done),
    ];
    possible.clicked(&twice).expect("the second was the first");
    possible.clicked(&[(ADD, Outcome::Open)]).expect("open");
    possible.see(&order("A", 2, "B")).expect("placed");
    possible
        .see(&order("A", 3, "B"))
        .expect_err("another order");
    let pages = [
        order("A", 2, "B"),
        order("A", 2, "A"),
        cart("B", 1),
        cart("B", 0),
        cart("A", 2),
    ];
    let placed = explained(&[&[(place("A", 2), Outcome::Done)]], pages);
    assert_eq!(placed, [true, false, false, true, false]);
    let both = [
        (place("A", 2), Outcome::Done),
        (place("A", 2), Outcome::Done),
    ];
    assert!(two().clicked(&both).is_err(), "placed twice");
}

#[test]
fn what_is_certain_is_told_and_nothing_else() {
    let mut possible = two();
    possible.see(&cart("A", 2)).expect("two");
    assert_eq!(possible.certain(), [("A".to_owned(), vec![(8, 2)], false)]);
    possible
        .clicked(&[(place("A", 2), Outcome::Open)])
        .expect("open");
    possible.see(&cart("B", 0)).expect("it was placed");
    assert_eq!(possible.certain(), [("A".to_owned(), vec![(8, 2)], true)]);
    possible.clicked(&[(ADD, Outcome::Open)]).expect("open");
    possible.clicked(&[(ADD, Outcome::Done)]).expect("done");
    possible.see(&cart("B", 1)).expect("one of them");
    assert_eq!(possible.certain()[0], ("B".to_owned(), vec![(8, 1)], false));
}

#[test]
fn too_much_that_is_possible_is_believed_and_counted() {
    let mut possible = two();
    let products = 1..=11;
    let clicks = products.map(|product| Operation::Step {
        step: Step::Add,
        product,
    });
    for click in clicks {
        possible.clicked(&[(click, Outcome::Open)]).expect("open");
    }
    possible.see(&cart("A", 9)).expect("believed");
    assert_eq!(possible.believed, 1);
    possible
        .see(&cart("A", 7))
        .expect("all of them are open still");
    assert_eq!(possible.believed, 2);
}
