//! The answer to a refused request: the same errors as everywhere, in JSON.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::{Error, ErrorCode};
use serde_json::json;

/// A request that is not answered otherwise.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) error: Error,
}

impl Refusal {
    /// A refusal with `status`; `hint` says what to do next.
    pub(crate) fn new(
        status: StatusCode,
        code: ErrorCode,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            status,
            error: Error::new(code, message).hint(hint),
        }
    }

    /// The body.
    pub(crate) fn json(&self) -> String {
        json!({ "error": self.error }).to_string()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        let mut response = (self.status, self.json()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, json);
        if self.status == StatusCode::UNAUTHORIZED {
            let asked = HeaderValue::from_static("Bearer realm=\"fugue\"");
            headers.insert(header::WWW_AUTHENTICATE, asked);
        }
        response
    }
}
