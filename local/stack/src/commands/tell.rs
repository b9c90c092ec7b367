//! What a person is told, from the start to the end: what to open first, how to post a cart, how to
//! look at the blob; and then what happens, line by line.

use std::collections::BTreeSet;
use std::io;
use std::process::{ExitCode, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use host::Event;
use logic_app::mail::{Mail, MailService};
use stack::Stack;
use stack::func::{Func, FuncError, FuncEvent, FuncOptions};
use stack::running::Running;
use stack::storefront::{Storefront, StorefrontEvent};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::build::Watch;
use super::run_folder::RunFolder;
use super::screen::{EventLines, duplicate_line, mail_line, print};

/// The programs, as cargo names them.
const HANDLER: &str = "order-items-reserver";
const PETSTORE: &str = "petstore";

const SESSION: &str = "E7DBA502A3B795953DDE76EA965EBBF3";

/// Everything that runs, and what is to be said of it.
#[derive(Debug)]
pub(super) struct RunningParts {
    pub(super) stack: Stack,
    storefront: Option<Storefront>,
    /// The real host, and how it was started.
    func: Option<(Func, FuncOptions)>,
    watch: Option<Watch>,
    lines: EventLines,
    /// The handler is new on the disk, and the old one has not started so far.
    outdated: bool,
}

impl RunningParts {
    pub(super) fn new(
        stack: Stack,
        storefront: Option<Storefront>,
        watch: Option<Watch>,
        verbose: bool,
    ) -> Self {
        let lines = EventLines {
            verbose,
            dead_letters_url: dead_letters_url(&stack),
        };
        Self {
            stack,
            storefront,
            func: None,
            watch,
            lines,
            outdated: false,
        }
    }

    pub(super) async fn petstore_url(&self, limit: Duration) -> Option<String> {
        match &self.storefront {
            Some(storefront) => storefront.url(limit).await,
            None => None,
        }
    }

    pub(super) fn start_func(&mut self, options: FuncOptions) -> Result<(), FuncError> {
        self.func = Some((Func::start(&options)?, options));
        Ok(())
    }

    /// Ends everything: the storefront first, so that its last messages find the queue, and the host
    /// of others before what it settles with.
    pub(super) async fn stop(self) {
        if let Some(storefront) = self.storefront {
            storefront.stop().await;
        }
        if let Some((func, _)) = self.func {
            func.stop(say_of_func).await;
        }
        self.stack.stop().await;
    }

    /// Starts what is new again. The host waits with its deliveries until the handler answers.
    async fn start_again(&mut self, programs: &BTreeSet<String>) -> io::Result<()> {
        if programs.contains(HANDLER) {
            self.start_handler_again().await?;
        }
        if let Some(storefront) = self
            .storefront
            .as_ref()
            .filter(|_| programs.contains(PETSTORE))
        {
            print("PetStore is new and is started again")?;
            storefront.restart();
        }
        Ok(())
    }

    async fn start_handler_again(&mut self) -> io::Result<()> {
        if let Some(host) = &self.stack.host {
            print("the handler is new and is started again")?;
            let ready = timeout(Duration::ZERO, host.ready()).await;
            self.outdated = ready.is_err();
            host.kill_handler();
            return Ok(());
        }
        let Some((func, options)) = self.func.take() else {
            return print("the handler is new: start your host again");
        };
        // It follows the app's files, not the program that they name.
        print("the handler is new: func is started again")?;
        func.stop(say_of_func).await;
        self.start_func(options).map_err(io::Error::other)
    }

    fn happened(&mut self, event: &Event) -> io::Result<()> {
        if matches!(event, Event::HandlerReady)
            && std::mem::take(&mut self.outdated)
            && let Some(host) = &self.stack.host
        {
            host.kill_handler();
        }
        match self.lines.event(event) {
            Some(line) => print(&line),
            None => Ok(()),
        }
    }
}

/// Prints what happens until the host gives up.
pub(super) async fn until_the_end(parts: &mut RunningParts) -> io::Result<ExitCode> {
    let mut mails = parts.stack.mail.as_ref().map(MailService::arrivals);
    let mut transitions = parts.stack.queue.transitions();
    // Kept over the turns of the loop: a build goes on while other things happen.
    let mut build = Box::pin(rebuilt(parts.watch.take()));
    loop {
        tokio::select! {
            // Who is too late for some of them misses no more than lines.
            Ok(transition) = transitions.recv() => {
                if let Some(line) = duplicate_line(&transition, parts.lines.verbose) {
                    print(&line)?;
                }
            },
            Some(mail) = next(&mut mails) => print(&mail_line(&mail))?,
            Some(hint) = parts.stack.hints.recv() => print(&format!("hint: {hint}"))?,
            told = told(&mut parts.storefront) => if let Some(line) = parts.lines.storefront(&told) {
                print(&line)?;
            },
            (programs, watch) = &mut build => {
                parts.start_again(&programs).await?;
                build.set(rebuilt(Some(watch)));
            },
            told = told_by_func(&mut parts.func) => match told {
                FuncEvent::Line(line) => say_of_func(&line),
                FuncEvent::Ended(ended) => return func_ended(ended),
            },
            event = parts.stack.events.recv(), if parts.stack.host.is_some() => match event {
                Ok(event) => {
                    parts.happened(&event)?;
                    if matches!(event, Event::HostStopped { .. }) {
                        return Ok(ExitCode::FAILURE);
                    }
                }
                Err(RecvError::Lagged(missed)) => print(&format!("warning: {missed} events are not shown"))?,
                Err(RecvError::Closed) => return Ok(ExitCode::FAILURE),
            },
        }
    }
}

/// The programs that are new; never without a watch.
async fn rebuilt(watch: Option<Watch>) -> (BTreeSet<String>, Watch) {
    match watch {
        Some(mut watch) => (watch.rebuilt().await, watch),
        None => std::future::pending().await,
    }
}

/// What happens to the storefront; nothing without one.
async fn told(storefront: &mut Option<Storefront>) -> StorefrontEvent {
    match storefront {
        Some(storefront) => storefront.told().await,
        None => std::future::pending().await,
    }
}

/// What happens to the real host; nothing without one.
async fn told_by_func(func: &mut Option<(Func, FuncOptions)>) -> FuncEvent {
    match func {
        Some((func, _)) => func.told().await,
        None => std::future::pending().await,
    }
}

/// A line of it, or about it.
fn say_of_func(line: &str) {
    // A closed output ends the stack at its own next line.
    print(&format!("func | {line}")).ok();
}

/// The stack is of no use without its host, and ends as that one has ended.
fn func_ended(ended: io::Result<ExitStatus>) -> io::Result<ExitCode> {
    let code = ended?.code().and_then(|code| u8::try_from(code).ok());
    print(&match code {
        Some(code) => format!("func ended with code {code}: the stack ends, too"),
        None => "func was ended by a signal: the stack ends, too".to_owned(),
    })?;
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The next mail; nothing when mails were missed, or when there never will be one.
async fn next(mails: &mut Option<Receiver<Arc<Mail>>>) -> Option<Arc<Mail>> {
    match mails {
        Some(mails) => mails.recv().await.ok(),
        None => None,
    }
}

/// The start-up summary.
pub(super) fn summary(
    stack: &Stack,
    running: &Running,
    folder: &RunFolder,
    took: Duration,
) -> Vec<String> {
    let up = match &stack.host {
        Some(_) => stack.app.function.as_str(),
        None => "everything but the host",
    };
    let mut lines = vec![
        format!("{up} is up in {} ms", took.as_millis()),
        String::new(),
    ];
    lines.extend(rows(&opened_first(stack, running)));
    lines.push(String::new());
    lines.extend(rows(&the_rest(stack)));
    lines.push(String::new());
    lines.extend(rows(&[("kept in", kept_in(folder))]));
    lines.extend([String::new(), "Post a cart:".to_owned(), post_a_cart(stack)]);
    if stack.blob.is_some()
        && let Some(container) = container_url(running)
    {
        let see = format!("  curl {container}/{SESSION}.json");
        lines.extend(["See the blob:".to_owned(), see]);
    }
    lines.push(String::new());
    lines
}

/// What one opens first.
fn opened_first(stack: &Stack, running: &Running) -> Vec<(&'static str, String)> {
    let blobs = running.blobs.as_ref().map(|url| format!("{url}?comp=list"));
    let rows = [
        ("dashboard", running.dashboard.clone()),
        ("PetStore", running.petstore.clone()),
        ("outbox", running.outbox.clone()),
        ("blobs", blobs),
        ("dead letters", Some(dead_letters_url(stack))),
    ];
    let there = |(name, url): (_, Option<String>)| url.map(|url| (name, url));
    rows.into_iter().filter_map(there).collect()
}

/// The rest, for those who look closer.
fn the_rest(stack: &Stack) -> Vec<(&'static str, String)> {
    let addresses = stack.addresses();
    let row = |name: &'static str| {
        let found = addresses.iter().find(|(other, _)| other == name);
        found.map(|(_, url)| (name, url.clone()))
    };
    let overview = Some(("overview", stack.door.url().to_owned()));
    [
        overview,
        row("queue"),
        row("queue (amqp)"),
        row("handler"),
        row("logic app"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn kept_in(folder: &RunFolder) -> String {
    match folder.lasting() {
        Some(folder) => folder.display().to_string(),
        None => "memory: gone in the end".to_owned(),
    }
}

fn rows(rows: &[(&str, String)]) -> Vec<String> {
    let rows = rows.iter();
    rows.map(|(name, value)| format!("  {name:<12}  {value}"))
        .collect()
}

fn container_url(running: &Running) -> Option<String> {
    let (blobs, container) = (running.blobs.as_ref()?, running.container.as_ref()?);
    Some(format!("{blobs}/{container}"))
}

/// Where the dead letters of the queue are shown.
fn dead_letters_url(stack: &Stack) -> String {
    format!(
        "{}/{}/$deadletterqueue",
        stack.door.url(),
        stack.queue.name()
    )
}

fn post_a_cart(stack: &Stack) -> String {
    let url = format!("{}/{}/messages", stack.door.url(), stack.queue.name());
    format!(
        "  curl -i {url} \\\n    \
         -H 'BrokerProperties: {{\"SessionId\":\"{SESSION}\"}}' -H 'Content-Type: application/json' \\\n    \
         -d '{{\"id\":\"{SESSION}\",\"products\":[{{\"id\":8,\"name\":\"Scratcher\",\"quantity\":2}}],\"complete\":false}}'"
    )
}
