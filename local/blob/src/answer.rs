//! What is answered, whatever was asked: the headers of every answer, and a refusal as the service
//! words it.

use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use stand_in::xml;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::storage::StorageError;

/// The version of the REST API that is spoken, whatever version a client asks for.
const API_VERSION: &str = "2023-11-03";

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const VERSION: HeaderName = HeaderName::from_static("x-ms-version");

/// The answer to one request, before it is known what it will say.
#[derive(Debug)]
pub(crate) struct Answer {
    id: String,
    client_id: Option<HeaderValue>,
    has_body: bool,
}

impl Answer {
    pub(crate) fn to<B>(request: &Request<B>) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            client_id: request.headers().get(CLIENT_REQUEST_ID).cloned(),
            has_body: request.method() != Method::HEAD,
        }
    }

    pub(crate) fn success(&self, mut response: Response) -> Response {
        self.stamp(response.headers_mut());
        response
    }

    pub(crate) fn failure(&self, failure: &Failure) -> Response {
        let mut response = failure.status.into_response();
        if self.has_body && failure.status != StatusCode::NOT_MODIFIED {
            *response.body_mut() = self.error_document(failure).into();
            let xml = HeaderValue::from_static("application/xml");
            response.headers_mut().insert(CONTENT_TYPE, xml);
        }
        let headers = response.headers_mut();
        headers.insert(ERROR_CODE, HeaderValue::from_static(failure.code));
        if failure.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("SharedKey");
            headers.insert(WWW_AUTHENTICATE, scheme);
        }
        self.stamp(headers);
        response
    }

    fn stamp(&self, headers: &mut HeaderMap) {
        if let Ok(id) = HeaderValue::from_str(&self.id) {
            headers.insert(REQUEST_ID, id);
        }
        if let Some(id) = &self.client_id {
            headers.insert(CLIENT_REQUEST_ID, id.clone());
        }
        headers.insert(VERSION, HeaderValue::from_static(API_VERSION));
    }

    fn error_document(&self, failure: &Failure) -> String {
        let time = OffsetDateTime::now_utc().format(&Rfc3339);
        let message = format!(
            "{}\nRequestId:{}\nTime:{}",
            failure.message,
            self.id,
            time.unwrap_or_default()
        );
        let code = xml::element("Code", failure.code);
        let message = xml::element("Message", &message);
        xml::document(&format!("<Error>{code}{message}</Error>"))
    }
}

/// A refusal: status, error code, message. Becomes the headers and the XML body of an error answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn authentication(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AuthenticationFailed", message)
    }

    /// Not a code of the service: it says that this endpoint knows less than the service.
    pub(crate) fn not_implemented(what: &str) -> Self {
        let message = format!("This local endpoint does not implement {what}.");
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    pub(crate) fn body_too_large() -> Self {
        let message = "The request body is too large or did not arrive as a whole.";
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestBodyTooLarge",
            message,
        )
    }

    pub(crate) fn fault(status: StatusCode, code: &'static str) -> Self {
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
