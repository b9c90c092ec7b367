//! Which dead letters an operator means.

use order_items_reserver::order::Order;

use crate::letter::Letter;

/// Which letters are meant.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of this session only.
    pub session: Option<String>,
    /// The one with this sequence number only.
    pub sequence: Option<u64>,
    /// So many at the most.
    pub limit: Option<usize>,
}

impl Filter {
    /// Whether the letter is meant.
    #[must_use]
    pub fn takes(&self, letter: &Letter) -> bool {
        if self
            .sequence
            .is_some_and(|wanted| letter.sequence != wanted)
        {
            return false;
        }
        let Some(wanted) = &self.session else {
            return true;
        };
        // The session that the reservation would take: a letter may name it in its body only.
        match Order::parse(&letter.delivery) {
            Ok(order) => order.session.as_str() == wanted,
            Err(_) => letter.delivery.session_id.as_ref() == Some(wanted),
        }
    }

    /// Whether so many are enough.
    #[must_use]
    pub fn is_full(&self, taken: usize) -> bool {
        self.limit.is_some_and(|limit| taken >= limit)
    }

    /// Whether every letter is meant.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.session.is_none() && self.sequence.is_none() && self.limit.is_none()
    }
}
