//! What the measured figures mean in Azure: how many messages a second each part of the system
//! holds.
//!
//! Measured figures come from `benches/figures.json`, limits from Microsoft's documentation
//! (`docs/capacity.md` names the pages), and the rest is assumed and can be changed on the command
//! line.

mod modes;

use std::path::Path;
use std::{fmt, fs};

use clap::Args;

use crate::error::{BenchError, doing};
use crate::figures::Figures;
use crate::report::{Section, whole};

// Azure's published limits; `docs/capacity.md` names the pages.

/// Credits of a Standard namespace per second (*Throttling operations on Azure Service Bus*).
const CREDITS: f64 = 1_000.0;

/// Bytes per second that a messaging unit took in and gave out in Microsoft's benchmark (*Best
/// practices for performance improvements using Service Bus Messaging*).
const MESSAGING_UNIT: f64 = 4e6;

/// Requests per second of a standard account (*Scalability and performance targets for standard
/// storage accounts*).
const ACCOUNT: f64 = 20_000.0;

/// Memory of all Flex Consumption instances of a subscription in a region, and of one (*Flex
/// Consumption plan*), MB.
const REGION_MB: f64 = 512_000.0;
const INSTANCE_MB: f64 = 2_048.0;

/// Action executions of a Consumption workflow in five minutes (*Limits and configuration for Azure
/// Logic Apps*).
const ACTIONS: f64 = 100_000.0;

/// Mails an hour, from a domain that Azure manages and from one's own (*Service limits for Azure
/// Communication Services*); both can be raised by request.
const MAILS: [f64; 2] = [10.0, 100.0];

const SECONDS_PER_HOUR: f64 = 3_600.0;

/// What nobody measured, with a way to change it.
#[derive(Debug, Clone, Args)]
pub struct Assumptions {
    /// Messages a second to be held.
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    /// Bytes of a message: the order and the properties around it.
    #[arg(long, default_value_t = 1_500.0)]
    bytes: f64,
    /// What Blob Storage takes for a PUT, TLS and network included, in milliseconds.
    #[arg(long, default_value_t = 10.0)]
    store_ms: f64,
    /// CPU time of the Functions host per message with `one`, in microseconds: AMQP, JSON twice,
    /// HTTP, telemetry. Observed on a real host, 4.1037, on two cores that it shared.
    #[arg(long, default_value_t = 1_500.0)]
    host_cpu_us: f64,
    /// Share of messages whose session this instance has not seen last: PUT, HEAD and PUT instead
    /// of one PUT.
    #[arg(long, default_value_t = 0.1)]
    cold: f64,
    /// Credits per message: sent, received, completed. The documentation names the first two only.
    #[arg(long, default_value_t = 3.0)]
    credits: f64,
    /// Messages at a time on an instance: `maxConcurrentCalls` of host.json.
    #[arg(long, default_value_t = 64.0)]
    in_flight: f64,
    /// Instances at the most: `maximumInstanceCount` of infra/.
    #[arg(long, default_value_t = 40.0)]
    instances: f64,
    /// Actions of one run of the workflow: as many as its definition in infra/logicapp has on the
    /// way to a mail.
    #[arg(long, default_value_t = 17.0)]
    actions: f64,
    /// Clicks on one cart that meet in a batch: so many orders are one upload.
    #[arg(long, default_value_t = 1.0)]
    clicks: f64,
    /// Share of messages that have to be mailed.
    #[arg(long, default_value_t = 0.0)]
    mailed: f64,
}

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
        let handler = self.figures.alone.cpu_us;
        let cpu = handler + self.assumed.host_cpu_us;
        let core = 1e6 / cpu;
        Part {
            name: "one instance, 1 core",
            holds: slots.min(core),
            why: format!(
                "1 s ÷ ({handler:.0} µs handler, measured + {:.0} µs host, observed) = {core:.0}; slots: {:.0} ÷ {} ms = {slots:.0}",
                self.assumed.host_cpu_us, self.assumed.in_flight, self.assumed.store_ms,
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
    pub fn write(&self, path: &Path) -> Result<(), BenchError> {
        const MARKS: [&str; 2] = ["<!-- calculated -->\n", "<!-- end -->"];
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(doing(format!("read {name}")))?;
        let marked = text.split_once(MARKS[0]).and_then(|(before, rest)| {
            let (_, after) = rest.split_once(MARKS[1])?;
            Some(format!("{before}{}\n{self}\n{}{after}", MARKS[0], MARKS[1]))
        });
        let text =
            marked.ok_or_else(|| BenchError::unexpected(&name, MARKS.concat(), "no such marks"))?;
        fs::write(path, text).map_err(doing(format!("write {name}")))
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [stored, handed] = self.sections();
        let modes = modes::section(&self.figures, &self.assumed);
        write!(f, "{stored}\n{handed}\n{modes}")
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::figures::{InBatches, PerUpdate};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        assumed: Assumptions,
    }

    pub(super) fn capacity(line: &[&str]) -> Capacity {
        let taking = |cpu_us, puts| PerUpdate {
            cpu_us,
            puts,
            ..PerUpdate::default()
        };
        let in_batches = |size| InBatches {
            size,
            distinct: taking(50.0, 1.0),
            ten_a_cart: taking(18.0, 0.2),
        };
        let figures = Figures {
            cpu_us_per_message: 100.0,
            alone: taking(100.0, 1.0),
            batches: [8, 64].map(in_batches),
            ..Figures::default()
        };
        Capacity::new(figures, Line::parse_from([&["x"], line].concat()).assumed)
    }

    #[test]
    fn an_instance_holds_what_its_core_and_its_slots_hold() {
        let bound_by_core = capacity(&["--host-cpu-us", "900"]).instance();
        assert!((bound_by_core.holds - 1_000.0).abs() < 1e-6);
        let bound_by_slots = capacity(&["--host-cpu-us", "0", "--store-ms", "64"]).instance();
        assert!((bound_by_slots.holds - 1_000.0).abs() < 1e-6);
    }

    #[test]
    fn a_slower_handler_needs_more_instances() {
        let row = |capacity: &Capacity| capacity.sections()[0].rows[0][2].clone();
        assert_eq!(row(&capacity(&["--rate", "10000"])), "1");
        assert_eq!(row(&capacity(&["--rate", "10001"])), "2");
    }
}
