//! One order an invocation, or many: what an instance holds, and what a million orders cost.

use serde_json::Value;

use super::Assumptions;
use crate::figures::{Figures, InBatches};
use crate::report::{Section, whole};

/// The host's CPU for a message in batches of 8 and of 64, in microseconds; observed on a real host.
const HOST_IN_BATCHES: [f64; 2] = [120.0, 70.0];

// List prices in USD of a European region, November 2026; they move.

/// A GB-second on Flex Consumption, and a million executions.
const GB_SECOND: f64 = 0.000_026;
const EXECUTIONS: f64 = 0.40;
/// An instance's memory, GB.
const INSTANCE_GB: f64 = 2.0;
/// A GB of logs.
const LOG_GB: f64 = 2.76;
/// 10,000 writes to a blob, and 10,000 reads of its properties.
const WRITES: f64 = 0.055;
const READS: f64 = 0.004_4;
/// A million operations of a Standard namespace beyond the 13 that its base charge has.
const BUS: f64 = 0.80;
/// A mail.
const MAIL: f64 = 0.000_25;

const MILLION: f64 = 1e6;

/// What the host sends for one invocation that all went well with, and which levels it lets
/// through.
const TELEMETRY: &str = include_str!("../../../../infra/check/telemetry.json");
const HOST: &str = include_str!("../../../../host.json");

/// How many orders an invocation has, and what that makes of its costs.
struct Mode {
    name: String,
    /// Messages in an invocation.
    batch: f64,
    host_us: f64,
    handler_us: f64,
    /// Uploads for each order.
    uploads: f64,
}

impl Mode {
    fn all(figures: &Figures, assumed: &Assumptions) -> Vec<Self> {
        let mut all = vec![Self {
            name: "`one`".to_owned(),
            batch: 1.0,
            host_us: assumed.host_cpu_us,
            handler_us: figures.alone.cpu_us,
            uploads: 1.0,
        }];
        let batches = figures.batches.iter().zip(HOST_IN_BATCHES);
        all.extend(batches.map(|(measured, host_us)| Self {
            name: format!("`many`, {} a batch", measured.size),
            batch: measured.size as f64,
            host_us,
            handler_us: handler_us(measured, assumed.clicks),
            uploads: 1.0 / assumed.clicks,
        }));
        all
    }

    /// Orders a second on one core of an instance. Batches come one after the other, so each waits
    /// for its own upload.
    fn holds(&self, assumed: &Assumptions) -> f64 {
        let cpu = 1e6 / (self.host_us + self.handler_us);
        if self.batch <= 1.0 {
            return cpu.min(assumed.in_flight / (assumed.store_ms / 1e3));
        }
        let seconds = self.batch / cpu + assumed.store_ms / 1e3;
        self.batch / seconds
    }

    /// USD for a million orders, by what is billed.
    fn costs(&self, assumed: &Assumptions) -> [f64; 5] {
        let executing = MILLION / self.holds(assumed) * INSTANCE_GB * GB_SECOND;
        let compute = executing + EXECUTIONS / self.batch;
        let telemetry = kilobytes() / self.batch * LOG_GB; // a kilobyte each is a GB
        let writes = MILLION * self.uploads * (1.0 + assumed.cold);
        let reads = MILLION * self.uploads * assumed.cold;
        let storage = (writes * WRITES + reads * READS) / 1e4;
        let mails = MILLION * assumed.mailed * MAIL;
        [compute, telemetry, storage, assumed.credits * BUS, mails]
    }
}

/// The handler's CPU for an update in a batch, in microseconds, where so many of a cart meet. What
/// an upload takes is what distinct carts take more than ten updates a cart, for each request more.
fn handler_us(measured: &InBatches, clicks: f64) -> f64 {
    let (all, few) = (measured.distinct, measured.ten_a_cart);
    let more = (all.puts - few.puts).max(f64::EPSILON);
    let upload = ((all.cpu_us - few.cpu_us) / more).max(0.0);
    all.cpu_us - upload * (all.puts - 1.0 / clicks)
}

/// The least level of `category` that passes: by the longest name that it begins with.
fn passes(levels: &Value, category: &str) -> String {
    let named = levels.as_object().into_iter().flatten();
    let fits = named.filter(|(name, _)| {
        let name = name.to_lowercase();
        name != "default" && category.to_lowercase().starts_with(&name)
    });
    let longest = fits.max_by_key(|(name, _)| name.len());
    let level = longest.map_or(levels.get("default"), |(_, level)| Some(level));
    level
        .and_then(Value::as_str)
        .unwrap_or("Information")
        .to_owned()
}

/// Of telemetry, for an invocation.
fn kilobytes() -> f64 {
    let read = |text| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (host, telemetry) = (read(HOST), read(TELEMETRY));
    let levels = host.pointer("/logging/logLevel").unwrap_or(&Value::Null);
    let records = telemetry.get("records").and_then(Value::as_array);
    let kept = records.into_iter().flatten().filter(|record| {
        let category = record.get("category").and_then(Value::as_str);
        category.is_none_or(|category| passes(levels, category) == "Information")
    });
    kept.filter_map(|record| record.get("kb")?.as_f64()).sum()
}

/// The table of both.
pub(super) fn section(figures: &Figures, assumed: &Assumptions) -> Section {
    let words = format!(
        "Orders a second of one instance with one core, and USD for a million orders; {} click(s) on a cart meet in a batch.",
        assumed.clicks
    );
    let modes = Mode::all(figures, assumed);
    let mut head = vec!["", "unit"];
    head.extend(modes.iter().map(|mode| mode.name.as_str()));
    let mut section = Section::new("One order an invocation, or many", words, &head);
    let mut row = |what: &str, unit: &str, value: &dyn Fn(&Mode) -> String| {
        let mut cells = vec![what.to_owned(), unit.to_owned()];
        cells.extend(modes.iter().map(value));
        section.rows.push(cells);
    };
    row("CPU of host and handler", "µs", &|mode| {
        whole(mode.host_us + mode.handler_us)
    });
    row("of it the handler's, measured", "µs", &|mode| {
        whole(mode.handler_us)
    });
    row("an instance holds", "orders/s", &|mode| {
        whole(mode.holds(assumed))
    });
    row("telemetry", "kB an order", &|mode| {
        format!("{:.2}", kilobytes() / mode.batch)
    });
    let billed = ["compute", "telemetry", "storage", "Service Bus", "mail"];
    for (at, what) in billed.into_iter().enumerate() {
        row(what, "USD", &|mode| {
            let cost = mode.costs(assumed).get(at).copied();
            format!("{:.2}", cost.unwrap_or_default())
        });
    }
    row("together", "USD", &|mode| {
        format!("{:.2}", mode.costs(assumed).iter().sum::<f64>())
    });
    section
}

#[cfg(test)]
mod tests {
    use super::super::tests::capacity;
    use super::*;

    #[test]
    fn an_order_in_a_batch_is_cheaper_than_one_of_its_own() {
        let capacity = capacity(&["--mailed", "0.001"]);
        let assumed = capacity.assumed;
        let modes = Mode::all(&capacity.figures, &assumed);
        let of_host = |mode: &Mode| mode.costs(&assumed)[..2].iter().sum::<f64>();
        let [one, few, many] = [0, 1, 2].map(|at| of_host(&modes[at]));
        assert!(one > 5.0 * few && few > many, "{one} {few} {many}");
        for mode in &modes {
            assert!(
                (mode.costs(&assumed)[4] - 0.25).abs() < 1e-9,
                "a thousand mails"
            );
        }
    }

    #[test]
    fn what_meets_in_a_batch_shares_its_upload() {
        let in_batches = |clicks| {
            let capacity = capacity(&["--clicks", clicks]);
            let modes = Mode::all(&capacity.figures, &capacity.assumed);
            (modes[2].handler_us, modes[2].uploads)
        };
        // 10 µs any update, 40 µs an upload.
        for (clicks, cpu, uploads) in [("1", 50.0, 1.0), ("4", 20.0, 0.25), ("10", 14.0, 0.1)] {
            let (measured, made) = in_batches(clicks);
            assert!((measured - cpu).abs() < 1e-6, "{clicks}: {measured}");
            assert!((made - uploads).abs() < 1e-9);
        }
    }

    #[test]
    fn telemetry_is_what_host_json_lets_through() {
        assert!((kilobytes() - 1.9).abs() < 1e-9, "{}", kilobytes());
        let levels = serde_json::json!({"default": "Warning", "Host": "Information", "host.function": "Error"});
        for (category, least) in [
            ("Host.Results", "Information"),
            ("Host.Function.Console", "Error"),
            ("Azure.Core", "Warning"),
        ] {
            assert_eq!(passes(&levels, category), least);
        }
    }
}
