//! The command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use order_items_reserver::order::EnqueuedTime;

use crate::local_settings::LOCAL_SETTINGS;
use crate::walk::Filter;

/// Looks after the dead letters of the orders queue, and after the stored orders.
///
/// Settings come from the environment, under the names that the function app has:
/// ServiceBusConnection (or ServiceBusConnection__fullyQualifiedNamespace, __credential,
/// __clientId) and ORDERS_QUEUE_NAME; `redrive` and `status` also need OrdersStorage… and
/// FALLBACK_URL.
///
/// Exit code: 0 done, 1 something was left or not found, 64 settings, 69 the queue or the
/// storage cannot be read.
#[derive(Debug, Parser)]
#[command(name = "order-items-ops", version)]
pub struct Cli {
    /// Take the settings from local.settings.json in this folder, and from nowhere else.
    #[arg(long, global = true, conflicts_with = "local_settings")]
    pub local: bool,
    /// Take the settings from this file, and from nowhere else.
    #[arg(long, global = true, value_name = "FILE")]
    pub local_settings: Option<PathBuf>,
    /// How long to wait for another dead letter before the queue is taken for empty.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=60))]
    pub wait: u64,
    /// Write JSON for programs, one object a line; and ask nothing.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at the dead letters, keep them, or bring their orders home.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Look at the order that is stored for a session, or store one that came by mail.
    #[command(subcommand)]
    Orders(Orders),
    /// Print what makes a shell complete this tool's words, as in
    /// `order-items-ops completions bash > /etc/bash_completion.d/order-items-ops`.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Count messages, and show the newest orders.
    Status {
        /// So many orders.
        #[arg(long, value_name = "N", default_value_t = 10)]
        limit: usize,
    },
}

/// What to do with stored orders. Needs the settings of the storage only.
#[derive(Debug, Subcommand)]
pub enum Orders {
    /// Tell what is stored for a session: its place in the queue, its message, since when.
    Show {
        /// The order too, byte for byte on standard output; the rest then goes to standard error.
        #[arg(long)]
        body: bool,
        /// The session's id.
        #[arg(allow_hyphen_values = true)]
        session: String,
    },
    /// Store the file that a mail brought, as the function would have: it never replaces a newer
    /// order, and it keeps its place in the queue. Says whether it is stored, superseded by a
    /// newer one, or in doubt; then nothing is changed, and a person decides with --replace.
    Put(PutArguments),
}

/// Which order is to be stored, and at which place. The mail names all of it.
#[derive(Clone, Debug, Args)]
pub struct PutArguments {
    /// The order.
    pub file: PathBuf,
    /// Whose order it is.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub session: String,
    /// The broker's sequence number of its message.
    #[arg(long, value_name = "N", requires = "enqueued")]
    pub sequence: Option<u64>,
    /// When the broker accepted it.
    #[arg(long, value_name = "TIME", requires = "sequence")]
    pub enqueued: Option<EnqueuedTime>,
    /// The publisher's id of the message.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub message_id: Option<String>,
    /// Store it in place of this version, which a former run has shown, whatever the guard says.
    #[arg(long, value_name = "VERSION")]
    pub replace: Option<String>,
}

/// What to do with dead letters. All but a confirmed redrive leave them where they are; each look
/// locks them for its time and raises their delivery count, for REST has no other way to look.
#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// List them.
    List {
        /// Which letters are meant; all of them without.
        #[command(flatten)]
        filter: FilterArguments,
    },
    /// Show one in full.
    Show {
        /// Its sequence number.
        sequence: u64,
    },
    /// Write them to a file, one JSON line each; nothing is deleted.
    Export {
        /// A new file, or a folder to create one in.
        #[arg(long, value_name = "DIR|FILE")]
        to: PathBuf,
        /// Which letters are meant; all of them without.
        #[command(flatten)]
        filter: FilterArguments,
    },
    /// Send each through the function's own reservation, and delete it when its order is stored,
    /// superseded by a newer one, or handed over to a person. Without --yes it says what would
    /// happen, and on a terminal asks whether to do it.
    Redrive {
        /// Do it, unasked.
        #[arg(long)]
        yes: bool,
        /// Also mail what the storage does not take; else it stays.
        #[arg(long)]
        hand_over: bool,
        /// Go by the letters' times where numbers do not tell: between two partitions, over a
        /// queue created anew, and against a file that names no place. Only where dead letters
        /// keep the time at which the queue accepted them; without it such letters stay.
        #[arg(long)]
        trust_times: bool,
        /// Which letters are meant; all of them without.
        #[command(flatten)]
        filter: FilterArguments,
    },
}

/// Which dead letters are meant.
#[derive(Clone, Debug, Args)]
pub struct FilterArguments {
    /// Those of this session only.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// The one with this sequence number only.
    #[arg(long, value_name = "N")]
    sequence: Option<u64>,
    /// So many at the most.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl From<FilterArguments> for Filter {
    fn from(filter: FilterArguments) -> Self {
        Self {
            session: filter.session,
            sequence: filter.sequence,
            limit: filter.limit,
        }
    }
}

impl Cli {
    /// The file to take settings from, if any.
    #[must_use]
    pub fn settings_file(&self) -> Option<&Path> {
        match &self.local_settings {
            Some(file) => Some(file),
            None => self.local.then_some(Path::new(LOCAL_SETTINGS)),
        }
    }
}
