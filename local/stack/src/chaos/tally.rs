//! Counts what passes by: hand-outs, requests on the wire, ends of handlers, mails.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bus::Transition;
use host::{Delivered, DeliveryOutcome, Event, Exit};
use load::evidence::sha256;
use logic_app::mail::{Mail, OutboxReader};
use stand_in::{Method, Moment, Seen};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::ChaosError;
use super::instances::Instances;

/// More problems than that are counted, not kept.
const PROBLEMS_MAX: usize = 20;

#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    pub(super) deliveries: u64,
    pub(super) redeliveries: u64,
    /// Hand-outs whose answer came after their lock had ended.
    pub(super) late_answers: u64,
    pub(super) uploads: u64,
    pub(super) reads: u64,
    pub(super) starts: u64,
    /// SHA-256 of the file in each mail, by its operation id.
    pub(super) mails: HashMap<Uuid, Option<String>>,
    /// What should never be: the handler ended by itself, a host gave up.
    pub(super) problems: Vec<String>,
    /// What was missed because the counting fell behind.
    pub(super) missed: BTreeMap<&'static str, u64>,
}

/// The counting, as long as it lives.
#[derive(Debug)]
pub(super) struct Tally {
    counted: Arc<Mutex<Counted>>,
    stopped: watch::Sender<bool>,
    _counting: JoinSet<()>,
}

impl Tally {
    pub(super) fn start(
        instances: &Instances,
        events_of_hosts: [Receiver<Event>; 2],
    ) -> Result<Self, ChaosError> {
        let stack = &instances.stack;
        let blob = stack.blob.as_ref().ok_or(ChaosError::Part("storage"))?;
        let mail = stack.mail.as_ref();
        let mail = mail.ok_or(ChaosError::Part("e-mail service"))?;
        let (counted, stopped) = (Arc::<Mutex<Counted>>::default(), watch::Sender::new(false));
        let mut counting = JoinSet::new();
        let transitions = stack.queue.transitions();
        counting.spawn(each(
            transitions,
            "hand-outs",
            Arc::clone(&counted),
            transition,
        ));
        let seen = blob.handle().seen();
        counting.spawn(each(seen, "requests", Arc::clone(&counted), request));
        for events in events_of_hosts {
            let stopped = stopped.clone();
            let note =
                move |counted: &mut Counted, event: &Event| event_of_host(counted, event, &stopped);
            counting.spawn(each(events, "events", Arc::clone(&counted), note));
        }
        counting.spawn(mails(mail.reader(), Arc::clone(&counted)));
        Ok(Self {
            counted,
            stopped,
            _counting: counting,
        })
    }

    pub(super) fn counted(&self) -> Counted {
        lock(&self.counted).clone()
    }

    pub(super) fn deliveries(&self) -> u64 {
        lock(&self.counted).deliveries
    }

    /// Waits until a host has given up.
    pub(super) async fn host_stopped(&self) {
        let mut stopped = self.stopped.subscribe();
        // The sender lives as long as `self`: there is no error to see.
        stopped.wait_for(|stopped| *stopped).await.ok();
    }
}

fn lock(counted: &Mutex<Counted>) -> MutexGuard<'_, Counted> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts all that comes, until the other side is gone.
async fn each<T: Clone>(
    mut receiver: Receiver<T>,
    what: &'static str,
    counted: Arc<Mutex<Counted>>,
    count: impl Fn(&mut Counted, &T),
) {
    loop {
        match receiver.recv().await {
            Ok(it) => count(&mut lock(&counted), &it),
            Err(RecvError::Lagged(missed)) => {
                *lock(&counted).missed.entry(what).or_default() += missed;
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// The outbox forgets old mails, and the channel tells too few at once: what it missed is still in
/// the outbox.
async fn mails(outbox: OutboxReader, counted: Arc<Mutex<Counted>>) {
    let mut arrivals = outbox.arrivals();
    loop {
        match arrivals.recv().await {
            Ok(mail) => {
                lock(&counted).mails.extend([with_file(&mail)]);
            }
            Err(RecvError::Lagged(_)) => {
                let all = outbox.mails();
                let mails = all.iter().map(|mail| with_file(mail));
                lock(&counted).mails.extend(mails);
            }
            Err(RecvError::Closed) => return,
        }
    }
}

fn with_file(mail: &Mail) -> (Uuid, Option<String>) {
    let file = mail.email.attachments.first();
    (mail.operation_id, file.map(|file| sha256(&file.content)))
}

fn transition(counted: &mut Counted, transition: &Transition) {
    if let Transition::Locked { delivery_count, .. } = transition {
        counted.deliveries += 1;
        counted.redeliveries += u64::from(*delivery_count > 1);
    }
}

fn request(counted: &mut Counted, seen: &Seen) {
    if seen.moment != Moment::Arrived {
        return;
    }
    match seen.method {
        Method::PUT => counted.uploads += 1,
        Method::HEAD => counted.reads += 1,
        _ => {}
    }
}

fn event_of_host(counted: &mut Counted, event: &Event, stopped: &watch::Sender<bool>) {
    let problem = match event {
        Event::HandlerStarted { .. } => {
            counted.starts += 1;
            return;
        }
        Event::Delivered(Delivered {
            outcome: DeliveryOutcome::LockLost,
            ..
        }) => {
            counted.late_answers += 1;
            return;
        }
        Event::HandlerExited { exit, .. } if !matches!(exit, Exit::Killed | Exit::Replaced) => {
            format!("a handler ended by itself: {exit:?}")
        }
        Event::HostStopped { why } => {
            stopped.send_replace(true);
            format!("a host gave up: {why}")
        }
        _ => return,
    };
    if counted.problems.len() < PROBLEMS_MAX {
        counted.problems.push(problem);
    }
}
