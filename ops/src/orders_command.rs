//! `orders show` and `orders put`.

use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;
use std::{fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use order_items_ops::cli::{Orders, PutArguments};
use order_items_ops::orders::{Stored, StoredOrder, put, replace};
use order_items_ops::text::{harmless, readable};
use order_items_reserver::config::Settings;
use order_items_reserver::function::Function;
use order_items_reserver::order::{Delivery, Order, SequenceNumber, SessionId};
use serde_json::json;

use crate::command_error::{CommandError, INCOMPLETE};

/// Runs the command.
pub(crate) async fn run(
    settings: &Settings,
    client: &reqwest::Client,
    command: Orders,
    json: bool,
) -> Result<ExitCode, CommandError> {
    let function = Function::from(settings, client)?;
    match command {
        Orders::Show { body, session } => show(&function, session, body, json).await,
        Orders::Put(arguments) => {
            let stored = store(&function, &arguments);
            Box::pin(tokio::time::timeout(
                settings.retry.attempt_timeout * 2,
                stored,
            ))
            .await
            .map_err(|_| CommandError::Unconfirmed("no answer in time".to_owned()))?
            .map(|end| end.write(&arguments, json))?
        }
    }
}

async fn show(
    function: &Function,
    session: String,
    body: bool,
    json: bool,
) -> Result<ExitCode, CommandError> {
    let session =
        SessionId::new(session).map_err(|error| CommandError::NoOrder(error.to_string()))?;
    let container = function.store.blobs().client();
    let Some(stored) = Box::pin(StoredOrder::read(container, &session)).await? else {
        eprintln!("order-items-ops: nothing is stored for this session");
        return Ok(ExitCode::from(INCOMPLETE));
    };
    let mut out = io::stdout().lock();
    if json {
        let mut line = serde_json::to_value(&stored).map_err(io::Error::from)?;
        if let (true, Some(object)) = (body, line.as_object_mut()) {
            object.insert(
                "bodyBase64".to_owned(),
                STANDARD.encode(&stored.body).into(),
            );
        }
        writeln!(out, "{line}")?;
        return Ok(ExitCode::SUCCESS);
    }
    if !body {
        write_facts(&stored, &mut out)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Beside the bytes, so that these can go to a file.
    write_facts(&stored, &mut io::stderr().lock())?;
    match readable(&stored.body) {
        Some(text) if out.is_terminal() => writeln!(out, "{text}")?,
        None if out.is_terminal() => {
            writeln!(
                out,
                "(bytes that would steer this terminal: send them to a file)"
            )?;
        }
        _ => out.write_all(&stored.body)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write_facts(stored: &StoredOrder, out: &mut dyn Write) -> io::Result<()> {
    for (name, value) in stored.facts() {
        writeln!(out, "{name:<12}  {}", harmless(&value))?;
    }
    Ok(())
}

/// How storing ended, and what is stored now.
struct End {
    outcome: Stored,
    stored: Option<StoredOrder>,
}

async fn store(function: &Function, arguments: &PutArguments) -> Result<End, CommandError> {
    let file = arguments.file.display();
    let bytes = fs::read(&arguments.file)
        .map_err(|error| CommandError::NoOrder(format!("{file}: {error}")))?;
    let delivery = Delivery {
        body: bytes.into(),
        message_id: arguments.message_id.clone(),
        session_id: Some(arguments.session.clone()),
        sequence_number: arguments.sequence.map(SequenceNumber),
        enqueued: arguments.enqueued,
        ..Delivery::default()
    };
    let order = Order::parse(&delivery)
        .map_err(|error| CommandError::NoOrder(format!("{file} is no order: {error}")))?;
    let blobs = function.store.blobs();
    let outcome = match &arguments.replace {
        Some(version) => replace(blobs, &order, version).await,
        None => put(&function.store, &order).await,
    };
    let outcome = outcome.map_err(|error| CommandError::Unconfirmed(error.to_string()))?;
    let stored = match outcome {
        Stored::Yes => None,
        _ => StoredOrder::read(blobs.client(), &order.session).await?,
    };
    Ok(End { outcome, stored })
}

impl End {
    fn write(&self, arguments: &PutArguments, json: bool) -> Result<ExitCode, CommandError> {
        let (word, why) = match &self.outcome {
            Stored::Yes => ("stored", None),
            Stored::Superseded => ("superseded", None),
            Stored::Doubt(why) => ("doubt", Some(why)),
        };
        let code = match why {
            None => ExitCode::SUCCESS,
            Some(_) => ExitCode::from(INCOMPLETE),
        };
        let mut out = io::stdout().lock();
        if json {
            let line = json!({"outcome": word, "because": why, "stored": self.stored});
            writeln!(out, "{line}")?;
            return Ok(code);
        }
        match why {
            None => writeln!(out, "{word}")?,
            Some(why) => writeln!(out, "in doubt, and nothing was changed: {why}")?,
        }
        let Some(stored) = &self.stored else {
            return Ok(code);
        };
        writeln!(out, "what is stored:")?;
        write_facts(stored, &mut out)?;
        if why.is_some() {
            let place = match (arguments.sequence, arguments.enqueued) {
                (Some(sequence), Some(time)) => format!("#{sequence} of {time}"),
                _ => "without a place in the queue".to_owned(),
            };
            writeln!(out, "the file: {place}")?;
            writeln!(
                out,
                "If the file is the right one, the same command with --replace={} stores it in place of exactly that.",
                harmless(&stored.etag)
            )?;
        }
        Ok(code)
    }
}
