//! Faults on real sockets, against the real binary: each ends as documented, after exactly the
//! documented number of requests, and whatever could not be stored is handed over whole.

mod answers;
mod conflicts;
mod connections;
mod failures;
mod fallback;
mod trace;

use testkit::scripted::{Scripted, Step, answer, answering};
use tokio::task::JoinSet;

use crate::support::rig::{accepting, refusing};
use crate::support::{Ended, Message, Rig};

/// What storage does with every request, and the reason in the notice.
struct Fault {
    name: &'static str,
    reason: &'static str,
    steps: Vec<Step>,
}

fn fault(name: &'static str, reason: &'static str, steps: Vec<Step>) -> Fault {
    Fault {
        name,
        reason,
        steps,
    }
}

const ETAG: &str = "etag: \"0x8DC\"\r\n";

fn created(headers: &str) -> Vec<u8> {
    answer("201 Created", headers, "")
}

/// The headers of a HEAD whose blob holds the order of `message`.
fn holding(message: &Message) -> Vec<Step> {
    holding_at(message, "\"0x8DC\"")
}

fn holding_at(message: &Message, etag: &str) -> Vec<Step> {
    let position = message.order().position.unwrap();
    let headers = format!(
        "etag: {etag}\r\nx-ms-meta-sequence: {}\r\nx-ms-meta-enqueued: {}\r\n",
        position.sequence, position.enqueued
    );
    answering("200 OK", &headers)
}

/// Runs one case after another's start, all at once; each has a process of its own.
async fn each<C: Send + 'static, F>(cases: Vec<C>, run: impl Fn(C) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    for case in cases {
        running.spawn(run(case));
    }
    running.join_all().await;
}

fn assert_answered(ended: &Ended, status: u16, outcome: &str, attempts: u32) {
    assert_eq!(ended.answer.status, status, "{ended:?}");
    let body: serde_json::Value = serde_json::from_str(&ended.answer.body).unwrap();
    assert!(body.is_object(), "every answer carries a JSON object");
    assert_eq!(ended.line["outcome"], outcome, "{ended:?}");
    assert_eq!(ended.line["attempts"], attempts, "{ended:?}");
}

/// Four attempts, one PUT each and not one request more; then one notice, and success.
async fn assert_handed_over(fault: Fault, changed: Vec<(&'static str, &'static str)>) {
    let storage = Scripted::start([], fault.steps).await;
    let rig = Rig::start(storage, Scripted::start([], accepting()).await, &changed).await;
    let message = Message::new(fault.name, 7);
    let ended = rig.deliver(&message).await;
    assert_answered(&ended, 200, "handed over", 4);
    rig.assert_handed_over_whole(&message, 4);
    let reason = rig.notices()[0]["failure"]["reason"].to_string();
    assert!(reason.contains(fault.reason), "{}: {reason}", fault.name);
    let methods = rig.storage.methods();
    assert_eq!(methods.len(), 4, "{}: {methods:?}", fault.name);
    // As much of it as was read: none of it, in some cases.
    let puts = methods.iter().all(|method| "PUT".starts_with(method));
    assert!(puts, "{}: {methods:?}", fault.name);
}
