//! `just bench`: everything in one run, to the terminal and to `benches/RESULTS.md`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::contender::Contender;
use crate::failure::{Failure, doing};
use crate::figures::Figures;
use crate::instructions::{self, Budget};
use crate::machine;
use crate::report::Section;
use crate::sections::{Effort, growth, memory, peers, rates, ratio, start};

/// Where things are.
#[derive(Debug)]
pub struct Places {
    /// The repository.
    pub root: PathBuf,
    /// The function's release binary.
    pub binary: PathBuf,
}

impl Places {
    /// The peers that `benches/peers/install` could install here.
    fn peers(&self) -> Vec<Contender> {
        let folder = self.root.join("target/peers");
        let all = [
            Contender::Node(folder.join("node")),
            Contender::Python(folder.join("python")),
        ];
        let (there, missing): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|peer| peer.package().is_dir());
        for peer in missing {
            eprintln!(
                "NOT MEASURED: {}; benches/peers/install says what it needs",
                peer.name()
            );
        }
        there
    }

    fn instructions(&self) -> Result<u64, Failure> {
        instructions::per_invocation(&self.binary, &self.root.join("target/callgrind"))
    }

    fn budget(&self) -> Budget {
        Budget::at(self.root.join("benches/instructions.budget"))
    }

    /// Measures the instructions alone.
    ///
    /// # Errors
    /// When they cannot be measured, or are over the budget.
    pub fn check_instructions(&self) -> Result<(), Failure> {
        println!("{}", self.budget().check(self.instructions()?)?);
        Ok(())
    }

    /// Measures everything. A quick run leaves the committed files alone.
    ///
    /// # Errors
    /// When anything cannot be measured.
    pub fn bench(&self, quick: bool) -> Result<(), Failure> {
        let effort = if quick { Effort::QUICK } else { Effort::FULL };
        let command = if quick {
            "just bench quick"
        } else {
            "just bench"
        };
        let mut report = Report::begin(machine::facts(&self.root, command));
        let function = Contender::Function(self.binary.clone());
        let mut contenders = vec![function.clone()];
        contenders.extend(self.peers());

        let instructions = self.instructions()?;
        report.add(instruction_section(
            instructions,
            &self.budget().compare(instructions)?,
        ));
        report.add(start::measure(&contenders, effort)?);
        let (section, outcome) = ratio::measure(&function, effort)?;
        report.add(section);
        report.add(rates::measure(&function, effort)?);
        report.add(peers::measure(&contenders, effort)?);
        report.add(growth::by_concurrency(&function, effort)?);
        report.add(growth::by_size(&function, effort)?);
        let (section, peak) = memory::measure(&function, effort)?;
        report.add(section);

        if quick {
            return Ok(());
        }
        let figures = Figures {
            cpu_us_per_message: outcome.cpu.as_secs_f64() * 1e6,
            messages_per_second_at_5_ms: outcome.rate,
            handler_to_raw_at_5_ms: outcome.ratio,
            peak_mb: peak as f64 / 1e6,
            instructions_per_message: instructions,
        };
        figures.write(&Figures::place(&self.root))?;
        report.write(&self.root.join("benches/RESULTS.md"))
    }
}

fn instruction_section(instructions: u64, verdict: &str) -> Section {
    let words = format!(
        "Instructions of the release binary in user space for one invocation of 1 KB, under callgrind with one worker \
         thread; the difference of two runs, without start-up. {verdict}."
    );
    let mut section = Section::new(
        "Instructions per invocation",
        words,
        &["handler", "instructions"],
    );
    section.row(["order-items-reserver".to_owned(), instructions.to_string()]);
    section
}

/// The text of `RESULTS.md`, printed as it grows.
struct Report(String);

impl Report {
    fn begin(facts: String) -> Self {
        let head = "# Benchmark results\n\nWritten by `just bench`; what it measures is in `benches/README.md`.\n";
        let text = format!("{head}\n{facts}");
        println!("{text}");
        Self(text)
    }

    fn add(&mut self, section: Section) {
        println!("{section}");
        self.0.push_str(&format!("\n{section}"));
    }

    fn write(&self, path: &Path) -> Result<(), Failure> {
        fs::write(path, &self.0).map_err(doing(format!("write {}", path.display())))
    }
}
