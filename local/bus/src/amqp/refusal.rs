//! What the door says when it refuses: a condition programs know and a sentence people read.

use fe2o3_amqp_types::definitions::{AmqpError, Error, ErrorCondition, LinkError};
use fe2o3_amqp_types::messaging::{DeliveryState, Rejected};

use crate::queue::{MESSAGE_MAX, SendRefused};

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

    pub(super) fn receiving(queue: &str) -> Self {
        Self::new(
            AmqpError::NotImplemented,
            format!(
                "the local stack does not hand out messages over AMQP: \
                 its Functions host takes those of {queue:?}; \
                 to look at them or take some, use the queue's REST door"
            ),
        )
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
