//! Tests that need a process to kill, or to keep short: this binary again, asked for one of its
//! ignored functions.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The variable that tells a child where to work.
const PLACE: &str = "TESTKIT_PLACE";

/// In the child: where to work. Nothing when somebody runs all ignored tests: then there is nothing
/// to do.
pub fn place() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "how a test tells its child, and no setting of the product"
    )]
    std::env::var_os(PLACE).map(PathBuf::from)
}

/// In the child: says a thing to its parent. It is written before this returns.
pub fn tell(what: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "@{what}").expect("a reader");
    out.flush().expect("a reader");
}

/// The command that runs `function` of this binary (`module::name`) at `place`.
pub fn command(function: &str, place: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command
        .args([function, "--exact", "--ignored", "--nocapture"])
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// The same after a line of shell that sets a limit.
#[cfg(unix)]
pub fn limited(limit: &str, function: &str, place: &Path) -> Command {
    let child = command(function, place);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")])
        .arg(child.get_program())
        .args(child.get_args())
        .env(PLACE, place);
    shell
}

/// What a child says, until it ends.
pub fn told(out: impl Read) -> impl Iterator<Item = String> {
    let lines = BufReader::new(out).lines().map_while(Result::ok);
    // The test runner's own lines have no @; the one before the first word has no end.
    lines.filter_map(|line| Some(line.split_once('@')?.1.to_owned()))
}
