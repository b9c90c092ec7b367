//! `--faults`: what is to go wrong during a run, by the names that the dashboard gives it.

use std::str::FromStr;

/// What may be wrong with the storage.
pub(super) const STORAGE: [&str; 8] = [
    "refuses",
    "503",
    "429",
    "slow",
    "hangs",
    "applies-but-loses-the-reply",
    "forbids",
    "flaky",
];
/// What may be wrong with the Logic App.
pub(super) const LOGIC_APP: [&str; 4] = ["down", "502", "hangs", "flaky"];

/// What `--faults` asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// The fault of the storage's spells; `any` is another one each time.
    pub storage: Option<String>,
    /// The same of the Logic App.
    pub logic_app: Option<String>,
    /// Whether the handler is killed now and then.
    pub kills: bool,
}

/// `--faults` in a wrong form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    /// Not `part=fault`, or no such part.
    #[error(
        "--faults {0:?}: expected storage=FAULT, logic-app=FAULT or handler=kills, divided by commas"
    )]
    Part(String),
    /// No such fault.
    #[error("--faults {part}={found}: expected any, {allowed}")]
    Fault {
        /// Of what.
        part: &'static str,
        /// What was given.
        found: String,
        /// What may be given.
        allowed: String,
    },
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, FaultsError> {
        let mut faults = Self::default();
        for pair in text.split(',') {
            match pair.split_once('=') {
                Some(("storage", fault)) => {
                    faults.storage = Some(known("storage", fault, &STORAGE)?);
                }
                Some(("logic-app", fault)) => {
                    faults.logic_app = Some(known("logic-app", fault, &LOGIC_APP)?);
                }
                Some(("handler", "kills")) => faults.kills = true,
                _ => return Err(FaultsError::Part(pair.to_owned())),
            }
        }
        Ok(faults)
    }
}

fn known(part: &'static str, fault: &str, allowed: &[&str]) -> Result<String, FaultsError> {
    if fault == "any" || allowed.contains(&fault) {
        return Ok(fault.to_owned());
    }
    Err(FaultsError::Fault {
        part,
        found: fault.to_owned(),
        allowed: allowed.join(", "),
    })
}

impl Faults {
    /// Whether nothing goes wrong.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_and_mistakes_are_named() {
        let faults: Faults = "storage=flaky,logic-app=any,handler=kills"
            .parse()
            .expect("good");
        assert_eq!(faults.storage.as_deref(), Some("flaky"));
        assert!(faults.kills && !faults.is_none());
        let error = |text: &str| text.parse::<Faults>().expect_err(text).to_string();
        assert!(
            error("storage=broken").contains("expected any, refuses, 503"),
            "{}",
            error("storage=broken")
        );
        assert!(error("queue=down").contains("\"queue=down\": expected storage=FAULT"));
        assert!(error("handler=naps").contains("handler=kills"));
    }
}
