//! How much a run may make: values can grow by doubling, and a laptop's memory must not pay for a definition's mistake.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::Failure;

/// Bytes of all values that one run makes, about. The engine takes messages of up to 100 MB.
pub(super) const VALUES_MAX: usize = 256 * 1024 * 1024;

/// What a value takes beside its text.
const VALUE_SIZE: usize = 64;

/// What is left of [`VALUES_MAX`].
#[derive(Debug)]
pub(super) struct Budget(AtomicUsize);

impl Budget {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(VALUES_MAX))
    }

    /// Takes so many bytes off.
    ///
    /// # Errors
    /// When so many are not left.
    pub(super) fn take(&self, bytes: usize) -> Result<(), Failure> {
        let less = |left: usize| left.checked_sub(bytes);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.map(drop).map_err(|_| {
            Failure::new(format!(
                "the run makes values of more than {VALUES_MAX} bytes"
            ))
        })
    }

    /// Takes off what `value` needs.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(super) fn pay_for(&self, value: &Value) -> Result<(), Failure> {
        self.take(size(value))
    }
}

fn size(value: &Value) -> usize {
    VALUE_SIZE
        + match value {
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(size).sum(),
            Value::Object(object) => object
                .iter()
                .map(|(key, value)| key.len() + size(value))
                .sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}
