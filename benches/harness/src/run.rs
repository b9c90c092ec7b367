//! `just bench`: everything in one run, to the terminal and to `benches/RESULTS.md`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::contender::Contender;
use crate::error::BenchError;
use crate::figures::Figures;
use crate::instructions::Budget;
use crate::report::Section;
use crate::results::Results;
use crate::sections::{Effort, at_once, batches, growth, memory, peers, rates, ratio, start};
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
    /// Sessions of a batch at once.
    AtOnce,
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

    fn scratch(&self) -> PathBuf {
        self.root.join("target/callgrind")
    }

    fn instructions(&self) -> Result<u64, BenchError> {
        instructions::per_invocation(&self.binary, &self.scratch())
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

    /// Measures the instructions for each message of batches of `size`, with `updates` of each cart.
    ///
    /// # Errors
    /// When they cannot be measured.
    pub fn count_of_batches(&self, size: usize, updates: usize) -> Result<(), BenchError> {
        let scratch = self.scratch();
        let count =
            instructions::per_batched_message(&self.binary, &scratch, (size, updates), &[])?;
        println!("{count} instructions per update, {updates} of a cart in batches of {size}");
        Ok(())
    }

    /// Measures everything, or some topics; `write` puts what was measured into the committed
    /// files, where the other topics stay as they are.
    ///
    /// # Errors
    /// When anything cannot be measured.
    pub fn bench(&self, quick: bool, only: &[Topic], write: bool) -> Result<(), BenchError> {
        let effort = if quick { Effort::QUICK } else { Effort::FULL };
        let (results, figures) = (
            self.root.join("benches/RESULTS.md"),
            Figures::place(&self.root),
        );
        println!("{}", machine::facts());
        for topic in Topic::value_variants() {
            if !only.is_empty() && !only.contains(topic) {
                continue;
            }
            let mut measured = Figures::read(&figures)?;
            let mut section = self.measure(*topic, effort, &mut measured)?;
            section.moment = Some(machine::moment(&self.root));
            println!("{section}");
            if write && !quick {
                measured.write(&figures)?;
                Results::read(&results)?.with(&section).write(&results)?;
            }
        }
        Ok(())
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
                let scratch = self.scratch();
                let (section, alone, batches) =
                    batches::measure(&function, &self.binary, &scratch, effort)?;
                (figures.alone, figures.batches) = (alone, batches);
                Ok(section)
            }
            Topic::AtOnce => at_once::measure(&function, &self.binary, &self.scratch(), effort),
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
