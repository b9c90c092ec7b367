//! What the door says when it refuses: a condition programs know and a sentence people read.

use fe2o3_amqp_types::definitions::{AmqpError, Error, ErrorCondition, LinkError};
use fe2o3_amqp_types::messaging::{DeliveryState, Rejected};
use fe2o3_amqp_types::primitives::Value;

use crate::queue::{LockLost, MESSAGE_MAX, NoSuchNumber, SendRefused, SessionHeld, SessionLost};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AmqpRefusal {
    condition: ErrorCondition,
    description: String,
}

impl AmqpRefusal {
    pub(super) fn new(
        condition: impl Into<ErrorCondition>,
        description: impl Into<String>,
    ) -> Self {
        Self {
            condition: condition.into(),
            description: description.into(),
        }
    }

    /// A condition of Service Bus's own.
    fn own(condition: &str, description: impl Into<String>) -> Self {
        Self::new(ErrorCondition::Custom(condition.into()), description)
    }

    pub(super) fn message_lock_lost() -> Self {
        Self::own("com.microsoft:message-lock-lost", LockLost.to_string())
    }

    pub(super) fn session_lock_lost() -> Self {
        Self::own("com.microsoft:session-lock-lost", SessionLost.to_string())
    }

    pub(super) fn session_held(session: &str, held: SessionHeld) -> Self {
        let description = format!("{session:?}: {held}");
        Self::own("com.microsoft:session-cannot-be-locked", description)
    }

    pub(super) fn no_session_in_time() -> Self {
        let description = "no session with a message was free in time";
        Self::own("com.microsoft:timeout", description)
    }

    pub(super) fn no_such_number(missing: NoSuchNumber) -> Self {
        Self::own("com.microsoft:message-not-found", missing.to_string())
    }

    pub(super) fn session_needed() -> Self {
        let description = "It is not possible for an entity that requires sessions \
             to create a non-sessionful message receiver: \
             expected a session filter in the source of the link";
        Self::new(AmqpError::NotAllowed, description)
    }

    pub(super) fn no_sessions_here() -> Self {
        let description = "the queue has no sessions: expected no session filter in the source";
        Self::new(AmqpError::NotAllowed, description)
    }

    pub(super) fn sending_to_dead_letters() -> Self {
        let description = "nobody sends to a dead-letter queue: expected the queue's own name";
        Self::new(AmqpError::NotAllowed, description)
    }

    pub(super) fn dead_already() -> Self {
        let description = "a message of the dead-letter queue cannot be dead-lettered once more";
        Self::new(AmqpError::NotAllowed, description)
    }

    /// What Service Bus has beside queues, and this stack has not.
    pub(super) fn foreign(path: &str) -> Self {
        let description = format!(
            "{path:?}: the local stack has queues alone, \
             and neither topics with subscriptions nor transfer queues"
        );
        Self::new(AmqpError::NotImplemented, description)
    }

    pub(super) fn transactions() -> Self {
        let description = "the local stack does not offer transactions";
        Self::new(AmqpError::NotImplemented, description)
    }

    pub(super) fn invalid(problem: impl Into<String>) -> Self {
        Self::new(AmqpError::InvalidField, problem)
    }

    /// The condition by name, and the sentence.
    pub(super) fn told(&self) -> (String, String) {
        let condition = serde_amqp::to_value(&self.condition).ok();
        let condition = match condition {
            Some(Value::Symbol(name)) => name.as_str().to_owned(),
            _ => String::new(),
        };
        (condition, self.description.clone())
    }

    /// What the queue itself says.
    pub(super) fn of(refused: &SendRefused) -> Self {
        let condition = match refused {
            SendRefused::NoSession => AmqpError::NotAllowed,
            SendRefused::NotKept(_) => AmqpError::InternalError,
        };
        Self::new(condition, refused.to_string())
    }

    /// What stands in the way on purpose, under the name that REST has for it.
    pub(super) fn broken(error_code: &str) -> Self {
        let condition = match error_code {
            "ServerBusy" | "TooManyRequests" => {
                ErrorCondition::Custom("com.microsoft:server-busy".into())
            }
            _ => AmqpError::InternalError.into(),
        };
        Self::new(condition, format!("{error_code}: on purpose"))
    }

    pub(super) fn too_large() -> Self {
        let limit = MESSAGE_MAX / 1024;
        Self::new(
            LinkError::MessageSizeExceeded,
            format!(
                "the message or batch is larger than {limit} KiB, body and properties together"
            ),
        )
    }

    /// As AMQP carries it. `info` is there and empty: Microsoft's Python client looks into it
    /// unasked.
    pub(super) fn into_error(self) -> Error {
        Error::new(self.condition, self.description, Some(Default::default()))
    }

    pub(super) fn into_outcome(self) -> DeliveryState {
        DeliveryState::Rejected(Rejected {
            error: Some(self.into_error()),
        })
    }
}
