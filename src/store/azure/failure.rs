//! What the SDK's errors mean to the write protocol.

use std::time::Duration;

use azure_app::http_client::root_cause;
use azure_core::error::ErrorKind;
use azure_core::http::RawResponse;
use azure_core::http::headers::{HeaderName, RETRY_AFTER};

use super::StoreError;

/// An answer other than success.
pub(super) enum BlobFailure {
    /// The condition did not hold. Sources disagree on whether the service says 409 or 412 to
    /// `If-None-Match: *`; both mean the same here.
    Conflict,
    NoContainer,
    NoBlob,
    Other(StoreError),
}

impl From<BlobFailure> for StoreError {
    fn from(failure: BlobFailure) -> Self {
        let (status, code) = match failure {
            BlobFailure::Other(error) => return error,
            BlobFailure::Conflict => (409, "Conflict"),
            BlobFailure::NoContainer => (404, "ContainerNotFound"),
            BlobFailure::NoBlob => (404, "BlobNotFound"),
        };
        Self::Refused {
            status,
            code: Some(code.to_owned()),
            retry_after: None,
        }
    }
}

impl From<azure_core::Error> for BlobFailure {
    fn from(error: azure_core::Error) -> Self {
        match error.kind() {
            ErrorKind::HttpResponse {
                status,
                raw_response,
                ..
            } => Self::of_answer((*status).into(), raw_response.as_deref()),
            ErrorKind::Credential => Self::Other(StoreError::Credential(root_cause(&error))),
            ErrorKind::DataConversion => Self::Other(StoreError::Unexpected(root_cause(&error))),
            _ => Self::Other(StoreError::Unreachable(root_cause(&error))),
        }
    }
}

impl BlobFailure {
    fn of_answer(status: u16, answer: Option<&RawResponse>) -> Self {
        let header = |name: HeaderName| answer?.headers().get_optional_string(&name);
        let code = header(HeaderName::from_static("x-ms-error-code"));
        match (status, code.as_deref()) {
            (404, Some("ContainerNotFound")) => Self::NoContainer,
            (404, Some("BlobNotFound")) => Self::NoBlob,
            (409, None | Some("BlobAlreadyExists" | "ContainerAlreadyExists")) => Self::Conflict,
            (412, None | Some("ConditionNotMet" | "TargetConditionNotMet")) => Self::Conflict,
            _ => Self::Other(StoreError::Refused {
                status,
                code,
                retry_after: header(RETRY_AFTER)
                    .and_then(|seconds| seconds.trim().parse().ok())
                    .map(Duration::from_secs),
            }),
        }
    }
}
