//! Who is mailed by a redrive: people get what they alone can settle.
//!
//! While the function runs, a store that is down means a mail, for the message would end among
//! the dead. Here it is there already and safe: a thousand mails would tell nobody more than
//! "the storage is down", and take a thousand orders off the queue that a second run can store.

use order_items_reserver::{
    fallback::{Fallback, FallbackError, Notice, Reason},
    store::StoreError,
};

/// Hands over what is unreadable or contradictory; what the storage did not take only if told so.
#[derive(Debug)]
pub struct Careful<F> {
    /// Who takes it.
    pub fallback: F,
    /// Also what the storage did not take.
    pub unstored_too: bool,
}

impl<F: Fallback> Fallback for Careful<F> {
    async fn send(&self, notice: &Notice<'_>) -> Result<(), FallbackError> {
        let a_persons_case = match notice.reason {
            Reason::Unreadable(_) => true,
            Reason::NotConfirmed(exhausted) => {
                matches!(exhausted.last, StoreError::Contradictory { .. })
            }
        };
        if a_persons_case || self.unstored_too {
            self.fallback.send(notice).await
        } else {
            Err(FallbackError::Withheld)
        }
    }
}
