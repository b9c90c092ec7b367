//! `cargo local`: the whole pipeline on a laptop.
fn main() {}
