//! The outbox's file: torn, damaged, grown.

use std::io::Write as _;

use petstore::outbox::{Change, Journal, Record};
use petstore::session::Visit;
use testkit::fixture::Folder;

fn change(visit: &Visit) -> Change {
    Change::new(visit, "{}".to_owned()).unwrap()
}

#[test]
fn a_torn_tail_is_cut_wherever_it_tears() {
    let folder = Folder::new();
    let path = folder.join("0.jsonl");
    let (one, two) = (change(&Visit::fresh()), change(&Visit::fresh()));
    let mut journal = Journal::open(&path).unwrap();
    journal.append(&[Record::Put(one.clone())]).unwrap();
    let whole = std::fs::read(&path).unwrap();
    journal.append(&[Record::Put(two)]).unwrap();
    drop(journal);
    let both = std::fs::read(&path).unwrap();
    for torn in whole.len()..both.len() {
        std::fs::write(&path, &both[..torn]).unwrap();
        let mut journal = Journal::open(&path).unwrap();
        let waiting: Vec<_> = journal
            .waiting()
            .map(|change| change.message.clone())
            .collect();
        assert!(waiting.iter().eq([&one.message]), "{torn}");
        let after = change(&Visit::fresh());
        journal.append(&[Record::Put(after)]).unwrap();
        assert_eq!(Journal::open(&path).unwrap().waiting().count(), 2, "{torn}");
    }
}

#[test]
fn the_journal_keeps_the_newest_forgets_what_is_done_and_stays_small() {
    let folder = Folder::new();
    let path = folder.join("0.jsonl");
    let mut journal = Journal::open(&path).unwrap();
    let mut visit = Visit::fresh();
    let mut newest = change(&visit);
    for revision in 1..6000 {
        let old = newest;
        visit.revision = revision;
        newest = change(&visit);
        let done = Record::Done {
            session: old.session,
            message: old.message,
        };
        journal
            .append(&[Record::Put(newest.clone()), done])
            .unwrap();
        if journal.is_large() {
            journal.compact(|_, _| false).unwrap();
        }
    }
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 2 << 20, "{size}");
    let left: Vec<_> = Journal::open(&path)
        .unwrap()
        .waiting()
        .map(|change| change.message.clone())
        .collect();
    assert_eq!(
        left,
        [newest.message.clone()],
        "a done of an older one takes nothing away"
    );
    journal.compact(|_, _| false).unwrap();
    // A damaged line costs itself only.
    std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"damaged\n")
        .unwrap();
    let done = Record::Done {
        session: newest.session,
        message: newest.message,
    };
    let mut journal = Journal::open(&path).unwrap();
    assert_eq!(journal.waiting().count(), 1);
    journal.append(&[done]).unwrap();
    assert_eq!(Journal::open(&path).unwrap().waiting().count(), 0);
}

#[test]
fn a_session_that_is_past_a_cart_waits_with_it_no_more() {
    let folder = Folder::new();
    let path = folder.join("0.jsonl");
    let mut visit = Visit::fresh();
    let mut next = || {
        visit.revision += 1;
        change(&visit)
    };
    let (one, two, three) = (next(), next(), next());
    let passed = |change: &Change| Record::Passed {
        session: change.session.clone(),
        age: change.age(),
    };
    let mut journal = Journal::open(&path).unwrap();
    let lines = [Record::Put(two.clone()), passed(&one), passed(&two)];
    journal.append(&lines).unwrap();
    assert_eq!(Journal::open(&path).unwrap().waiting().count(), 1);
    journal.append(&[passed(&three)]).unwrap();
    assert_eq!(Journal::open(&path).unwrap().waiting().count(), 0);
    journal.compact(|_, _| true).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.contains(r#""revision":3"#) && text.lines().count() == 1,
        "{text}"
    );
}
