//! What the kernel knows of a process: the CPU time it took and the memory it holds.

use std::fs;
use std::time::Duration;

use crate::error::{BenchError, doing};

/// Linux counts a process's time in hundredths of a second for all of user space (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// User and system time of all threads so far.
///
/// # Errors
/// When there is no such process.
pub fn cpu(pid: u32) -> Result<Duration, BenchError> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).map_err(doing(format!("read {path}")))?;
    cpu_of(&stat).ok_or_else(|| BenchError::unexpected(path, "utime and stime", stat))
}

/// Fields 14 and 15 of proc(5); the second field is a name in parentheses that may hold anything.
fn cpu_of(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

/// Resident memory, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Now (`VmRSS`).
    pub resident: u64,
    /// The most there ever was (`VmHWM`).
    pub peak: u64,
}

/// Resident memory of a process.
///
/// # Errors
/// When there is no such process.
pub fn memory(pid: u32) -> Result<Memory, BenchError> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).map_err(doing(format!("read {path}")))?;
    let field = |name| {
        kilobytes(&status, name)
            .ok_or_else(|| BenchError::unexpected(path.clone(), format!("a line {name}"), "none"))
    };
    Ok(Memory {
        resident: field("VmRSS")? * 1024,
        peak: field("VmHWM")? * 1024,
    })
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.strip_prefix(':')?
        .trim()
        .strip_suffix("kB")?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_after_the_name() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194304 100 0 0 0 7 3 0 0 20 0 1";
        assert_eq!(cpu_of(stat), Some(Duration::from_millis(100)));
        assert_eq!(cpu_of("42 (a"), None);
    }

    #[test]
    fn this_process_has_memory() {
        let memory = memory(std::process::id()).unwrap();
        assert!(memory.resident > 0 && memory.peak >= memory.resident);
        assert!(cpu(std::process::id()).is_ok());
    }
}
