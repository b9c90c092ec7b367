//! What every answer carries, whatever was asked.

use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::API_VERSION;
use super::failure::Failure;
use stand_in::xml;

pub(super) const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const VERSION: HeaderName = HeaderName::from_static("x-ms-version");

/// The answer to one request, before it is known what it will say.
#[derive(Debug)]
pub(super) struct Answer {
    id: String,
    client_id: Option<HeaderValue>,
    has_body: bool,
}

impl Answer {
    pub(super) fn to<B>(request: &Request<B>) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            client_id: request.headers().get(CLIENT_REQUEST_ID).cloned(),
            has_body: request.method() != Method::HEAD,
        }
    }

    pub(super) fn success(&self, mut response: Response) -> Response {
        self.stamp(response.headers_mut());
        response
    }

    pub(super) fn failure(&self, failure: &Failure) -> Response {
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
