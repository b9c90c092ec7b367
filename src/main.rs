//! Azure Functions custom handler that reserves order items.
fn main() {}
