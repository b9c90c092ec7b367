//! The command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::capacity::{Assumptions, Capacity};
use crate::error::BenchError;
use crate::figures::Figures;
use crate::responder;
use crate::run::{Places, Topic};

/// Measures order-items-reserver.
#[derive(Debug, Parser)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Binary {
    /// The function's release binary.
    #[arg(long)]
    binary: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything, into benches/RESULTS.md and benches/figures.json.
    Run {
        #[command(flatten)]
        binary: Binary,
        /// In less than three minutes, and without writing files.
        #[arg(long)]
        quick: bool,
        /// These topics alone, without writing files.
        #[arg(long)]
        only: Vec<Topic>,
        /// Write their sections and figures, and leave the others as they are.
        #[arg(long, requires = "only", conflicts_with = "quick")]
        write: bool,
    },
    /// Instructions per invocation, compared with the budget; or per update of a batch.
    Instructions {
        #[command(flatten)]
        binary: Binary,
        /// In batches of so many messages.
        #[arg(long)]
        batch: Option<usize>,
        /// So many updates of each cart follow each other in a batch.
        #[arg(long, default_value_t = 1, requires = "batch")]
        updates: usize,
    },
    /// What the figures of benches/figures.json mean in Azure.
    Capacity {
        #[command(flatten)]
        assumed: Assumptions,
        /// Write the tables into docs/capacity.md, too.
        #[arg(long)]
        write: bool,
    },
    /// The blob endpoint of the measurements; they start it themselves.
    #[command(hide = true)]
    Responder {
        /// How long each request takes, in microseconds.
        #[arg(long)]
        service_us: u64,
    },
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    /// When it cannot, or a figure is over its budget.
    pub fn run(self) -> Result<(), BenchError> {
        match self.command {
            Command::Run {
                binary,
                quick,
                only,
                write,
            } => {
                let write = write || only.is_empty();
                binary.places().bench(quick, &only, write)
            }
            Command::Instructions {
                binary,
                batch: Some(size),
                updates,
            } => binary.places().count_of_batches(size, updates),
            Command::Instructions { binary, .. } => binary.places().check_instructions(),
            Command::Capacity { assumed, write } => {
                let figures = Figures::read(&Figures::place(root()))?;
                let capacity = Capacity::new(figures, assumed);
                println!("{capacity}");
                if write {
                    capacity.write(&root().join("docs/capacity.md"))?;
                }
                Ok(())
            }
            Command::Responder { service_us } => responder::run(Duration::from_micros(service_us)),
        }
    }
}

impl Binary {
    fn places(self) -> Places {
        Places {
            root: root().to_owned(),
            binary: self.binary,
        }
    }
}

/// The repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
