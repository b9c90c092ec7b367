//! What a person is told, from the start to the end: what to open first, how to post a cart, how to
//! look at the blob; and then what happens, line by line.

use std::collections::BTreeSet;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use host::Event;
use logic_app::mail::{Mail, MailService};
use stack::Stack;
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

    /// Ends everything: the storefront first, so that its last messages find the queue.
    pub(super) async fn stop(self) {
        if let Some(storefront) = self.storefront {
            storefront.stop().await;
        }
        self.stack.stop().await;
    }

    /// Starts what is new again. The host waits with its deliveries until the handler answers.
    async fn start_again(&mut self, programs: &BTreeSet<String>) -> io::Result<()> {
        if programs.contains(HANDLER) {
            print("the handler is new and is started again")?;
            let ready = timeout(Duration::ZERO, self.stack.host.ready()).await;
            self.outdated = ready.is_err();
            self.stack.host.kill_handler();
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

    fn happened(&mut self, event: &Event) -> io::Result<()> {
        if matches!(event, Event::HandlerReady) && std::mem::take(&mut self.outdated) {
            self.stack.host.kill_handler();
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
            event = parts.stack.events.recv() => match event {
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
) -> String {
    let function = &stack.app.function;
    let mut lines = vec![
        format!("{function} is up in {} ms", took.as_millis()),
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
    lines.extend([String::new(), "Ctrl+C ends it.".to_owned(), String::new()]);
    lines.join("\n")
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
