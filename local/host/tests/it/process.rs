//! The handler's process: start, log levels, exit codes. The handlers are shell scripts.
#![cfg(unix)]

use bus::{Message, Queue, QueueOptions};
use host::app::FunctionApp;
use host::{
    Delivered, DeliveryOutcome, Event, Exit, Host, HostOptions, InvocationFailure, Level, Next,
};
use stand_in::Clock;
use testkit::fixture::{AppFolder, settings};
use testkit::workspace;
use tokio::sync::broadcast;

/// Has this binary be the handler.
const FAKE: [&str; 4] = [
    "process::fake_handler",
    "--exact",
    "--ignored",
    "--nocapture",
];

struct Started {
    app: AppFolder,
    queue: Queue,
    host: Host,
    events: broadcast::Receiver<Event>,
}

impl Started {
    /// Starts a host whose handler is this shell script. `sh` reads it: a file just written may be
    /// busy for exec.
    fn script(script: &str) -> Self {
        let app = AppFolder::copy_of(&workspace());
        std::fs::write(app.path().join("handler.sh"), script).expect("a script");
        Self::start(app, "sh", &["handler.sh"], &[])
    }

    /// Starts a host whose handler is `fake_handler` in this test binary.
    fn fake(function_timeout: &str) -> Self {
        let this = std::env::current_exe().expect("this binary");
        let timeout = ("AzureFunctionsJobHost__functionTimeout", function_timeout);
        Self::start(
            AppFolder::copy_of(&workspace()),
            this.to_str().expect("text"),
            &FAKE,
            &[timeout],
        )
    }

    fn start(app: AppFolder, path: &str, arguments: &[&str], overrides: &[(&str, &str)]) -> Self {
        Self::start_on(app, path, arguments, overrides, None)
    }

    fn start_on(
        app: AppFolder,
        path: &str,
        arguments: &[&str],
        overrides: &[(&str, &str)],
        port: Option<u16>,
    ) -> Self {
        let quoted = serde_json::to_string(arguments).expect("JSON");
        app.replace(
            "host.json",
            "\"description\": {",
            &format!("\"description\": {{ \"arguments\": {quoted},"),
        );
        let mut overrides = settings(overrides);
        let key = "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath";
        overrides.insert(key.to_owned(), path.to_owned());
        let loaded = FunctionApp::load(app.path(), overrides).expect("our files");
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        let options = HostOptions {
            app: loaded,
            handler_url: None,
            traces: false,
        };
        let (host, events) = Host::start_on(options, queue.clone(), port).expect("a host");
        Self {
            app,
            queue,
            host,
            events,
        }
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

#[tokio::test]
async fn a_host_started_again_has_its_handler_at_the_same_port_unless_it_is_taken() {
    let held = testkit::net::listener().await;
    let port = held.local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let start = || {
        let app = AppFolder::copy_of(&workspace());
        Started::start_on(app, "sh", &["-c", "exec sleep 600"], &[], Some(port)).host
    };
    let elsewhere = start();
    assert_ne!(elsewhere.handler_url(), url);
    elsewhere.stop().await;
    drop(held);
    for _ in 0..2 {
        let host = start();
        assert_eq!(host.handler_url(), url);
        host.stop().await;
    }
}

fn host_stopped(event: &Event) -> bool {
    matches!(event, Event::HostStopped { .. })
}

fn outcomes(events: &[Event]) -> Vec<(u64, u32, &DeliveryOutcome)> {
    let delivered = events.iter().filter_map(|event| match event {
        Event::Delivered(it) => Some((it.sequence, it.delivery_count, &it.outcome)),
        _ => None,
    });
    delivered.collect()
}

fn broke(outcome: &DeliveryOutcome) -> bool {
    let DeliveryOutcome::Abandoned { why, .. } = outcome else {
        return false;
    };
    matches!(why, InvocationFailure::Connection(_))
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
    let mut started = Started::script("echo fine; echo 'it warns' >&2; echo broken >&2; exit 0");
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
    let mut started = Started::script("exit 101");
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
        Started::script("echo x >> starts; [ $(wc -l < starts) -gt 5 ] && exit 0; exit 200");
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
    let mut started = Started::script("pwd > where; env > environment; exit 0");
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
    let short = (
        "AzureFunctionsJobHost__customHandler__initializationTimeout",
        "00:00:00.05",
    );
    let mut started = Started::start(AppFolder::copy_of(&workspace()), "sleep", &["60"], &[short]);
    let seen = started.until(exited).await;
    let end = Event::HandlerExited {
        exit: Exit::NotInitialized,
        next: Next::Restart,
    };
    assert_eq!(seen.last(), Some(&end));
    started.host.stop().await;
}

#[tokio::test]
async fn a_handler_that_cannot_be_started_stops_the_host_with_its_path() {
    let mut started = Started::start(
        AppFolder::copy_of(&workspace()),
        "no/such/handler",
        &[],
        &[],
    );
    started.queue.enqueue(Message::new("x")).unwrap();
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
    assert!(why.contains("the real host would go on"), "{why}");
    assert_eq!(started.queue.peek()[0].delivery_count, 0);
}

#[tokio::test]
async fn a_killed_handler_is_restarted_and_what_was_in_flight_comes_again() {
    let mut started = Started::fake("00:05:00");
    started
        .queue
        .enqueue(Message::new("silent at first"))
        .unwrap();
    started
        .until(|event| *event == line(Level::Information, "delivery 1"))
        .await;
    started.host.kill_handler();
    let seen = started.until(delivered).await;
    let Some(Event::Delivered(Delivered {
        outcome,
        delivery_count: 1,
        ..
    })) = seen.last()
    else {
        panic!("{seen:?}")
    };
    assert!(
        matches!(
            outcome,
            DeliveryOutcome::Abandoned {
                why: InvocationFailure::Connection(_),
                last: false
            }
        ),
        "{outcome:?}"
    );
    let seen = started.until(delivered).await;
    let Some(Event::Delivered(Delivered {
        outcome,
        delivery_count: 2,
        ..
    })) = seen.last()
    else {
        panic!("{seen:?}")
    };
    assert!(
        matches!(outcome, DeliveryOutcome::Completed { status: 200, .. }),
        "{outcome:?}"
    );
    started.host.stop().await;
}

#[tokio::test]
async fn an_empty_success_costs_the_handler_its_life_at_function_timeout() {
    let mut started = Started::fake("00:00:00.3");
    started
        .queue
        .enqueue(Message::new("empty at first"))
        .unwrap();
    let seen = started.until(exited).await;
    assert_eq!(
        seen.last(),
        Some(&Event::HandlerExited {
            exit: Exit::Killed,
            next: Next::Restart
        })
    );
    started.until(|event| *event == Event::HandlerReady).await;
    started
        .until(|event| {
            matches!(
                event,
                Event::Delivered(Delivered {
                    delivery_count: 2,
                    ..
                })
            )
        })
        .await;
    started.host.stop().await;
}

#[tokio::test]
async fn after_exit_code_zero_every_message_is_refused_until_it_is_dead() {
    let mut started = Started::fake("00:05:00");
    started.queue.enqueue(Message::new("exit 0")).unwrap();
    for sequence in 1..=2 {
        let dead = |event: &Event| matches!(event, Event::DeadLettered { .. });
        let seen = started.until(dead).await;
        let outcomes = outcomes(&seen);
        let counts: Vec<(u64, u32)> = outcomes.iter().map(|it| (it.0, it.1)).collect();
        let expected: Vec<(u64, u32)> = (1..=10).map(|count| (sequence, count)).collect();
        assert_eq!(counts, expected);
        assert!(outcomes.iter().all(|it| broke(it.2)), "{outcomes:?}");
        started.queue.enqueue(Message::new("x")).unwrap();
    }
    started.host.stop().await;
}

#[tokio::test]
async fn with_the_third_crash_the_message_is_released_and_not_counted() {
    let mut started = Started::fake("00:05:00");
    started.queue.enqueue(Message::new("exit 101")).unwrap();
    let mut seen = started.until(host_stopped).await;
    let mut released = outcomes(&seen).len() == 3;
    while !released {
        seen.extend(started.until(delivered).await);
        released = outcomes(&seen).len() == 3;
    }
    let outcomes = outcomes(&seen);
    assert!(broke(outcomes[0].2) && broke(outcomes[1].2), "{outcomes:?}");
    assert_eq!(outcomes[2], (1, 3, &DeliveryOutcome::Released));
    let waiting = &started.queue.peek()[0];
    assert_eq!((waiting.delivery_count, waiting.locked_until), (2, None));
    started.host.stop().await;
}

#[tokio::test]
async fn exit_code_200_costs_a_message_its_deliveries_and_the_host_nothing() {
    let mut started = Started::fake("00:05:00");
    started.queue.enqueue(Message::new("exit 200")).unwrap();
    started
        .until(|event| matches!(event, Event::DeadLettered { .. }))
        .await;
    started.queue.enqueue(Message::new("x")).unwrap();
    let seen = started.until(delivered).await;
    let (sequence, count, outcome) = outcomes(&seen)[0];
    assert_eq!((sequence, count), (2, 1));
    assert!(
        matches!(outcome, DeliveryOutcome::Completed { .. }),
        "{outcome:?}"
    );
    started.host.stop().await;
}

#[tokio::test]
async fn messages_wait_for_a_handler_that_listens_late() {
    let app = AppFolder::copy_of(&workspace());
    let this = std::env::current_exe().expect("this binary");
    let script = format!("sleep 0.5; exec '{}' {}", this.display(), FAKE.join(" "));
    std::fs::write(app.path().join("handler.sh"), script).expect("a script");
    let mut started = Started::start(app, "sh", &["handler.sh"], &[]);
    started.queue.enqueue(Message::new("x")).unwrap();
    let seen = started.until(delivered).await;
    let (_, count, outcome) = outcomes(&seen)[0];
    assert_eq!(count, 1);
    assert!(
        matches!(outcome, DeliveryOutcome::Completed { .. }),
        "{outcome:?}"
    );
    started.host.stop().await;
}

#[tokio::test]
async fn a_function_timeout_ends_everything_in_flight_with_the_process() {
    let mut started = Started::fake("00:00:03");
    started
        .queue
        .enqueue(Message::new("empty at first"))
        .unwrap();
    started
        .until(|event| matches!(event, Event::Note { .. }))
        .await;
    // In its grace, long before the time limit of the second message.
    tokio::time::sleep(std::time::Duration::from_millis(3500)).await;
    started
        .queue
        .enqueue(Message::new("silent at first"))
        .unwrap();
    let mut seen = started.until(delivered).await;
    seen.extend(started.until(delivered).await);
    let first_deliveries = outcomes(&seen);
    let mut sequences: Vec<u64> = first_deliveries.iter().map(|it| it.0).collect();
    sequences.sort_unstable();
    assert_eq!(sequences, [1, 2]);
    for (sequence, count, outcome) in first_deliveries {
        assert_eq!(count, 1);
        let why = InvocationFailure::FunctionTimeout;
        let timed_out = *outcome == DeliveryOutcome::Abandoned { why, last: false };
        assert!(
            if sequence == 1 {
                timed_out
            } else {
                broke(outcome)
            },
            "{outcome:?}"
        );
    }
    started.host.stop().await;
}

fn delivered(event: &Event) -> bool {
    matches!(event, Event::Delivered(_))
}

/// Not a test but a handler: the host under test starts this binary and asks for this function.
#[tokio::test]
#[ignore = "a handler process for the tests above"]
async fn fake_handler() {
    testkit::handler::serve().await;
}
