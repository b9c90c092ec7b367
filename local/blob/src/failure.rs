//! A refusal as the service words it: status, error code, message.

use axum::http::StatusCode;

use super::storage::StorageError;

/// Becomes the headers and the XML body of an error answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn authentication(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AuthenticationFailed", message)
    }

    /// Not a code of the service: it says that this endpoint knows less than the service.
    pub(super) fn not_implemented(what: &str) -> Self {
        let message = format!("This local endpoint does not implement {what}.");
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    pub(super) fn body_too_large() -> Self {
        let message = "The request body is too large or did not arrive as a whole.";
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestBodyTooLarge",
            message,
        )
    }

    pub(super) fn fault(status: StatusCode, code: &'static str) -> Self {
        Self::new(
            status,
            code,
            "A fault that was switched on for this endpoint.",
        )
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        let (status, code) = match error {
            StorageError::ContainerNotFound => (StatusCode::NOT_FOUND, "ContainerNotFound"),
            StorageError::ContainerAlreadyExists => {
                (StatusCode::CONFLICT, "ContainerAlreadyExists")
            }
            StorageError::BlobNotFound => (StatusCode::NOT_FOUND, "BlobNotFound"),
            StorageError::BlobAlreadyExists => (StatusCode::CONFLICT, "BlobAlreadyExists"),
            StorageError::ConditionNotMet => (StatusCode::PRECONDITION_FAILED, "ConditionNotMet"),
            StorageError::NotModified => (StatusCode::NOT_MODIFIED, "ConditionNotMet"),
            StorageError::NotKept(_) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<axum::http::Error> for Failure {
    /// A stored value that is no legal header; only a test's own seed can hold one.
    fn from(error: axum::http::Error) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "InternalError", error.to_string())
    }
}
