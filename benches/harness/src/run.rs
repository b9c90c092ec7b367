//! `just bench`: everything in one run, to the terminal and to `benches/RESULTS.md`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::contender::Contender;
use crate::error::{BenchError, doing};
use crate::figures::Figures;
use crate::instructions::Budget;
use crate::report::Section;
use crate::sections::{Effort, batches, growth, memory, peers, rates, ratio, start};
use crate::{instructions, machine};

/// What can be measured, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Topic {
    /// Instructions per invocation.
    Instructions,
    /// Start and size.
    Start,
    /// Handler ÷ raw upload.
    Ratio,
    /// Latency at fixed arrival rates.
    Rates,
    /// Beside the same job in Node.js and Python.
    Peers,
    /// Many messages in one invocation.
    Batches,
    /// Growth with concurrent invocations.
    Concurrency,
    /// Growth with the size of an order.
    Size,
    /// Memory over many invocations.
    Memory,
}

/// Where things are.
#[derive(Debug)]
pub struct Places {
    /// The repository.
    pub root: PathBuf,
    /// The function's release binary.
    pub binary: PathBuf,
}

impl Places {
    /// The function, and the peers that `benches/peers/install` could install here.
    fn contenders(&self, function: Contender) -> Vec<Contender> {
        let folder = self.root.join("target/peers");
        let all = [
            Contender::Node(folder.join("node")),
            Contender::Python(folder.join("python")),
        ];
        let mut there = vec![function];
        let (installed, missing): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|peer| peer.package().is_dir());
        for peer in missing {
            eprintln!(
                "NOT MEASURED: {}; benches/peers/install says what it needs",
                peer.name()
            );
        }
        there.extend(installed);
        there
    }

    fn instructions(&self) -> Result<u64, BenchError> {
        instructions::per_invocation(&self.binary, &self.root.join("target/callgrind"))
    }

    fn budget(&self) -> Budget {
        Budget::at(self.root.join("benches/instructions.budget"))
    }

    /// Measures the instructions alone.
    ///
    /// # Errors
    /// When they cannot be measured, or are over the budget.
    pub fn check_instructions(&self) -> Result<(), BenchError> {
        println!("{}", self.budget().check(self.instructions()?)?);
        Ok(())
    }

    /// Measures everything, or one topic. Only a full run writes the committed files.
    ///
    /// # Errors
    /// When anything cannot be measured.
    pub fn bench(&self, quick: bool, only: Option<Topic>) -> Result<(), BenchError> {
        let effort = if quick { Effort::QUICK } else { Effort::FULL };
        let command = if quick {
            "just bench quick"
        } else {
            "just bench"
        };
        let mut report = Report::begin(&machine::facts(&self.root, command));
        let mut figures = Figures::default();
        for topic in Topic::value_variants() {
            if only.is_none_or(|only| only == *topic) {
                report.add(&self.measure(*topic, effort, &mut figures)?);
            }
        }
        if quick || only.is_some() {
            return Ok(());
        }
        figures.write(&Figures::place(&self.root))?;
        report.write(&self.root.join("benches/RESULTS.md"))
    }

    fn measure(
        &self,
        topic: Topic,
        effort: Effort,
        figures: &mut Figures,
    ) -> Result<Section, BenchError> {
        let function = Contender::Function(self.binary.clone());
        match topic {
            Topic::Instructions => {
                figures.instructions_per_message = self.instructions()?;
                let verdict = self.budget().compare(figures.instructions_per_message)?;
                Ok(instruction_section(
                    figures.instructions_per_message,
                    &verdict,
                ))
            }
            Topic::Start => start::measure(&self.contenders(function), effort),
            Topic::Ratio => {
                let (section, outcome) = ratio::measure(&function, effort)?;
                figures.handler_to_raw_at_5_ms = outcome.ratio;
                figures.messages_per_second_at_5_ms = outcome.rate;
                figures.cpu_us_per_message = outcome.busy_cpu.as_secs_f64() * 1e6;
                Ok(section)
            }
            Topic::Rates => rates::measure(&function, effort),
            Topic::Peers => peers::measure(&self.contenders(function), effort),
            Topic::Batches => {
                let scratch = self.root.join("target/callgrind");
                batches::measure(&function, &self.binary, &scratch, effort)
            }
            Topic::Concurrency => growth::by_concurrency(&function, effort),
            Topic::Size => growth::by_size(&function, effort),
            Topic::Memory => {
                let (section, peak) = memory::measure(&function, effort)?;
                figures.peak_mb = peak as f64 / 1e6;
                Ok(section)
            }
        }
    }
}

fn instruction_section(instructions: u64, verdict: &str) -> Section {
    let words = format!(
        "Instructions of the release binary in user space for one invocation of 1 KB, under callgrind; the \
         difference of two runs, without start-up. {verdict}."
    );
    let mut section = Section::new(
        "Instructions per invocation",
        words,
        &["handler", "instructions"],
    );
    section.row(["order-items-reserver".to_owned(), instructions.to_string()]);
    section
}

/// With it begins what `just stack-speed` has measured.
const OTHERS: &str = "\n## The local stack\n";

/// The text of `RESULTS.md`, printed as it grows.
struct Report(String);

impl Report {
    fn begin(facts: &str) -> Self {
        let head = "# Benchmark results\n\nWritten by `just bench`; what it measures is in `benches/README.md`.\n";
        let text = format!("{head}\n{facts}");
        println!("{text}");
        Self(text)
    }

    fn add(&mut self, section: &Section) {
        println!("{section}");
        self.0.push_str(&format!("\n{section}"));
    }

    /// What other recipes have measured stays: it comes last.
    fn write(&self, path: &Path) -> Result<(), BenchError> {
        let before = fs::read_to_string(path).unwrap_or_default();
        let others = before.find(OTHERS).and_then(|at| before.get(at..));
        let text = format!("{}{}", self.0, others.unwrap_or_default());
        fs::write(path, text).map_err(doing(format!("write {}", path.display())))
    }
}
