//! The judge: what was published, and what anybody can see of it.

use bytes::Bytes;

use crate::support::{Message, contains};

/// What can be seen from outside: every state of the blob, and every mail.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) stored: Vec<(u64, Bytes)>,
    pub(super) mailed: Vec<Bytes>,
}

impl Evidence {
    /// Whether this order is safe: stored, replaced by a newer one, or with a person.
    pub(super) fn keeps(&self, message: &Message) -> Result<(), String> {
        let stored = self
            .stored
            .last()
            .is_some_and(|(number, _)| *number >= message.sequence);
        let mailed = self.mailed.iter().any(|mail| contains(mail, &message.body));
        match stored || mailed {
            true => Ok(()),
            false => Err(format!("order {} is lost: {self:?}", message.sequence)),
        }
    }

    /// The promise, once all messages are settled.
    pub(super) fn judge(&self, published: &[Message]) -> Result<(), String> {
        if !self.stored.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err(format!("the blob went back: {self:?}"));
        }
        for (number, bytes) in &self.stored {
            let message = published.iter().find(|message| message.sequence == *number);
            if message.is_none_or(|message| message.body != bytes) {
                return Err(format!("not what was published: {number} {bytes:?}"));
            }
        }
        published.iter().try_for_each(|message| self.keeps(message))
    }
}

#[test]
fn the_oracle_can_tell_a_loss_a_roll_back_and_a_change() {
    let [first, second] = [1, 2].map(|number| Message::new("cart", number));
    let stored = |messages: &[&Message]| Evidence {
        stored: messages
            .iter()
            .map(|message| (message.sequence, message.body.clone()))
            .collect(),
        mailed: Vec::new(),
    };
    let published = [first.clone(), second.clone()];
    assert_eq!(stored(&[&first, &second]).judge(&published), Ok(()));
    assert_eq!(stored(&[&second]).judge(&published), Ok(()));
    assert!(stored(&[]).judge(&published).is_err(), "both lost");
    assert!(
        stored(&[&first]).judge(&published).is_err(),
        "the newer one lost"
    );
    assert!(
        stored(&[&second, &first]).judge(&published).is_err(),
        "went back"
    );
    assert!(
        stored(&[&second, &second]).judge(&published).is_err(),
        "written twice"
    );
    let changed = Message {
        body: first.body.clone(),
        ..second.clone()
    };
    assert!(
        stored(&[&changed]).judge(&published).is_err(),
        "other bytes"
    );
    let mailed = Evidence {
        mailed: vec![second.body.clone()],
        ..stored(&[&first])
    };
    assert_eq!(mailed.judge(&published), Ok(()));
}
