//! Instances that share a folder: what each case of a take-over comes to.
//!
//! An instance that is stuck is played by the test itself: it holds the lock of a journal.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use petstore::{
    outbox::{Change, Journal, Pace, Record},
    session::SessionId,
};

use crate::support::{
    broker::{Broker, Opening},
    folder,
    instance::{Instance, PACE, WITHOUT_SWEEP, change},
    until_blocking,
};

/// A journal that another instance wrote; it lives as long as the lock is held.
fn journal(folder: &Path, number: u32, records: &[Record]) -> (PathBuf, Option<File>) {
    let lock = File::create(folder.join(format!("{number}.lock"))).unwrap();
    lock.lock().unwrap();
    let path = folder.join(format!("{number}.jsonl"));
    Journal::open(&path).unwrap().append(records).unwrap();
    (path, Some(lock))
}

fn is_free(folder: &Path, number: u32) -> bool {
    let lock = File::open(folder.join(format!("{number}.lock"))).unwrap();
    lock.try_lock().is_ok()
}

fn done(change: &Change) -> Record {
    Record::Done {
        session: change.session.clone(),
        message: change.message.clone(),
    }
}

fn revisions(broker: &Broker, session: &SessionId) -> Vec<u64> {
    let accepted = broker.accepted().into_iter();
    accepted
        .filter(|(of, _)| of == session.as_str())
        .map(|(_, revision)| revision)
        .collect()
}

fn delivers(instance: &Instance) {
    until_blocking("nothing waits", || instance.pending() == 0);
}

/// Long enough for everything that waits to have been tried again and again.
fn others_are_delivered(instance: &Instance, broker: &Broker) {
    for _ in 0..30 {
        let other = SessionId::fresh();
        instance.accept(change(&other, 1));
        until_blocking("another session's", || revisions(broker, &other) == [1]);
    }
}

#[test]
fn a_newer_cart_waits_until_the_instance_with_the_older_one_has_ended() {
    let (broker, folder) = (Broker::start(), folder("stuck"));
    let session = SessionId::fresh();
    let (path, mut lock) = journal(&folder, 7, &[Record::Put(change(&session, 1))]);
    let instance = Instance::start(&folder, &broker, PACE);
    instance.accept(change(&session, 2));
    others_are_delivered(&instance, &broker);
    assert_eq!(instance.pending(), 1);
    assert_eq!(revisions(&broker, &session), [0; 0]);
    lock.take();
    delivers(&instance);
    until_blocking("taken over", || !path.exists());
    others_are_delivered(&instance, &broker);
    assert_eq!(revisions(&broker, &session), [2], "and the older one never");
}

#[test]
fn a_newer_cart_waits_until_the_older_one_is_delivered() {
    let (broker, folder) = (Broker::start(), folder("in-hand"));
    let session = SessionId::fresh();
    let older = change(&session, 1);
    let (path, _lock) = journal(&folder, 7, &[Record::Put(older.clone())]);
    let instance = Instance::start(&folder, &broker, PACE);
    instance.accept(change(&session, 2));
    others_are_delivered(&instance, &broker);
    assert_eq!(revisions(&broker, &session), [0; 0]);
    let mut other = Journal::open(&path).unwrap();
    other.append(&[done(&older)]).unwrap();
    delivers(&instance);
    assert_eq!(revisions(&broker, &session), [2]);
}

#[test]
fn an_instance_that_is_cut_off_gives_up_a_cart_when_another_has_a_newer_one() {
    let (broker, folder) = (Broker::start(), folder("cut-off"));
    let session = SessionId::fresh();
    let one = Instance::start(&folder, &broker, WITHOUT_SWEEP);
    let two = Instance::start(&folder, &broker, WITHOUT_SWEEP);
    one.door.set(Opening::Shut);
    one.accept(change(&session, 1));
    let before = broker.requests();
    until_blocking("tried", || broker.requests() > before + 2);
    two.accept(change(&session, 2));
    delivers(&one);
    delivers(&two);
    assert_eq!(revisions(&broker, &session), [2]);
}

/// The newer cart was delivered by one that is dead too, and whoever starts finds both journals.
#[test]
fn a_cart_is_dropped_when_a_dead_instance_delivered_a_newer_one() {
    for (older_at, newer_at) in [(0, 1), (1, 0), (5, 9), (9, 5)] {
        let (broker, folder) = (Broker::start(), folder("both-dead"));
        let session = SessionId::fresh();
        let (older, newer) = (change(&session, 1), change(&session, 2));
        let waits = journal(&folder, older_at, &[Record::Put(older)]);
        let delivered = [Record::Put(newer.clone()), done(&newer)];
        let delivered = journal(&folder, newer_at, &delivered);
        drop((waits, delivered));
        let instance = Instance::start(&folder, &broker, PACE);
        others_are_delivered(&instance, &broker);
        delivers(&instance);
        assert_eq!(revisions(&broker, &session), [0; 0]);
    }
}

#[test]
fn how_far_a_session_is_outlives_the_lines_that_said_so() {
    let (broker, folder) = (Broker::start(), folder("passed"));
    let session = SessionId::fresh();
    drop(journal(&folder, 7, &[Record::Put(change(&session, 1))]).1);
    fs::rename(folder.join("7.jsonl"), folder.join("7")).unwrap();
    let instance = Instance::start(&folder, &broker, WITHOUT_SWEEP);
    // It was not there for the take-over at the start, and this instance does no other.
    fs::rename(folder.join("7"), folder.join("7.jsonl")).unwrap();
    instance.accept(change(&session, 2));
    delivers(&instance);
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
        delivers(instance);
        let before = length;
        length = fs::metadata(journal).unwrap().len();
        if length < before {
            return;
        }
    }
    panic!("it only grows: {length}");
}

#[test]
fn two_that_sweep_never_take_the_same() {
    let (broker, folder) = (Broker::start(), folder("two-sweep"));
    let one = Instance::start(&folder, &broker, PACE);
    let two = Instance::start(&folder, &broker, PACE);
    for round in 1..=20 {
        let sessions = [0; 10].map(|_| SessionId::fresh());
        let left = sessions.each_ref().map(|it| Record::Put(change(it, 1)));
        let (path, lock) = journal(&folder, 7, &left);
        drop(lock);
        until_blocking("taken over", || !path.exists());
        until_blocking("delivered", || broker.accepted().len() == 10 * round);
        delivers(&one);
        delivers(&two);
        assert_eq!(broker.requests(), 10 * round, "each was sent once");
    }
}

/// The changes are in the journal of whoever took over, the file is still there, and all are dead.
#[test]
fn a_take_over_that_was_cut_short_loses_nothing() {
    let (broker, folder) = (Broker::start(), folder("cut-short"));
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
    let (broker, folder) = (Broker::start(), folder("again"));
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
    let (broker, folder) = (Broker::start(), folder("third"));
    let session = SessionId::fresh();
    let left = [Record::Put(change(&session, 1))];
    let (third, _lock) = journal(&folder, 8, &left);
    let (path, lock) = journal(&folder, 7, &left);
    let instance = Instance::start(&folder, &broker, PACE);
    drop(lock);
    until_blocking("taken over", || !path.exists());
    fs::remove_file(third).unwrap();
    until_blocking("delivered", || revisions(&broker, &session) == [1]);
    delivers(&instance);
}

#[test]
fn ours_is_on_the_disk_before_theirs_goes() {
    let (broker, folder) = (Broker::start(), folder("before"));
    let left: Vec<_> = (0..3000)
        .map(|_| Record::Put(change(&SessionId::fresh(), 1)))
        .collect();
    drop(journal(&folder, 7, &left).1);
    let (theirs, ours) = (folder.join("7.jsonl"), folder.join("0.jsonl"));
    let watch = std::thread::spawn(move || {
        while theirs.exists() {
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

/// The session's newer cart is delivered by an instance that is dead when this one looks again.
#[test]
fn a_cart_that_waits_is_given_up_when_a_newer_one_turns_up_in_a_take_over() {
    let (broker, folder) = (Broker::start(), folder("turns-up"));
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
    delivers(&instance);
    assert_eq!(revisions(&broker, &session), [0; 0]);
}

#[test]
fn a_journal_that_another_instance_began_anew_is_read_anew() {
    let (broker, folder) = (Broker::start(), folder("anew"));
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
    delivers(&instance);
    assert_eq!(revisions(&broker, &session), [0; 0]);
}

/// A journal is listed, and cannot be found.
#[test]
fn without_a_look_into_the_folder_nothing_is_sent() {
    let (broker, folder) = (Broker::start(), folder("no-look"));
    let session = SessionId::fresh();
    let instance = Instance::start(&folder, &broker, WITHOUT_SWEEP);
    others_are_delivered(&instance, &broker);
    let path = folder.join("1.jsonl");
    std::os::unix::fs::symlink(folder.join("nowhere"), &path).unwrap();
    instance.accept(change(&session, 1));
    std::thread::park_timeout(Duration::from_millis(100));
    assert_eq!(instance.pending(), 1);
    assert_eq!(revisions(&broker, &session), [0; 0]);
    fs::remove_file(path).unwrap();
    delivers(&instance);
    assert_eq!(revisions(&broker, &session), [1]);
}

/// The control: what these tests find missing is found when it was sent.
#[test]
fn what_a_dead_instance_left_is_delivered() {
    let (broker, folder) = (Broker::start(), folder("left"));
    let session = SessionId::fresh();
    let instance = Instance::start(&folder, &broker, PACE);
    let (path, lock) = journal(&folder, 7, &[Record::Put(change(&session, 1))]);
    others_are_delivered(&instance, &broker);
    assert!(path.exists(), "its instance lives");
    drop(lock);
    until_blocking("delivered", || revisions(&broker, &session) == [1]);
    instance.accept(change(&session, 2));
    delivers(&instance);
    assert_eq!(revisions(&broker, &session), [1, 2]);
}
