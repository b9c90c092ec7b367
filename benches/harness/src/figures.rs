//! The measured figures that the capacity calculator starts from: `benches/figures.json`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{BenchError, doing};

/// What one run of `just bench` measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// CPU time of the handler per message of 1 KB when it is busy, in microseconds.
    pub cpu_us_per_message: f64,
    /// With 16 in flight and a store that takes 5 ms.
    pub messages_per_second_at_5_ms: f64,
    /// The share of the bare upload's throughput.
    pub handler_to_raw_at_5_ms: f64,
    /// The most memory the handler held.
    pub peak_mb: f64,
    /// Under callgrind.
    pub instructions_per_message: u64,
    /// What an update takes alone, with the load and the store of the batches.
    #[serde(default)]
    pub alone: PerUpdate,
    /// What an update takes in batches, from the smallest batch up.
    #[serde(default)]
    pub batches: [InBatches; 2],
}

/// An update in batches of one size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct InBatches {
    /// Messages of a batch.
    pub size: usize,
    /// Each of a cart of its own.
    pub distinct: PerUpdate,
    /// Ten following each other of each cart.
    pub ten_a_cart: PerUpdate,
}

/// What an update takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PerUpdate {
    /// CPU time of the handler, in microseconds.
    pub cpu_us: f64,
    /// Requests to the store.
    pub puts: f64,
    /// Under callgrind.
    pub instructions: u64,
}

impl Figures {
    /// Where they are committed.
    #[must_use]
    pub fn place(root: &Path) -> PathBuf {
        root.join("benches/figures.json")
    }

    /// Reads them.
    ///
    /// # Errors
    /// When the file is missing or not of this form.
    pub fn read(path: &Path) -> Result<Self, BenchError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(doing(format!("read {name}")))?;
        serde_json::from_str(&text).map_err(|error| {
            BenchError::unexpected(
                name,
                "the figures that `just bench` writes",
                error.to_string(),
            )
        })
    }

    /// Writes them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), BenchError> {
        let name = path.display().to_string();
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| BenchError::unexpected(name.clone(), "figures", error.to_string()))?;
        fs::write(path, text + "\n").map_err(doing(format!("write {name}")))
    }
}
