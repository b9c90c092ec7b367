//! What the measured figures mean in Azure: how many messages a second each part of the system holds.
//!
//! Measured figures come from `benches/figures.json`, limits from Microsoft's documentation (`docs/capacity.md` names
//! the pages), and the rest is assumed and can be changed on the command line.

mod assumptions;
mod limits;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::path::Path;

use crate::failure::{Failure, doing};
use crate::figures::Figures;
use crate::report::{Section, whole};
pub use assumptions::Assumptions;
use limits::{ACCOUNT, ACTIONS, CREDITS, INSTANCE_MB, MAILS, MESSAGING_UNIT, REGION_MB};

const SECONDS_PER_HOUR: f64 = 3_600.0;

/// One part of the system.
struct Part {
    name: &'static str,
    /// Messages a second.
    holds: f64,
    why: String,
}

/// The calculation.
#[derive(Debug)]
pub struct Capacity {
    figures: Figures,
    assumed: Assumptions,
}

impl Capacity {
    /// With these figures and assumptions.
    #[must_use]
    pub fn new(figures: Figures, assumed: Assumptions) -> Self {
        Self { figures, assumed }
    }

    fn instance(&self) -> Part {
        let slots = self.assumed.in_flight / (self.assumed.store_ms / 1e3);
        let cpu = self.figures.cpu_us_per_message + self.assumed.host_cpu_us;
        let core = 1e6 / cpu;
        Part {
            name: "one instance, 1 core",
            holds: slots.min(core),
            why: format!(
                "1 s ÷ ({:.0} µs handler, measured + {:.0} µs host, assumed) = {core:.0}; slots: {:.0} ÷ {} ms = {slots:.0}",
                self.figures.cpu_us_per_message,
                self.assumed.host_cpu_us,
                self.assumed.in_flight,
                self.assumed.store_ms,
            ),
        }
    }

    fn handler_alone(&self) -> Part {
        Part {
            name: "the handler alone, 1 core",
            holds: 1e6 / self.figures.cpu_us_per_message,
            why: format!("1 s ÷ {:.0} µs, measured", self.figures.cpu_us_per_message),
        }
    }

    fn parts(&self) -> [Part; 6] {
        let assumed = &self.assumed;
        let instance = self.instance();
        let requests = 1.0 + 2.0 * assumed.cold;
        let regional = REGION_MB / INSTANCE_MB;
        let (some, all) = (assumed.instances, regional);
        [
            Part {
                name: "Service Bus Standard, one namespace",
                holds: CREDITS / assumed.credits,
                why: format!("{CREDITS} credits/s ÷ {} a message", assumed.credits),
            },
            Part {
                name: "Service Bus Premium, one messaging unit",
                holds: MESSAGING_UNIT / assumed.bytes,
                why: format!(
                    "4 MB/s ÷ {} bytes; small messages may be bound by operations first",
                    assumed.bytes
                ),
            },
            Part {
                name: "one storage account",
                holds: ACCOUNT / requests,
                why: format!("{ACCOUNT} requests/s ÷ {requests:.1} a message"),
            },
            Part {
                name: "function, as deployed",
                holds: some * instance.holds,
                why: format!("{some:.0} instances"),
            },
            Part {
                name: "function, a region's quota",
                holds: all * instance.holds,
                why: format!("{REGION_MB} MB ÷ {INSTANCE_MB} MB = {all:.0} instances"),
            },
            instance,
        ]
    }

    fn mails(&self) -> [Part; 3] {
        let [managed, own] = MAILS.map(|limit| limit / SECONDS_PER_HOUR);
        [
            Part {
                name: "Logic App, one workflow",
                holds: ACTIONS / 300.0 / self.assumed.actions,
                why: format!(
                    "{ACTIONS} actions in 5 minutes ÷ {} a run",
                    self.assumed.actions
                ),
            },
            Part {
                name: "mail, Azure-managed domain (as deployed)",
                holds: managed,
                why: format!("{} an hour", MAILS[0]),
            },
            Part {
                name: "mail, own domain",
                holds: own,
                why: format!("{} an hour", MAILS[1]),
            },
        ]
    }

    /// The tables.
    #[must_use]
    pub fn sections(&self) -> [Section; 2] {
        let rate = self.assumed.rate;
        let words = format!("How many of each {rate} messages a second need.");
        let mut stored = Section::new(
            "Orders that are stored",
            words,
            &["part", "messages/s", "needed", "from"],
        );
        for part in [self.handler_alone()].into_iter().chain(self.parts()) {
            part.row(&mut stored, rate);
        }
        let mailed = rate * self.assumed.mailed;
        let words =
            format!("How many of each are needed when {mailed} messages a second are mailed.");
        let mut handed = Section::new(
            "Orders that are handed over",
            words,
            &["part", "messages/s", "needed", "from"],
        );
        for part in self.mails() {
            part.row(&mut handed, mailed);
        }
        [stored, handed]
    }

    /// Puts the tables between the marks of a document.
    ///
    /// # Errors
    /// When the document has no marks.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        const MARKS: [&str; 2] = ["<!-- calculated -->\n", "<!-- end -->"];
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(doing(format!("read {name}")))?;
        let marked = text.split_once(MARKS[0]).and_then(|(before, rest)| {
            let (_, after) = rest.split_once(MARKS[1])?;
            Some(format!("{before}{}\n{self}\n{}{after}", MARKS[0], MARKS[1]))
        });
        let text =
            marked.ok_or_else(|| Failure::unexpected(&name, MARKS.concat(), "no such marks"))?;
        fs::write(path, text).map_err(doing(format!("write {name}")))
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [stored, handed] = self.sections();
        write!(f, "{stored}\n{handed}")
    }
}

impl Part {
    fn row(self, section: &mut Section, rate: f64) {
        let holds = if self.holds < 10.0 {
            format!("{:.3}", self.holds)
        } else {
            whole(self.holds)
        };
        section.row([
            self.name.to_owned(),
            holds,
            whole((rate / self.holds).ceil()),
            self.why,
        ]);
    }
}
