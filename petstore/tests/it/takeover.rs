//! What becomes of the journal of an instance that is no more, case by case.
//!
//! The test writes it, and holds its lock as long as that instance is to live.

use std::fs;
use std::time::Duration;

use petstore::outbox::Record;
use petstore::session::SessionId;
use testkit::fixture::Folder;
use tokio::time::Instant;

use crate::support::broker::{Broker, revisions};
use crate::support::instance::{Instance, PACE, change, done, journal, others_are_delivered};
use crate::support::until_blocking;

/// The control: what these tests find missing is found when it was sent.
#[test]
fn what_a_dead_instance_left_is_delivered() {
    let (broker, folder) = (Broker::start(), Folder::new());
    let session = SessionId::fresh();
    let instance = Instance::start(&folder, &broker, PACE);
    let (path, lock) = journal(&folder, 7, &[Record::Put(change(&session, 1))]);
    others_are_delivered(&instance, &broker);
    assert!(path.exists(), "its instance lives");
    drop(lock);
    until_blocking("delivered", || revisions(&broker, &session) == [1]);
    instance.accept(change(&session, 2));
    instance.delivers();
    assert_eq!(revisions(&broker, &session), [1, 2]);
}

/// The newer cart was delivered by one that is dead too, and whoever starts finds both journals.
#[test]
fn a_cart_is_dropped_when_a_dead_instance_delivered_a_newer_one() {
    for (older_at, newer_at) in [(0, 1), (1, 0), (5, 9), (9, 5)] {
        let (broker, folder) = (Broker::start(), Folder::new());
        let session = SessionId::fresh();
        let (older, newer) = (change(&session, 1), change(&session, 2));
        let waits = journal(&folder, older_at, &[Record::Put(older)]);
        let delivered = [Record::Put(newer.clone()), done(&newer)];
        let delivered = journal(&folder, newer_at, &delivered);
        drop((waits, delivered));
        let instance = Instance::start(&folder, &broker, PACE);
        others_are_delivered(&instance, &broker);
        instance.delivers();
        assert_eq!(revisions(&broker, &session), [0; 0]);
    }
}

#[test]
fn two_that_sweep_never_take_the_same() {
    let (broker, folder) = (Broker::start(), Folder::new());
    let one = Instance::start(&folder, &broker, PACE);
    let two = Instance::start(&folder, &broker, PACE);
    for round in 1..=20 {
        let sessions = [0; 10].map(|_| SessionId::fresh());
        let left = sessions.each_ref().map(|it| Record::Put(change(it, 1)));
        let (path, lock) = journal(&folder, 7, &left);
        drop(lock);
        until_blocking("taken over", || !path.exists());
        until_blocking("delivered", || broker.accepted().len() == 10 * round);
        one.delivers();
        two.delivers();
        assert_eq!(broker.requests(), 10 * round, "each was sent once");
    }
}

/// The changes are in the journal of whoever took over, the file is still there, and all are dead.
#[test]
fn a_take_over_that_was_cut_short_loses_nothing() {
    let (broker, folder) = (Broker::start(), Folder::new());
    let _one = Instance::start(&folder, &broker, PACE);
    let _two = Instance::start(&folder, &broker, PACE);
    for round in 1..=20 {
        let sessions = [0; 10].map(|_| SessionId::fresh());
        let left = sessions.each_ref().map(|it| Record::Put(change(it, 1)));
        let (theirs, first) = journal(&folder, 7, &left);
        let (ours, second) = journal(&folder, 8, &left);
        // Each of the two may take one of them at the same time.
        drop((first, second));
        until_blocking("taken over", || !theirs.exists() && !ours.exists());
        until_blocking("delivered", || broker.accepted().len() == 10 * round);
    }
}

#[test]
fn what_was_taken_over_and_delivered_is_not_taken_over_again() {
    let (broker, folder) = (Broker::start(), Folder::new());
    let change = change(&SessionId::fresh(), 1);
    let put = Record::Put(change.clone());
    let theirs = journal(&folder, 7, std::slice::from_ref(&put));
    let ours = journal(&folder, 0, &[put, done(&change)]);
    drop((theirs, ours));
    let instance = Instance::start(&folder, &broker, PACE);
    until_blocking("taken over", || !folder.join("7.jsonl").exists());
    others_are_delivered(&instance, &broker);
    assert_eq!(revisions(&broker, &change.session), [0; 0]);
}

/// Another instance takes over a copy of it in the same moment, and might rely on this one.
#[test]
fn the_same_change_in_a_third_journal_is_no_reason_to_drop_it() {
    let (broker, folder) = (Broker::start(), Folder::new());
    let session = SessionId::fresh();
    let left = [Record::Put(change(&session, 1))];
    let (third, _lock) = journal(&folder, 8, &left);
    let (path, lock) = journal(&folder, 7, &left);
    let instance = Instance::start(&folder, &broker, PACE);
    drop(lock);
    until_blocking("taken over", || !path.exists());
    fs::remove_file(third).unwrap();
    until_blocking("delivered", || revisions(&broker, &session) == [1]);
    instance.delivers();
}

#[test]
fn ours_is_on_the_disk_before_theirs_goes() {
    let (broker, folder) = (Broker::start(), Folder::new());
    let left: Vec<_> = (0..3000)
        .map(|_| Record::Put(change(&SessionId::fresh(), 1)))
        .collect();
    drop(journal(&folder, 7, &left).1);
    let (theirs, ours) = (folder.join("7.jsonl"), folder.join("0.jsonl"));
    let watch = std::thread::spawn(move || {
        let limit = Instant::now() + Duration::from_secs(40);
        while theirs.exists() && Instant::now() < limit {
            std::thread::yield_now();
        }
        fs::read(ours).unwrap()
    });
    let instance = Instance::start(&folder, &broker, PACE);
    let text = String::from_utf8(watch.join().unwrap()).unwrap();
    let puts = text.lines().filter(|line| line.starts_with(r#"{"put""#));
    assert_eq!(puts.count(), left.len());
    instance.kill();
}
