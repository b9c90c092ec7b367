//! Where and when: what every figure depends on.

use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use time::OffsetDateTime;
use time::macros::format_description;

/// The machine, as a list in Markdown.
#[must_use]
pub fn facts() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "- machine: {cores} cores, {}, {} of memory, Linux {}\n",
        line_of("/proc/cpuinfo", "model name"),
        memory(),
        kernel.trim(),
    )
}

/// When and of what a section was measured: they need not be of one run.
#[must_use]
pub fn moment(root: &Path) -> String {
    let minute = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    let date = OffsetDateTime::now_utc().format(minute).unwrap_or_default();
    let (commit, load) = (commit(root), load_average());
    format!("Measured {date} at {commit}, load average {load}.")
}

fn commit(root: &Path) -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(root)
            .args(arguments)
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let changed = ["status", "--porcelain", "--", ".", ":!benches", ":!docs"];
    match git(&changed) {
        Some(changes) if changes.is_empty() => commit,
        _ => format!("{commit} with uncommitted changes"),
    }
}

fn memory() -> String {
    let line = line_of("/proc/meminfo", "MemTotal");
    let kilobytes: f64 = line
        .trim_end_matches("kB")
        .trim()
        .parse()
        .unwrap_or_default();
    format!("{:.0} GiB", kilobytes / 1024.0 / 1024.0)
}

/// A busy machine makes every wall-clock figure worse: say how busy it is.
fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn line_of(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or_else(
        || "unknown".to_owned(),
        |(_, value)| value.trim().to_owned(),
    )
}
