//! A breach of the promise, with what shows it.

use serde::Serialize;

/// One breach; its text is the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Violation {
    /// An accepted message is nowhere.
    #[error(
        "lost: cart {revision} of {session} (message {message_id}, number {}) was accepted, and is neither stored at its \
         number or a later one, nor mailed, queued or dead-lettered; its blob: {blob}", shown(*number)
    )]
    Lost {
        /// Whose cart.
        session: String,
        /// Which one.
        revision: u64,
        message_id: String,
        /// Its number, where it showed.
        number: Option<u64>,
        /// What the session's blob holds.
        blob: String,
    },
    /// An accepted message that is no order is nowhere.
    #[error(
        "poison lost: message {message_id} of {session} is no order, was accepted, and is neither mailed, queued nor \
         dead-lettered"
    )]
    PoisonLost {
        message_id: String,
        /// Who sent it.
        session: String,
    },
    /// A message that is no order was stored.
    #[error("poison stored: {name} holds message {message_id}, which is no order")]
    PoisonStored {
        name: String,
        /// The message in it.
        message_id: String,
    },
    /// A blob was overwritten with an older cart.
    #[error("went back: {name} had {from}, and then got {to}")]
    WentBack {
        name: String,
        /// What it had.
        from: String,
        /// What it got.
        to: String,
    },
    /// A blob changed without a write, or is gone.
    #[error("not the last write: {name} was last written as {last}, and is {}", found.as_deref().unwrap_or("gone"))]
    NotTheLastWrite {
        name: String,
        /// The version that was written last.
        last: String,
        /// The version there is.
        found: Option<String>,
    },
    /// Other bytes than were published.
    #[error(
        "altered: {name} says it holds message {message_id}, published as sha256 {expected}, and holds {found}, {}",
        published_as.as_ref().map_or_else(|| "which nobody published".to_owned(), |id| format!("published as {id}"))
    )]
    Altered {
        name: String,
        /// The message it says it holds.
        message_id: String,
        /// Of the bytes that were published.
        expected: String,
        /// Of the bytes there are.
        found: String,
        /// The message that has these bytes, if any.
        published_as: Option<String>,
    },
    /// A message of this run in another session's blob.
    #[error("wrong session: {name} holds message {message_id}, which was sent for {session}")]
    WrongSession {
        name: String,
        /// The message in it.
        message_id: String,
        /// Whose it is.
        session: String,
    },
    /// A blob of a session of ours with content that is not.
    #[error("unknown: {name} holds message {}, which nobody sent", message_id.as_deref().unwrap_or("(no message id)"))]
    Unknown {
        name: String,
        /// What it says it holds.
        message_id: Option<String>,
    },
    /// A message that the queue refused was stored.
    #[error(
        "refused and stored: {name} holds message {message_id}, to which the queue said {status}"
    )]
    Refused {
        name: String,
        /// The message in it.
        message_id: String,
        /// What the queue said.
        status: u16,
    },
    /// A blob of a session that nobody sent, on a stack that nobody else uses.
    #[error("foreign: {name} was written during the run, and no such session was sent")]
    Foreign { name: String },
    /// A mail without the whole order, or for another session.
    #[error(
        "mail: message {message_id} of {session} was mailed for {} with {what} of sha256 {}, expected {expected}",
        mailed_for.as_deref().unwrap_or("(no session)"), found.as_deref().unwrap_or("(none)")
    )]
    Mail {
        message_id: String,
        /// Whose it is.
        session: String,
        /// The order, or the bytes of what is none.
        what: &'static str,
        /// Of it as it was published.
        expected: String,
        /// Of it as it was mailed.
        found: Option<String>,
        /// The session in the mail.
        mailed_for: Option<String>,
    },
    /// One message was accepted twice.
    #[error("two numbers: message {message_id} shows as #{} and as #{}", numbers.0, numbers.1)]
    TwoNumbers {
        message_id: String,
        numbers: (u64, u64),
    },
    /// Two messages share a number.
    #[error("same number: #{number} is message {} and message {}", message_ids.0, message_ids.1)]
    SameNumber {
        number: u64,
        message_ids: (String, String),
    },
    /// One message waits and is dead.
    #[error("queued and dead: message {message_id} waits in the queue and is a dead letter")]
    QueuedAndDead { message_id: String },
    /// A storefront's page confirmed a cart that is not reserved.
    #[error("not the cart shown: the page confirmed {shown} for {session}; its blob: {blob}")]
    NotTheCartShown {
        /// Whose cart.
        session: String,
        /// What the page showed.
        shown: String,
        /// What is stored.
        blob: String,
    },
    /// A storefront's page shows what no order of a shopper's clicks leads to: one was lost, undone,
    /// or done twice.
    #[error("not explained by the clicks of {session}: {seen}; possible is {expected}")]
    Unexplained {
        /// Whose cart.
        session: String,
        /// What was shown or answered.
        seen: String,
        /// What would have been possible.
        expected: String,
    },
    /// An order is not as it was when the page said that it is placed.
    #[error("placed order changed: {session} was placed as {placed}; its blob: {blob}")]
    PlacedOrder {
        /// Whose order.
        session: String,
        /// What was placed.
        placed: String,
        /// What is stored.
        blob: String,
    },
    /// The storefront says that changes still wait.
    #[error("pending: the storefront says that {pending} changes still wait")]
    Pending {
        /// How many.
        pending: u64,
    },
}

fn shown(number: Option<u64>) -> String {
    number.map_or_else(|| "not seen".to_owned(), |number| format!("#{number}"))
}
