//! What a reader sends, within limits.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

/// How much may be sent, and how fast it must come.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Nobody has to send more, in bytes.
    pub most: usize,
    /// What is sent must be here by then.
    pub within: Duration,
}

impl Sent {
    /// Reads what was sent as JSON.
    ///
    /// # Errors
    ///
    /// The answer to who sent something else: 415 for another type, 413 for too much, 408 for too slowly, 400 for what can't be
    /// read.
    #[expect(clippy::result_large_err, reason = "a refusal is an answer, made once a request at most")]
    pub async fn json<T: DeserializeOwned>(&self, request: Request) -> Result<T, Response> {
        let refuse = |status: StatusCode, words: String| Err((status, words + "\n").into_response());
        // Other pages can't send this type unasked, which is a second wall.
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_none_or(|kind| !kind.starts_with("application/json")) {
            return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json".into());
        }
        let body = axum::body::to_bytes(request.into_body(), self.most);
        let body = match tokio::time::timeout(self.within, body).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => {
                return refuse(StatusCode::PAYLOAD_TOO_LARGE, format!("at most {} bytes are read", self.most));
            }
            Err(_) => return refuse(StatusCode::REQUEST_TIMEOUT, "it took too long".into()),
        };
        serde_json::from_slice(&body).or_else(|error| refuse(StatusCode::BAD_REQUEST, error.to_string()))
    }
}
