//! The calculation with simple figures.

use super::*;
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    assumed: Assumptions,
}

fn capacity(line: &[&str]) -> Capacity {
    let figures = Figures {
        cpu_us_per_message: 100.0,
        ..Figures::default()
    };
    Capacity::new(figures, Line::parse_from([&["x"], line].concat()).assumed)
}

#[test]
fn an_instance_holds_what_its_core_and_its_slots_hold() {
    let bound_by_core = capacity(&["--host-cpu-us", "900"]).instance();
    assert!((bound_by_core.holds - 1_000.0).abs() < 1e-6);
    let bound_by_slots = capacity(&["--host-cpu-us", "0", "--store-ms", "64"]).instance();
    assert!((bound_by_slots.holds - 1_000.0).abs() < 1e-6);
}

#[test]
fn a_slower_handler_needs_more_instances() {
    let row = |capacity: &Capacity| capacity.sections()[0].rows[0][2].clone();
    assert_eq!(row(&capacity(&["--rate", "10000"])), "1");
    assert_eq!(row(&capacity(&["--rate", "10001"])), "2");
}
