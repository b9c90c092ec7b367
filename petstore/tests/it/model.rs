//! The record, its marks and its sender in every interleaving: the real clicks, hand-overs and
//! sweeps over a store and a bus that answer when the explorer says so, or never, or later.
//!
//! A click whose request is aborted is one whose answer nobody reads: a click does not know of its
//! request, so there is nothing to add for it.

mod instances;
mod setup;
mod verdict;
mod world;

use std::collections::HashSet;

use fastrand::Rng;

use instances::Run;
use setup::{Choice, Click, How, Limits, Setup};
use verdict::judge;
use world::Broken;

/// States visited, or the way to one that is wrong.
fn explore(setup: &Setup) -> Result<usize, String> {
    let (mut seen, mut judged) = (HashSet::new(), HashSet::new());
    let mut ways: Vec<Vec<Choice>> = vec![Vec::new()];
    while let Some(mut way) = ways.pop() {
        let mut run = Run::begin(setup);
        for choice in &way {
            run.apply(*choice);
        }
        while seen.insert(run.key()) {
            if judged.insert(run.outside()) {
                judge(setup, &run).map_err(|wrong| format!("{wrong}\nafter {way:?}"))?;
            }
            let choices = run.choices();
            let Some((first, rest)) = choices.split_first() else {
                break;
            };
            for choice in rest {
                ways.push([&way[..], &[*choice]].concat());
            }
            run.apply(*first);
            way.push(*first);
        }
    }
    Ok(seen.len())
}

const NOTHING: Limits = Limits {
    store_faults: 0,
    bus_faults: 0,
    crashes: 0,
    sweeps: 0,
    waits: 0,
    long_waits: 0,
};

fn setup(clicks: &[(usize, Click)], limits: Limits) -> Setup {
    Setup {
        clicks: clicks.to_vec(),
        clocks: vec![0, 1_999],
        limits,
        broken: Broken::Nothing,
    }
}

const THREE: [(usize, Click); 3] = [(0, Click::Add(1)), (1, Click::Add(2)), (0, Click::Place)];

/// What goes wrong, one kind at a time.
const FAULTS: [(&str, Limits); 3] = [
    (
        "bus",
        Limits {
            bus_faults: 1,
            ..NOTHING
        },
    ),
    (
        "store",
        Limits {
            store_faults: 1,
            ..NOTHING
        },
    ),
    (
        "crash",
        Limits {
            crashes: 1,
            ..NOTHING
        },
    ),
];

/// A click, and the placing of what it did.
const TWO: [(usize, Click); 2] = [(0, Click::Add(1)), (1, Click::Place)];

fn every_interleaving(name: &str, clicks: &[(usize, Click)], limits: Limits, least: usize) {
    let states = explore(&setup(clicks, limits));
    let states = states.unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
    println!("{name}: {states} states");
    assert!(states >= least, "{name}: {states} states");
}

#[test]
fn three_clicks_at_two_instances_in_every_interleaving() {
    every_interleaving("three clicks", &THREE, NOTHING, 3_000);
}

#[test]
fn a_click_and_a_placed_order_with_each_kind_of_fault_at_any_step() {
    for (name, limits) in FAULTS {
        every_interleaving(name, &TWO, limits, 100);
    }
}

/// Hours of clicks in minutes, and minutes more without optimisation:
/// `cargo test --profile harness -p petstore --test it model -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn three_clicks_with_each_kind_of_fault_and_takeovers_at_any_step() {
    let takeover = Limits {
        crashes: 1,
        sweeps: 1,
        waits: 1,
        ..NOTHING
    };
    every_interleaving("takeover", &TWO, takeover, 20_000);
    for (name, limits) in FAULTS {
        every_interleaving(name, &THREE, limits, 5_000);
    }
}

/// One way through, by chance; what is wrong with it, and after what.
fn walk(setup: &Setup, random: &mut Rng) -> Result<(), String> {
    let mut run = Run::begin(setup);
    let mut way = Vec::new();
    loop {
        let choices = run.choices();
        // Mostly things go well: else nobody would get far.
        let done = choices
            .iter()
            .filter(|it| matches!(it, Choice::Answer(_, How::Done)));
        let done: Vec<Choice> = done.copied().collect();
        let from = if random.u8(0..10) < 7 && !done.is_empty() {
            &done
        } else {
            &choices
        };
        let Some(choice) = random.choice(from).copied() else {
            break;
        };
        run.apply(choice);
        way.push(choice);
        if random.u8(0..4) == 0 {
            judge(setup, &run).map_err(|wrong| format!("{wrong}\nafter {way:?}"))?;
        }
    }
    judge(setup, &run).map_err(|wrong| format!("{wrong}\nafter {way:?}"))
}

fn walks(setup: &Setup, number: u32, seed: u64) -> Result<(), String> {
    let mut random = Rng::with_seed(seed);
    (0..number).try_for_each(|_| walk(setup, &mut random))
}

const ALL: Limits = Limits {
    store_faults: 3,
    bus_faults: 3,
    crashes: 2,
    sweeps: 4,
    waits: 3,
    long_waits: 0,
};

/// Two more clicks than a person makes while a page loads, and an order placed among them.
const FIVE: [(usize, Click); 5] = [
    (0, Click::Add(1)),
    (1, Click::Add(2)),
    (2, Click::Place),
    (0, Click::Add(3)),
    (1, Click::Add(4)),
];

/// The bus forgets ids now and then, while the same message is still to be sent. What a request may
/// be late by is less than what it remembers.
#[test]
fn three_instances_whose_clocks_differ_and_a_bus_that_forgets() {
    let setup = Setup {
        clocks: vec![0, 1_999, -1],
        ..setup(
            &FIVE,
            Limits {
                long_waits: 2,
                ..ALL
            },
        )
    };
    let seed = fastrand::u64(..);
    walks(&setup, 200, seed).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
}

/// Each of these has to be found out.
#[test]
fn a_shop_that_leaves_something_out_is_noticed() {
    for (broken, sign) in [
        (Broken::NoMark, "wait when all is healed"),
        (Broken::UnmarkAnyway, "wait when all is healed"),
        (Broken::NextBeforeClear, "the bus"),
        (Broken::HandoverInRequest, "wait when all is healed"),
        (Broken::CartFromCookie, "is there 0 times"),
    ] {
        let setup = Setup {
            broken,
            ..setup(&THREE, ALL)
        };
        let wrong = walks(&setup, 3_000, 1).expect_err("it has to be noticed");
        assert!(wrong.contains(sign), "{broken:?}: {wrong}");
    }
}
