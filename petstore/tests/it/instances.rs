//! Instances that share a folder and run at the same time: a session's carts stay in order.
//!
//! An instance that is stuck is played by the test itself: it holds the lock of a journal.

use std::fs;
use std::path::Path;
use std::time::Duration;

use petstore::outbox::{Journal, Pace, Record};
use petstore::session::SessionId;
use testkit::fixture::Folder;

use crate::support::broker::{Broker, Opening, revisions};
use crate::support::instance::{
    Instance, PACE, WITHOUT_SWEEP, change, done, is_free, journal, others_are_delivered,
};
use crate::support::{rest, until_blocking};

#[test]
fn a_newer_cart_waits_until_the_instance_with_the_older_one_has_ended() {
    let (broker, folder) = (Broker::start(), Folder::new());
    let session = SessionId::fresh();
    let (path, mut lock) = journal(&folder, 7, &[Record::Put(change(&session, 1))]);
    let instance = Instance::start(&folder, &broker, PACE);
    instance.accept(change(&session, 2));
    others_are_delivered(&instance, &broker);
    assert_eq!(instance.pending(), 1);
    assert_eq!(revisions(&broker, &session), [0; 0]);
    lock.take();
    instance.delivers();
    until_blocking("taken over", || !path.exists());
    others_are_delivered(&instance, &broker);
    assert_eq!(revisions(&broker, &session), [2], "and the older one never");
}

#[test]
fn a_newer_cart_waits_until_the_older_one_is_delivered() {
    let (broker, folder) = (Broker::start(), Folder::new());
    let session = SessionId::fresh();
    let older = change(&session, 1);
    let (path, _lock) = journal(&folder, 7, &[Record::Put(older.clone())]);
    let instance = Instance::start(&folder, &broker, PACE);
    instance.accept(change(&session, 2));
    others_are_delivered(&instance, &broker);
    assert_eq!(revisions(&broker, &session), [0; 0]);
    let mut other = Journal::open(&path).unwrap();
    other.append(&[done(&older)]).unwrap();
    instance.delivers();
    assert_eq!(revisions(&broker, &session), [2]);
}

#[test]
fn an_instance_that_is_cut_off_gives_up_a_cart_when_another_has_a_newer_one() {
    let (broker, folder) = (Broker::start(), Folder::new());
    let session = SessionId::fresh();
    let one = Instance::start(&folder, &broker, WITHOUT_SWEEP);
    let two = Instance::start(&folder, &broker, WITHOUT_SWEEP);
    one.door.set(Opening::Shut);
    one.accept(change(&session, 1));
    let before = broker.requests();
    until_blocking("tried", || broker.requests() > before + 2);
    two.accept(change(&session, 2));
    one.delivers();
    two.delivers();
    assert_eq!(revisions(&broker, &session), [2]);
}

/// The session's newer cart is delivered by an instance that is dead when this one looks again.
#[test]
fn a_cart_that_waits_is_given_up_when_a_newer_one_turns_up_in_a_take_over() {
    let (broker, folder) = (Broker::start(), Folder::new());
    let session = SessionId::fresh();
    let pace = Pace {
        refused: Duration::from_secs(2),
        ..PACE
    };
    let instance = Instance::start(&folder, &broker, pace);
    instance.door.set(Opening::Refuses);
    instance.accept(change(&session, 1));
    until_blocking("refused", || broker.requests() == 1);
    let newer = change(&session, 2);
    let delivered = [Record::Put(newer.clone()), done(&newer)];
    let (path, lock) = journal(&folder, 7, &delivered);
    drop(lock);
    until_blocking("taken over", || !path.exists());
    instance.door.set(Opening::Open);
    instance.delivers();
    assert_eq!(revisions(&broker, &session), [0; 0]);
}

#[test]
fn a_journal_that_another_instance_began_anew_is_read_anew() {
    let (broker, folder) = (Broker::start(), Folder::new());
    let session = SessionId::fresh();
    let puts = |count: u32| (0..count).map(|_| Record::Put(change(&SessionId::fresh(), 1)));
    let first: Vec<_> = puts(3).collect();
    let (path, _lock) = journal(&folder, 7, &first);
    let instance = Instance::start(&folder, &broker, PACE);
    others_are_delivered(&instance, &broker);
    fs::remove_file(&path).unwrap();
    let newer = [Record::Put(change(&session, 2))];
    let second: Vec<_> = newer.into_iter().chain(puts(30)).collect();
    Journal::open(&path).unwrap().append(&second).unwrap();
    instance.accept(change(&session, 1));
    instance.delivers();
    assert_eq!(revisions(&broker, &session), [0; 0]);
}

/// A journal is listed, and cannot be found.
#[test]
fn without_a_look_into_the_folder_nothing_is_sent() {
    let (broker, folder) = (Broker::start(), Folder::new());
    let session = SessionId::fresh();
    let instance = Instance::start(&folder, &broker, WITHOUT_SWEEP);
    others_are_delivered(&instance, &broker);
    let path = folder.join("1.jsonl");
    std::os::unix::fs::symlink(folder.join("nowhere"), &path).unwrap();
    instance.accept(change(&session, 1));
    rest(100);
    assert_eq!(instance.pending(), 1);
    assert_eq!(revisions(&broker, &session), [0; 0]);
    fs::remove_file(path).unwrap();
    instance.delivers();
    assert_eq!(revisions(&broker, &session), [1]);
}

#[test]
fn how_far_a_session_is_outlives_the_lines_that_said_so() {
    let (broker, folder) = (Broker::start(), Folder::new());
    let session = SessionId::fresh();
    drop(journal(&folder, 7, &[Record::Put(change(&session, 1))]).1);
    fs::rename(folder.join("7.jsonl"), folder.join("7")).unwrap();
    let instance = Instance::start(&folder, &broker, WITHOUT_SWEEP);
    // It was not there for the take-over at the start, and this instance does no other.
    fs::rename(folder.join("7"), folder.join("7.jsonl")).unwrap();
    instance.accept(change(&session, 2));
    instance.delivers();
    grow_until_made_smaller(&instance, &folder.join("0.jsonl"));
    let says = |what: &str| {
        fs::read_to_string(folder.join("0.jsonl"))
            .unwrap()
            .contains(what)
    };
    assert!(says("passed") && says(session.as_str()));
    instance.kill();
    until_blocking("dead", || is_free(&folder, 0));
    let instance = Instance::start(&folder, &broker, PACE);
    until_blocking("taken over", || !folder.join("7.jsonl").exists());
    others_are_delivered(&instance, &broker);
    assert_eq!(revisions(&broker, &session), [2]);
    grow_until_made_smaller(&instance, &folder.join("0.jsonl"));
    assert!(!says("passed"), "nothing older waits anywhere");
}

fn grow_until_made_smaller(instance: &Instance, journal: &Path) {
    let order = format!(r#"{{"revision":1,"more":"{}"}}"#, "x".repeat(200_000));
    let mut length = 0;
    for _ in 0..100 {
        let mut large = change(&SessionId::fresh(), 1);
        large.order = serde_json::from_str(&order).unwrap();
        instance.accept(large);
        instance.delivers();
        let before = length;
        length = fs::metadata(journal).unwrap().len();
        if length < before {
            return;
        }
    }
    panic!("it only grows: {length}");
}
