//! The handler's process: start, log levels, exit codes. The handlers are shell scripts.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;

use devstack::app::FunctionApp;
use devstack::clock::Clock;
use devstack::host::{Event, Exit, Host, HostOptions, Level, Next};
use devstack::queue::{Queue, QueueOptions};
use tokio::sync::broadcast;

use crate::fixture::{AppFolder, settings, workspace};

struct Started {
    app: AppFolder,
    host: Host,
    events: broadcast::Receiver<Event>,
}

impl Started {
    /// Starts a host whose handler is this shell script.
    fn new(script: &str) -> Self {
        let app = AppFolder::copy_of(&workspace());
        let file = app.path().join("handler");
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("a script");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).expect("executable");
        Self::with_path(app, "handler")
    }

    fn with_path(app: AppFolder, path: &str) -> Self {
        let overrides = settings(&[(
            "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath",
            path,
        )]);
        let loaded = FunctionApp::load(app.path(), overrides).expect("our files");
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        let host = Host::start(
            HostOptions {
                app: loaded,
                handler_url: None,
            },
            queue,
        )
        .expect("a host");
        let events = host.events();
        Self { app, host, events }
    }

    async fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut seen = Vec::new();
        loop {
            let event = self.events.recv().await.expect("an event");
            let found = wanted(&event);
            seen.push(event);
            if found {
                return seen;
            }
        }
    }
}

fn exited(event: &Event) -> bool {
    matches!(event, Event::HandlerExited { .. })
}

fn line(level: Level, text: &str) -> Event {
    Event::LogLine {
        level,
        text: text.to_owned(),
    }
}

#[tokio::test]
async fn exit_code_zero_stays_down_and_lines_have_the_hosts_levels() {
    let mut started = Started::new("echo fine; echo 'it warns' >&2; echo broken >&2; exit 0");
    let seen = started.until(exited).await;
    assert!(matches!(
        seen.first(),
        Some(Event::HandlerStarted { pid: Some(_) })
    ));
    for line in [
        line(Level::Information, "fine"),
        line(Level::Warning, "it warns"),
        line(Level::Error, "broken"),
    ] {
        assert!(seen.contains(&line), "{line:?} in {seen:?}");
    }
    assert_eq!(
        seen.last(),
        Some(&Event::HandlerExited {
            exit: Exit::Code(Some(0)),
            next: Next::StayDown
        })
    );
    started.host.stop().await;
}

#[tokio::test]
async fn the_third_error_stops_the_host() {
    let mut started = Started::new("exit 101");
    let seen = started
        .until(|event| matches!(event, Event::HostStopped { .. }))
        .await;
    let exits: Vec<_> = seen.iter().filter(|event| exited(event)).collect();
    assert_eq!(exits.len(), 3);
    assert_eq!(
        *exits[2],
        Event::HandlerExited {
            exit: Exit::Code(Some(101)),
            next: Next::StopHost
        }
    );
}

#[tokio::test]
async fn exit_code_200_restarts_without_counting() {
    let mut started =
        Started::new("echo x >> starts; [ $(wc -l < starts) -gt 5 ] && exit 0; exit 200");
    let seen = started
        .until(|event| {
            matches!(
                event,
                Event::HandlerExited {
                    next: Next::StayDown,
                    ..
                }
            )
        })
        .await;
    assert_eq!(seen.iter().filter(|event| exited(event)).count(), 6);
}

#[tokio::test]
async fn the_handler_finds_the_hosts_environment_and_every_app_setting() {
    let mut started = Started::new("pwd > where; env > environment; exit 0");
    started.until(exited).await;
    let text = std::fs::read_to_string(started.app.path().join("environment")).expect("written");
    let value = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")))
            .expect(name)
    };
    assert!(
        started
            .host
            .handler_url()
            .ends_with(&format!(":{}", value("FUNCTIONS_CUSTOMHANDLER_PORT")))
    );
    assert_eq!(
        value("FUNCTIONS_HTTPWORKER_PORT"),
        value("FUNCTIONS_CUSTOMHANDLER_PORT")
    );
    assert_eq!(
        value("FUNCTIONS_HTTPWORKER_ID"),
        value("FUNCTIONS_CUSTOMHANDLER_WORKER_ID")
    );
    assert_eq!(
        value("FUNCTIONS_APP_ROOT_PATH"),
        started.app.path().display().to_string()
    );
    assert_eq!(value("ORDERS_QUEUE_NAME"), "order-items");
    let directory = std::fs::read_to_string(started.app.path().join("where")).expect("written");
    let root = started.app.path().canonicalize().expect("a folder");
    assert_eq!(
        std::path::Path::new(directory.trim())
            .canonicalize()
            .expect("a folder"),
        root
    );
}

#[tokio::test]
async fn a_handler_that_never_answers_is_killed_as_an_error() {
    let app = AppFolder::copy_of(&workspace());
    app.replace(
        "host.json",
        "\"customHandler\": {",
        "\"customHandler\": { \"initializationTimeout\": \"00:00:00.05\",",
    );
    app.replace(
        "host.json",
        "\"defaultExecutablePath\": \"order-items-reserver\"",
        "\"defaultExecutablePath\": \"\", \"arguments\": [\"60\"]",
    );
    let mut started = Started::with_path(app, "sleep");
    let seen = started.until(exited).await;
    assert_eq!(
        seen.last(),
        Some(&Event::HandlerExited {
            exit: Exit::NotInitialized,
            next: Next::Restart
        })
    );
    started.host.stop().await;
}

#[tokio::test]
async fn a_handler_that_cannot_be_started_stops_the_host_with_its_path() {
    let mut started = Started::with_path(AppFolder::copy_of(&workspace()), "no/such/handler");
    let seen = started
        .until(|event| matches!(event, Event::HostStopped { .. }))
        .await;
    let Some(Event::HostStopped { why }) = seen.last() else {
        panic!("stopped")
    };
    assert!(
        why.contains("Failed to start Worker Channel. Process fileName: no/such/handler"),
        "{why}"
    );
}
