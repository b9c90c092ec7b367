//! What the SDK's errors mean to whoever writes under a condition.

use std::time::Duration;

use azure_app::http_client::root_cause;
use azure_core::error::ErrorKind;
use azure_core::http::RawResponse;
use azure_core::http::headers::{HeaderName, RETRY_AFTER};

/// An answer other than success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The condition did not hold. Sources disagree on whether the service says 409 or 412 to
    /// `If-None-Match: *`; both mean the same here.
    Conflict,
    /// There is no such container.
    NoContainer,
    /// There is no such blob.
    NoBlob,
    /// None of these.
    Other(StorageError),
}

/// Why a request was not done, or not seen to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// No answer within the time limit of whoever asked.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The storage answered, but not with yes.
    #[error("{status}{}", code.as_deref().map(|code| format!(" {code}")).unwrap_or_default())]
    Refused {
        /// HTTP status.
        status: u16,
        /// `x-ms-error-code`, if given.
        code: Option<String>,
        /// `Retry-After`, if given in seconds.
        retry_after: Option<Duration>,
    },
    /// No connection, or it broke before the answer was complete.
    /// Holds the innermost cause only: the outer ones quote the URL, which may be signed.
    #[error("storage unreachable: {0}")]
    Unreachable(String),
    /// The identity gets no token for the storage; the innermost cause.
    #[error("no token for the storage: {0}")]
    Credential(String),
    /// An answer that Blob Storage does not give.
    #[error("unexpected answer of the storage: {0}")]
    Unexpected(String),
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> Self {
        let (status, code) = match failure {
            Failure::Other(error) => return error,
            Failure::Conflict => (409, "Conflict"),
            Failure::NoContainer => (404, "ContainerNotFound"),
            Failure::NoBlob => (404, "BlobNotFound"),
        };
        Self::Refused {
            status,
            code: Some(code.to_owned()),
            retry_after: None,
        }
    }
}

impl From<azure_core::Error> for Failure {
    fn from(error: azure_core::Error) -> Self {
        match error.kind() {
            ErrorKind::HttpResponse {
                status,
                raw_response,
                ..
            } => Self::of_answer((*status).into(), raw_response.as_deref()),
            ErrorKind::Credential => Self::Other(StorageError::Credential(root_cause(&error))),
            ErrorKind::DataConversion => Self::Other(StorageError::Unexpected(root_cause(&error))),
            _ => Self::Other(StorageError::Unreachable(root_cause(&error))),
        }
    }
}

impl Failure {
    fn of_answer(status: u16, answer: Option<&RawResponse>) -> Self {
        let header = |name: HeaderName| answer?.headers().get_optional_string(&name);
        let code = header(HeaderName::from_static("x-ms-error-code"));
        match (status, code.as_deref()) {
            (404, Some("ContainerNotFound")) => Self::NoContainer,
            (404, Some("BlobNotFound")) => Self::NoBlob,
            (409, None | Some("BlobAlreadyExists" | "ContainerAlreadyExists")) => Self::Conflict,
            (412, None | Some("ConditionNotMet" | "TargetConditionNotMet")) => Self::Conflict,
            _ => Self::Other(StorageError::Refused {
                status,
                code,
                retry_after: header(RETRY_AFTER)
                    .and_then(|seconds| seconds.trim().parse().ok())
                    .map(Duration::from_secs),
            }),
        }
    }
}
