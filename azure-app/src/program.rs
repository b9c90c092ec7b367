//! A program's command line, and how it ends.

use std::fmt::Display;
use std::process::ExitCode;

/// Exit codes, as `sysexits.h` of BSD numbers them.
pub mod exit {
    /// `EX_USAGE`: the command line or the settings are wrong.
    pub const USAGE: u8 = 64;
    /// `EX_UNAVAILABLE`: a service does not answer, or refuses.
    pub const UNAVAILABLE: u8 = 69;
    /// `EX_SOFTWARE`: something that should never fail did.
    pub const SOFTWARE: u8 = 70;
    /// `EX_OSERR`: the system refuses a port, a file or a thread.
    pub const OS: u8 = 71;
    /// `EX_IOERR`: a file or a stream cannot be read or written.
    pub const IO: u8 = 74;
    /// 128 and the signal's number, as a shell tells of whom SIGTERM ended.
    pub const TERMINATED: u8 = 143;
}

/// Prints what `--check` found of something, on standard output: that it is `well`, or that it is
/// not. Whether it is.
#[must_use]
pub fn report(what: &str, well: &str, finding: &Result<String, String>) -> bool {
    match finding {
        Ok(finding) => println!("{what:<8}  {well}: {finding}"),
        Err(problem) => println!("{what:<8}  FAILED: {problem}"),
    }
    finding.is_ok()
}

/// A program whose command line is at most one option.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its name, in front of each error.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What `--help` says.
    pub usage: &'static str,
}

impl Program {
    /// The option on the command line: one of `known`, or none. `--version` and `--help` are
    /// answered here.
    ///
    /// # Errors
    /// The exit code of a run that is over: 0 after an answer, [`exit::USAGE`] after an argument
    /// too many or unknown, which is named on standard error.
    pub fn option(&self, known: &[&'static str]) -> Result<Option<&'static str>, ExitCode> {
        let mut arguments = std::env::args().skip(1);
        let (first, second) = (arguments.next(), arguments.next());
        let Some(first) = first else {
            return Ok(None);
        };
        if second.is_none() {
            if let Some(option) = known.iter().find(|option| **option == first) {
                return Ok(Some(option));
            }
            let answer = match first.as_str() {
                "--version" | "-V" => Some(format!("{} {}", self.name, self.version)),
                "--help" | "-h" => Some(self.usage.to_owned()),
                _ => None,
            };
            if let Some(answer) = answer {
                println!("{answer}");
                return Err(ExitCode::SUCCESS);
            }
        }
        let problem = format!("unknown argument {first}\n\n{}", self.usage);
        Err(self.fail(exit::USAGE, problem))
    }

    /// Writes on standard error why the program ends; the exit code for `main` to return.
    pub fn fail(&self, code: u8, problem: impl Display) -> ExitCode {
        eprintln!("{}: {problem}", self.name);
        ExitCode::from(code)
    }
}
