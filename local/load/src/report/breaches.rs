//! Breaches for people: the first of them, and how many more there are.

use std::fmt;

/// More than that are counted, not shown.
const SHOWN: usize = 20;

/// A line for each.
pub fn breaches(f: &mut fmt::Formatter<'_>, mut all: impl Iterator<Item = String>) -> fmt::Result {
    for breach in all.by_ref().take(SHOWN) {
        writeln!(f, "  {breach}")?;
    }
    match all.count() {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more"),
    }
}
