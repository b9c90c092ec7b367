//! Faults that the local stack and the tests switch on while a stand-in runs.

use std::time::Duration;

use axum::http::StatusCode;

/// What goes wrong with a request. A refused connection is no fault of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The request is refused and changes nothing.
    Status {
        /// The status of the answer.
        status: StatusCode,
        /// The error code in the answer, as the service spells it (`ServerBusy`).
        error_code: &'static str,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u32>,
    },
    /// The request takes effect and is answered this much later, even if its client has left.
    Delay(Duration),
    /// The request takes no effect and gets no answer. Its connection is closed at the next
    /// change of the standing fault.
    Hang,
    /// The request takes effect, and the connection is closed without an answer.
    ApplyThenDropConnection,
    /// The request takes effect, and the answer is this status all the same.
    ApplyThenStatus(StatusCode),
}

impl Fault {
    /// Everything is refused, as after a lost role assignment or behind a firewall.
    pub const FORBID_ALL: Self = Self::Status {
        status: StatusCode::FORBIDDEN,
        error_code: "AuthorizationFailure",
        retry_after: None,
    };
}
