//! What happens, line by line, until the end.

use std::collections::BTreeSet;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use host::Event;
use logic_app::mail::{Mail, MailService};
use stack::Stack;
use stack::storefront::{Storefront, Told};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::report::{self, Report};
use super::summary;
use super::text::print;
use super::watch::Watch;

/// The programs, as cargo names them.
const HANDLER: &str = "order-items-reserver";
const PETSTORE: &str = "petstore";

/// Everything that runs, and what is to be said of it.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) stack: Stack,
    storefront: Option<Storefront>,
    watch: Option<Watch>,
    report: Report,
    /// The handler is new on the disk, and the old one has not started so far.
    outdated: bool,
}

impl Scene {
    pub(super) fn new(
        stack: Stack,
        storefront: Option<Storefront>,
        watch: Option<Watch>,
        verbose: bool,
    ) -> Self {
        let report = Report {
            verbose,
            dead_letters_url: summary::dead_letters_url(&stack),
        };
        Self {
            stack,
            storefront,
            watch,
            report,
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
            let ready = tokio::time::timeout(Duration::ZERO, self.stack.host.ready()).await;
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
        match self.report.line(event) {
            Some(line) => print(&line),
            None => Ok(()),
        }
    }
}

/// Prints what happens until the host gives up.
pub(super) async fn until_the_end(scene: &mut Scene) -> io::Result<ExitCode> {
    let mut mails = scene.stack.mail.as_ref().map(MailService::arrivals);
    // Kept over the turns of the loop: a build goes on while other things happen.
    let mut build = Box::pin(rebuilt(scene.watch.take()));
    loop {
        tokio::select! {
            Some(mail) = next(&mut mails) => print(&report::mail(&mail))?,
            Some(hint) = scene.stack.hints.recv() => print(&format!("hint: {hint}"))?,
            told = told(&mut scene.storefront) => if let Some(line) = scene.report.storefront(&told) {
                print(&line)?;
            },
            (programs, watch) = &mut build => {
                scene.start_again(&programs).await?;
                build.set(rebuilt(Some(watch)));
            },
            event = scene.stack.events.recv() => match event {
                Ok(event) => {
                    scene.happened(&event)?;
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
async fn told(storefront: &mut Option<Storefront>) -> Told {
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
