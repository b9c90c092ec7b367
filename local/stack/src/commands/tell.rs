//! What a person is told while the stack runs, line by line, and what follows from it.

use std::collections::{BTreeSet, VecDeque};
use std::future::poll_fn;
use std::io;
use std::process::{ExitCode, ExitStatus};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use dashboard::BuildState;
use host::Event;
use host::app::{FunctionApp, Settings};
use logic_app::mail::{Mail, MailService};
use stack::Stack;
use stack::func::{Func, FuncError, FuncEvent, FuncOptions};
use stack::storefront::{Storefront, StorefrontEvent};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::build::{Change, Watch};
use super::screen::{EventLines, duplicate_line, mail_line, tell};
use super::summary::dead_letters_url;

/// The programs, as cargo names them.
const HANDLER: &str = "order-items-reserver";
const PETSTORE: &str = "petstore";

/// How long a line waits for what belongs before it.
const HELD: Duration = Duration::from_millis(50);

/// After all was told there is to tell: who waits for each event by itself is woken for each, which
/// costs more than to tell it, and nobody reads a thousand lines a second.
const BREATH: Duration = Duration::from_millis(10);

/// Everything that runs, and what is to be said of it.
#[derive(Debug)]
pub(super) struct RunningParts {
    pub(super) stack: Stack,
    storefronts: Vec<Storefront>,
    /// The real host, and how it was started.
    func: Option<(Func, FuncOptions)>,
    watch: Option<Watch>,
    lines: EventLines,
    /// The handler is new on the disk, and the old one has not started so far.
    outdated: bool,
    /// Lines that wait for those that belong before them.
    held: VecDeque<(Instant, String)>,
    /// Whether a start anew finds what there is now.
    keeps: bool,
}

impl RunningParts {
    pub(super) fn new(
        stack: Stack,
        storefronts: Vec<Storefront>,
        watch: Option<Watch>,
        verbose: bool,
        keeps: bool,
    ) -> Self {
        let lines = EventLines::new(verbose, dead_letters_url(&stack));
        Self {
            stack,
            storefronts,
            func: None,
            watch,
            lines,
            outdated: false,
            held: VecDeque::new(),
            keeps,
        }
    }

    /// Of those that serve within the limit.
    pub(super) async fn petstore_urls(&self, limit: Duration) -> Vec<String> {
        let mut urls = Vec::new();
        for storefront in &self.storefronts {
            urls.extend(storefront.url(limit).await);
        }
        urls
    }

    pub(super) fn start_func(&mut self, options: FuncOptions) -> Result<(), FuncError> {
        self.func = Some((Func::start(&options)?, options));
        Ok(())
    }

    /// Ends everything: the storefront first, so that its last messages find the queue, and the host
    /// of others before what it settles with.
    pub(super) async fn stop(mut self) {
        // A closed output has no reader for them.
        self.release(None).ok();
        for storefront in self.storefronts {
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
        if programs.contains(PETSTORE) && !self.storefronts.is_empty() {
            tell("PetStore is new and is started again")?;
            self.storefronts.iter().for_each(Storefront::restart);
        }
        Ok(())
    }

    async fn start_handler_again(&mut self) -> io::Result<()> {
        if let Some(host) = &self.stack.host {
            tell("the handler is new and is started again")?;
            let ready = timeout(Duration::ZERO, host.ready()).await;
            self.outdated = ready.is_err();
            host.replace_handler();
            return Ok(());
        }
        let Some((func, options)) = self.func.take() else {
            return tell("the handler is new: start your host again");
        };
        // It follows the app's files, not the program that they name.
        tell("the handler is new: func is started again")?;
        func.stop(say_of_func).await;
        self.start_func(options).map_err(io::Error::other)
    }

    fn happened(&mut self, event: &Event) -> io::Result<()> {
        if matches!(event, Event::HandlerReady)
            && std::mem::take(&mut self.outdated)
            && let Some(host) = &self.stack.host
        {
            host.replace_handler();
        }
        let Some(line) = self.lines.event(event) else {
            return Ok(());
        };
        // What the function wrote of a message comes through a pipe of its own, and may come after
        // its answer: the message's own line waits for it, and all that follow wait with it.
        if matches!(event, Event::LogLine { .. }) {
            return tell(&line);
        }
        self.held.push_back((Instant::now() + HELD, line));
        Ok(())
    }

    /// For the page all of it, for the terminal what a calm one has.
    fn shop_told(&self, told: &StorefrontEvent) -> io::Result<()> {
        let line = self.lines.storefront(told);
        match (told, &line) {
            (StorefrontEvent::Line(text), _) => self.stack.dashboard.add_line("PetStore", text),
            (StorefrontEvent::Ended { .. }, Some(line)) => self.stack.dashboard.note(line),
            _ => {}
        }
        line.map_or(Ok(()), |line| tell(&line))
    }

    /// Tells what is due; all of it without a time.
    fn release(&mut self, now: Option<Instant>) -> io::Result<()> {
        let is_due = |due: &Instant| now.is_none_or(|now| *due <= now);
        while self.held.front().is_some_and(|(due, _)| is_due(due)) {
            if let Some((_, line)) = self.held.pop_front() {
                tell(&line)?;
            }
        }
        Ok(())
    }

    /// Whether the stack is to start anew: the app's files have changed, and can be read.
    fn app_has_changed(&self, files: &BTreeSet<String>) -> io::Result<bool> {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let files = files.join(", ");
        if !self.keeps {
            tell(&format!(
                "{files} is new: start the stack again to have it, which in memory forgets everything"
            ))?;
            return Ok(false);
        }
        match FunctionApp::load(&self.stack.app.root, Settings::new()) {
            Ok(_) => {
                tell(&format!("{files} is new: the stack is started again"))?;
                Ok(true)
            }
            Err(error) => {
                tell(&format!("{error}; what runs stays as it was"))?;
                Ok(false)
            }
        }
    }

    /// What is built, for the page and for the terminal.
    fn build(&self, state: BuildState) -> io::Result<()> {
        let line = match &state {
            BuildState::Building => Some("building…".to_owned()),
            BuildState::Failed { error } => {
                let first = error.lines().next().unwrap_or_default();
                Some(format!(
                    "the build failed; what runs stays as it was: {first}"
                ))
            }
            BuildState::Current => None,
        };
        self.stack.dashboard.say_build(state);
        line.map_or(Ok(()), |line| tell(&line))
    }
}

/// Why there is nothing more to tell.
pub(super) enum End {
    Over(ExitCode),
    /// The app's files have changed: the stack starts anew, and watches on.
    Again(Watch),
}

/// Prints what happens until the host gives up.
pub(super) async fn until_the_end(parts: &mut RunningParts) -> io::Result<End> {
    let mut mails = parts.stack.mail.as_ref().map(MailService::arrivals);
    let mut transitions = parts.stack.queue.transitions();
    let (teller, mut builds) = unbounded_channel();
    // Kept over the turns of the loop: a build goes on while other things happen.
    let mut build = Box::pin(changed(parts.watch.take(), teller.clone()));
    loop {
        if transitions.is_empty() && parts.stack.events.is_empty() {
            sleep(BREATH).await;
        }
        let due = parts.held.front().map(|(due, _)| *due);
        tokio::select! {
            // Who is too late for some of them misses no more than lines.
            Ok(transition) = transitions.recv() => {
                if let Some(line) = duplicate_line(&transition, parts.lines.verbose) {
                    tell(&line)?;
                }
            },
            Some(mail) = next(&mut mails) => tell(&mail_line(&mail))?,
            Some(hint) = parts.stack.hints.recv() => tell(&format!("hint: {hint}"))?,
            told = told(&mut parts.storefronts) => parts.shop_told(&told)?,
            (change, watch) = &mut build => {
                if !change.app_files.is_empty() && parts.app_has_changed(&change.app_files)? {
                    return Ok(End::Again(watch));
                }
                parts.start_again(&change.programs).await?;
                build.set(changed(Some(watch), teller.clone()));
            },
            Some(state) = builds.recv() => parts.build(state)?,
            () = until(due) => parts.release(Some(Instant::now()))?,
            told = told_by_func(&mut parts.func) => match told {
                FuncEvent::Line(line) => {
                    parts.stack.dashboard.add_line("func", &line);
                    say_of_func(&line);
                }
                FuncEvent::Ended(ended) => return Ok(End::Over(func_ended(ended)?)),
            },
            event = parts.stack.events.recv(), if parts.stack.host.is_some() => match event {
                Ok(event) => {
                    parts.happened(&event)?;
                    if matches!(event, Event::HostStopped { .. }) {
                        return Ok(End::Over(ExitCode::FAILURE));
                    }
                }
                Err(RecvError::Lagged(missed)) => tell(&format!("warning: {missed} events are not shown"))?,
                Err(RecvError::Closed) => return Ok(End::Over(ExitCode::FAILURE)),
            },
        }
    }
}

/// Comes to pass then; never without a time.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// What is new; never without a watch.
async fn changed(watch: Option<Watch>, teller: UnboundedSender<BuildState>) -> (Change, Watch) {
    match watch {
        Some(mut watch) => (watch.changed(&teller).await, watch),
        None => std::future::pending().await,
    }
}

/// What happens to a storefront; nothing without one.
async fn told(storefronts: &mut [Storefront]) -> StorefrontEvent {
    poll_fn(|context| {
        let mut told = storefronts.iter_mut().map(|it| it.poll_told(context));
        told.find(Poll::is_ready).unwrap_or(Poll::Pending)
    })
    .await
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
    tell(&format!("func | {line}")).ok();
}

/// The stack is of no use without its host, and ends as that one has ended.
fn func_ended(ended: io::Result<ExitStatus>) -> io::Result<ExitCode> {
    let code = ended?.code().and_then(|code| u8::try_from(code).ok());
    tell(&match code {
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
