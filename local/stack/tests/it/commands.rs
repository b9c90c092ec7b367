//! `cargo local` as people run it: the real binary.
#![cfg(unix)]

mod func;
mod load;
mod local;
mod watch;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use stack::running;
use stack::running::Running;
use testkit::fixture::AppFolder;
use testkit::until;
use tokio::time::sleep;

const SLEEP: &str = "exec sleep 600";

/// A running `cargo local`; killed when it is dropped.
struct Local {
    process: Child,
    output: PathBuf,
}

impl Local {
    fn start(app: &AppFolder, arguments: &[&str]) -> Self {
        Self::start_with(app, arguments, |_| {})
    }

    fn start_with(app: &AppFolder, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let output = app.path().join(format!("output-{}", uuid::Uuid::new_v4()));
        let file = std::fs::File::create(&output).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_order-items-local"));
        command
            .args(["--ports", "auto", "--root"])
            .arg(app.path())
            .args(arguments)
            .env_remove("CARGO_TARGET_DIR")
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file);
        change(&mut command);
        let process = command.spawn().unwrap();
        Self { process, output }
    }

    fn output(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap()
    }

    async fn says(&self, what: &str) {
        let said = || self.output().contains(what);
        let mut turns = 0;
        while !said() && turns < 12_000 {
            sleep(Duration::from_millis(10)).await;
            turns += 1;
        }
        assert!(said(), "expected {what}: {}", self.output());
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits for its end, which it comes to by itself.
    async fn ended(mut self) -> Option<i32> {
        let mut code = None;
        until("the end of the stack", || {
            code = self.process.try_wait().unwrap();
            code.is_some()
        })
        .await;
        code.and_then(|status| status.code())
    }

    /// As Ctrl+C does.
    fn interrupt(&self) {
        self.signal("-INT");
    }

    fn terminate(mut self) -> Option<i32> {
        self.signal("-TERM");
        self.process.wait().unwrap().code()
    }

    fn signal(&self, signal: &str) {
        let process = self.process.id().to_string();
        let kill = Command::new("kill").args([signal, &process]).status();
        assert!(kill.unwrap().success());
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn run(app: &AppFolder, arguments: &[&str]) -> (Option<i32>, String) {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_order-items-local"))
        .arg("--root")
        .arg(app.path())
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn folder(app: &AppFolder) -> PathBuf {
    app.path().join(".local")
}

async fn found(app: &AppFolder) -> Running {
    until("the stack to run", || running::find(&folder(app)).is_ok()).await;
    running::find(&folder(app)).unwrap()
}

/// Whether a program of another package is built; with `CI=true` it has to be.
fn is_built(name: &str) -> bool {
    let built = Path::new(env!("CARGO_BIN_EXE_order-items-local")).with_file_name(name);
    #[expect(clippy::disallowed_methods, reason = "not a setting of the product")]
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    if built.is_file() {
        return true;
    }
    assert!(!ci, "CI has to run the tests with {name}");
    // Past the capture of the test harness, which hides what a passing test prints.
    writeln!(
        std::io::stderr(),
        "\nSKIPPED: a test with the real {name}. To run it: cargo build --package {name}\n"
    )
    .ok();
    false
}
