//! Instructions per invocation: the release binary under callgrind, against a budget.
//!
//! Two runs of different length; their difference holds no start-up. Kernel time is not in it, nor
//! is anything of the load or the blob endpoint. The figure repeats within a percent on a busy
//! machine, which no clock does.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;

use crate::contender::bare;
use crate::error::{BenchError, doing};
use crate::load::Target;
use crate::messages::Messages;
use crate::responder::Responder;
use crate::running::Running;

const SHORT: usize = 200;
const LONG: usize = 1_200;

/// Messages of the two runs for batches, with so many in each: about as many as of the others.
const SHORT_BATCHED: usize = 256;
const LONG_BATCHED: usize = 1_280;

/// How much more than the budget is too much: twice what two runs of one binary differ by on a busy
/// machine. The budget is of a processor with AVX2, by which base64 is decoded: without it that takes
/// some 7,500 more.
fn tolerance() -> f64 {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        return 1.01;
    }
    1.05
}

/// Instructions that the binary executes for one usual invocation.
///
/// # Errors
/// When there is no valgrind, or the binary does not run under it.
pub fn per_invocation(binary: &Path, scratch: &Path) -> Result<u64, BenchError> {
    let requests = |index| Messages::USUAL.invocation(index);
    let long = difference(binary, scratch, &requests, (SHORT, LONG), &[])?;
    Ok(long / (LONG - SHORT) as u64)
}

/// The same for each message of batches of `size`, of which `updates` follow each other of each
/// cart, with these settings beside the usual.
///
/// # Errors
/// As [`per_invocation`].
pub fn per_batched_message(
    binary: &Path,
    scratch: &Path,
    (size, updates): (usize, usize),
    settings: &[(&str, String)],
) -> Result<u64, BenchError> {
    let requests = |index| Messages::USUAL.batch(index, size, updates);
    let counts = (SHORT_BATCHED / size, LONG_BATCHED / size);
    let long = difference(binary, scratch, &requests, counts, settings)?;
    Ok(long / ((counts.1 - counts.0) * size) as u64)
}

/// How many instructions more the longer of two runs takes.
fn difference(
    binary: &Path,
    scratch: &Path,
    requests: &(dyn Fn(usize) -> Bytes + Sync),
    (short, long): (usize, usize),
    settings: &[(&str, String)],
) -> Result<u64, BenchError> {
    fs::create_dir_all(scratch).map_err(doing(format!("create {}", scratch.display())))?;
    let responder = Responder::start(Duration::ZERO)?;
    let count = |count| {
        let mut command = bare("valgrind");
        command.envs(settings.iter().cloned());
        run(command, binary, scratch, responder.address, requests, count)
    };
    let (short, long) = (count(short)?, count(long)?);
    Ok(long.saturating_sub(short))
}

fn run(
    mut command: Command,
    binary: &Path,
    scratch: &Path,
    blobs: SocketAddr,
    requests: &(dyn Fn(usize) -> Bytes + Sync),
    count: usize,
) -> Result<u64, BenchError> {
    let profile = scratch.join(format!("callgrind.{count}"));
    let mut out = std::ffi::OsString::from("--callgrind-out-file=");
    out.push(&profile);
    command
        .args(["--tool=callgrind", "--quiet"])
        .arg(out)
        .arg(binary)
        .stdout(Stdio::null());
    let handler = Running::start("valgrind", command, blobs)?;
    Target::new(handler.address, requests).count(1, count)?;
    handler.terminate()?;
    let text =
        fs::read_to_string(&profile).map_err(doing(format!("read {}", profile.display())))?;
    total(&text).ok_or_else(|| {
        BenchError::unexpected(profile.display().to_string(), "a line `totals:`", "none")
    })
}

fn total(profile: &str) -> Option<u64> {
    let line = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals:"));
    line?.trim().parse().ok()
}

/// A committed figure: one number, and `#` lines that say what it is.
#[derive(Debug)]
pub struct Budget(PathBuf);

impl Budget {
    /// The budget in this file.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    fn read(&self) -> Result<u64, BenchError> {
        let name = self.0.display().to_string();
        let text = fs::read_to_string(&self.0).map_err(doing(format!("read {name}")))?;
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let number = lines.next().unwrap_or_default();
        let parsed = number.trim().replace('_', "").parse();
        parsed.map_err(|_| BenchError::unexpected(name, "a number of instructions", number))
    }

    fn share(&self, measured: u64) -> Result<(f64, String), BenchError> {
        let budget = self.read()?;
        let share = measured as f64 / budget as f64;
        let percent = (share - 1.0) * 100.0;
        let words = format!(
            "{measured} instructions per invocation, {percent:+.1} % of the budget of {budget}"
        );
        Ok((share, words))
    }

    /// Says how a measured figure stands to the budget.
    ///
    /// # Errors
    /// When there is no budget.
    pub fn compare(&self, measured: u64) -> Result<String, BenchError> {
        self.share(measured).map(|(_, words)| words)
    }

    /// The same.
    ///
    /// # Errors
    /// Also when it is more than 1 % above, or 5 % on a processor without AVX2.
    pub fn check(&self, measured: u64) -> Result<String, BenchError> {
        self.check_within(tolerance(), measured)
    }

    fn check_within(&self, tolerance: f64, measured: u64) -> Result<String, BenchError> {
        let (share, words) = self.share(measured)?;
        if share > tolerance {
            let percent = (tolerance - 1.0) * 100.0;
            return Err(BenchError::OverBudget(format!(
                "{words}: more than {percent:.0} % over; find what grew with callgrind_annotate, or raise {} and say why",
                self.0.display()
            )));
        }
        Ok(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_bites_at_one_percent() {
        let path = std::env::temp_dir().join(format!("budget-{}", std::process::id()));
        fs::write(&path, "# words\n100_000\n").unwrap();
        let budget = Budget::at(path.clone());
        assert!(budget.check_within(1.01, 101_000).is_ok());
        assert!(budget.check(50_000).is_ok());
        let error = budget.check_within(1.01, 101_001).unwrap_err().to_string();
        assert!(error.contains("+1.0 %"), "{error}");
        assert!(error.contains("more than 1 % over"), "{error}");
        assert!(budget.check(106_000).is_err(), "on any processor");
        fs::write(&path, "# words\nmany\n").unwrap();
        assert!(budget.check(1).is_err());
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn the_total_is_read() {
        assert_eq!(total("events: Ir\nfn=x\n1 2\ntotals: 1234\n"), Some(1234));
        assert_eq!(total("events: Ir\n"), None);
    }
}
