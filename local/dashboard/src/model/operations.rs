//! Which mail is about which message: joined by the id that the Logic App has for both.

use std::collections::VecDeque;

/// Operations that are remembered: the newest.
const KEPT: usize = 1_000;

/// What is known of one run of the Logic App.
#[derive(Debug, Default)]
pub(super) struct Operation {
    id: String,
    pub(super) sequence: Option<u64>,
    pub(super) mail: Option<u64>,
}

/// The newest runs, oldest first.
#[derive(Debug, Default)]
pub(super) struct Operations(VecDeque<Operation>);

impl Operations {
    /// The run with that id; a new one when there is none.
    pub(super) fn of(&mut self, id: &str) -> &mut Operation {
        let known = self.0.iter().rposition(|operation| operation.id == id);
        let place = known.unwrap_or_else(|| {
            if self.0.len() == KEPT {
                self.0.pop_front();
            }
            self.0.push_back(Operation {
                id: id.to_owned(),
                ..Operation::default()
            });
            self.0.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or pushed just now")]
        &mut self.0[place]
    }
}
