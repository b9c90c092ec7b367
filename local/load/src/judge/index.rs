//! The evidence by message, and what contradicts itself in it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::violation::Violation;
use crate::evidence::{Evidence, Mailed, Mark, Sent, Waiting, blob_name};

/// Numbers that come back with enqueue times further apart belong to a queue that was created anew.
const QUEUE_LIFE: time::Duration = time::Duration::seconds(60);

pub(super) struct Index<'a> {
    by_id: HashMap<&'a str, &'a Sent>,
    /// Carts by their bytes: no two sessions have the same.
    by_bytes: HashMap<&'a str, &'a Sent>,
    sessions: HashMap<String, &'a str>,
    numbers: HashMap<&'a str, u64>,
    pub(super) mailed: HashMap<&'a str, &'a Mailed>,
    pub(super) queued: HashSet<&'a str>,
    pub(super) dead: HashSet<&'a str>,
    /// Numbers that contradict each other.
    pub(super) conflicts: Vec<Violation>,
}

impl<'a> Index<'a> {
    pub(super) fn new(evidence: &'a Evidence) -> Self {
        let ids = |waiting: &'a [Waiting]| {
            waiting
                .iter()
                .filter_map(|waiting| waiting.message_id.as_deref())
                .collect()
        };
        let mailed = evidence.mailed.iter();
        let mut index = Self {
            by_id: evidence
                .sent
                .iter()
                .map(|sent| (sent.message_id.as_str(), sent))
                .collect(),
            by_bytes: evidence
                .sent
                .iter()
                .filter(|sent| !sent.is_poison())
                .map(|sent| (sent.sha256.as_str(), sent))
                .collect(),
            sessions: evidence
                .sent
                .iter()
                .map(|sent| (blob_name(&sent.session), sent.session.as_str()))
                .collect(),
            numbers: HashMap::new(),
            mailed: mailed
                .filter_map(|mailed| Some((mailed.message_id.as_deref()?, mailed)))
                .collect(),
            queued: ids(&evidence.queued),
            dead: ids(&evidence.dead),
            conflicts: Vec::new(),
        };
        index.learn_numbers(evidence);
        index
    }

    /// A send does not tell the number: it shows wherever the message does.
    fn learn_numbers(&mut self, evidence: &'a Evidence) {
        let marks = evidence.writes.iter().map(|write| &write.mark);
        let marks = marks.chain(evidence.blobs.values().map(|blob| &blob.mark));
        let seen = marks.map(|mark| (mark.message_id.as_deref(), mark.sequence));
        let waiting = evidence.queued.iter().chain(&evidence.dead);
        let waiting = waiting.map(|one| (one.message_id.as_deref(), Some(one.sequence)));
        let mailed = evidence
            .mailed
            .iter()
            .map(|one| (one.message_id.as_deref(), one.sequence));
        let mut numbers: BTreeSet<(&str, u64)> = BTreeSet::new();
        for (id, number) in seen.chain(waiting).chain(mailed) {
            if let (Some(id), Some(number)) = (id, number)
                && self.by_id.contains_key(id)
            {
                numbers.insert((id, number));
            }
        }
        let mut holders: BTreeMap<u64, &str> = BTreeMap::new();
        for (id, number) in numbers {
            if let Some(other) = self.numbers.insert(id, number) {
                self.conflicts.push(Violation::TwoNumbers {
                    message_id: id.to_owned(),
                    numbers: (other, number),
                });
            }
            if let Some(other) = holders.insert(number, id) {
                self.conflicts.push(Violation::SameNumber {
                    number,
                    message_ids: (other.to_owned(), id.to_owned()),
                });
            }
        }
        for id in self.queued.intersection(&self.dead) {
            self.conflicts.push(Violation::QueuedAndDead {
                message_id: (*id).to_owned(),
            });
        }
    }

    pub(super) fn sent(&self, id: &str) -> Option<&'a Sent> {
        self.by_id.get(id).copied()
    }

    /// The cart that has these bytes.
    pub(super) fn order_of(&self, sha256: &str) -> Option<&'a Sent> {
        self.by_bytes.get(sha256).copied()
    }

    pub(super) fn number(&self, id: &str) -> Option<u64> {
        self.numbers.get(id).copied()
    }

    /// Whose blob it is, when it is one of ours.
    pub(super) fn session_of(&self, name: &str) -> Option<&'a str> {
        self.sessions.get(name).copied()
    }

    /// Whether a write of `mark` after `before` took the blob back.
    pub(super) fn is_older(&self, mark: &Mark, before: &Mark) -> bool {
        let revision = |mark: &Mark| Some(self.sent(mark.message_id.as_deref()?)?.revision);
        if let (Some(now), Some(before)) = (revision(mark), revision(before))
            && now < before
        {
            return true;
        }
        if let (Some(now), Some(then)) = (mark.enqueued, before.enqueued)
            && now - then > QUEUE_LIFE
        {
            return false;
        }
        matches!((mark.sequence, before.sequence), (Some(now), Some(before)) if now < before)
    }

    /// A mark for people.
    pub(super) fn shown(&self, mark: &Mark) -> String {
        let number = mark
            .sequence
            .map_or_else(|| "no number".to_owned(), |number| format!("#{number}"));
        let Some(id) = &mark.message_id else {
            return format!("{number}, no message id");
        };
        match self.sent(id) {
            Some(sent) => format!("{number}, cart {} ({id})", sent.revision),
            None => format!("{number}, {id}, which nobody sent"),
        }
    }
}
