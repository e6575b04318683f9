//! The routes: what is served at each path, and what every request passes on its way there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http_body_util::Full;
use mcp::{Endpoint, MOST_BODY_BYTES};
use protocol::ErrorCode;
use protocol::fleet::Fleet;
use protocol::request::Status;
use protocol::seldom::Seldom;
use serde_json::json;

use crate::connections::Standing;
use crate::gate::{Gate, WRONG_TOKEN};
use crate::refusal::Refusal;

/// The time that a caller may take to send a request's body.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// The bytes of a body that is too large that are read and dropped, so that its sender gets to read why it was refused.
const DROPPED_BYTES: usize = 4 * MOST_BODY_BYTES;

/// The time that an answer may take to begin: the longest wait of any tool, and some.
const ANSWER_LIMIT: Duration = Duration::from_secs(660);

/// The time that the health round trip may take.
const HEALTH_LIMIT: Duration = Duration::from_secs(5);

/// The time for which a caller with a wrong token waits for its answer: guessing is slow, and a mistake is noticed soon
/// enough.
const WRONG_TOKEN_PAUSE: Duration = Duration::from_millis(500);

/// All routes behind the gate.
pub(crate) fn router(gate: Gate, health: Fleet, mcp: Endpoint) -> Router {
    Router::new()
        .route("/mcp", any(answer_mcp).with_state(mcp))
        .layer(from_fn_with_state(gate, with_token))
        .route("/healthz", get(healthz).with_state(Arc::new(health)))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(from_here))
        .layer(from_fn(in_time))
}

async fn from_here(request: Request, next: Next) -> Result<Response, Refusal> {
    Gate::place(request.uri(), request.headers()).map_err(refused)?;
    Ok(next.run(request).await)
}

async fn with_token(
    State(gate): State<Gate>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    if let Err(refusal) = gate.token(request.headers()) {
        if refusal.error.message == WRONG_TOKEN {
            tokio::time::sleep(WRONG_TOKEN_PAUSE).await;
        }
        return Err(refused(refusal));
    }
    if let Some(standing) = request.extensions().get::<Standing>() {
        standing.has_shown_the_token();
    }
    Ok(next.run(request).await)
}

/// Leaves a trace of a refusal, without what was shown.
fn refused(refusal: Refusal) -> Refusal {
    static TOLD: Seldom = Seldom::new(Duration::from_secs(1));
    if let Some(untold) = TOLD.tell() {
        tracing::warn!(error = %refusal.error, untold, "an HTTP caller was refused");
    }
    refusal
}

async fn in_time(request: Request, next: Next) -> Result<Response, Refusal> {
    let answer = tokio::time::timeout(ANSWER_LIMIT, next.run(request)).await;
    answer.map_err(|_| {
        Refusal::new(
            StatusCode::GATEWAY_TIMEOUT,
            ErrorCode::Timeout,
            format!("there was no answer within {ANSWER_LIMIT:?}"),
            "look at what was begun before repeating it",
        )
    })
}

async fn answer_mcp(
    State(endpoint): State<Endpoint>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let declared = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let bytes = match parts.method {
        Method::POST => read(body, declared).await?,
        _ => Bytes::new(),
    };
    let request = Request::from_parts(parts, Full::new(bytes));
    Ok(endpoint.answer(request).await.map(Body::new))
}

/// The whole body, when it is small enough and comes in time.
async fn read(body: Body, declared: Option<usize>) -> Result<Bytes, Refusal> {
    let too_large = || {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::Limit,
            format!("the request's body has more than {MOST_BODY_BYTES} bytes"),
            "send less in one call; long input can be sent in parts",
        )
    };
    if declared.is_some_and(|bytes| bytes > DROPPED_BYTES) {
        return Err(too_large());
    }
    let reading = async {
        let mut whole = BytesMut::with_capacity(declared.unwrap_or(0).min(MOST_BODY_BYTES));
        let mut dropped = 0;
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| {
                Refusal::new(
                    StatusCode::BAD_REQUEST,
                    ErrorCode::InvalidArgument,
                    format!("the request's body broke off: {error}"),
                    "send it whole",
                )
            })?;
            if dropped > 0 || whole.len() + chunk.len() > MOST_BODY_BYTES {
                dropped += chunk.len().max(1);
                whole = BytesMut::new();
            } else {
                whole.extend_from_slice(&chunk);
            }
            if dropped > DROPPED_BYTES {
                break;
            }
        }
        if dropped > 0 {
            return Err(too_large());
        }
        Ok(whole.freeze())
    };
    tokio::time::timeout(BODY_LIMIT, reading)
        .await
        .unwrap_or_else(|_| {
            Err(Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                ErrorCode::Timeout,
                format!("the request's body did not come within {BODY_LIMIT:?}"),
                "send it in one go",
            ))
        })
}

/// A round trip through the real path: this listener, a connection, the daemon's actors.
async fn healthz(State(fleet): State<Arc<Fleet>>) -> Response {
    let begun = Instant::now();
    let asked = match fleet.server(fleet.default_server()) {
        Ok(server) => server.call(&Status {}, HEALTH_LIMIT).await,
        Err(error) => Err(error),
    };
    let took_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    let (well, told) = match asked {
        Ok(status) => {
            let well = status.health.iter().all(|check| check.ok);
            (
                well,
                json!({ "ok": well, "took_us": took_us, "checks": status.health }),
            )
        }
        Err(error) => (
            false,
            json!({ "ok": false, "took_us": took_us, "error": error }),
        ),
    };
    let status = if well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(told)).into_response()
}

async fn nothing_here(request: Request) -> Refusal {
    let path = protocol::name::shown(request.uri().path()).to_string();
    Refusal::new(
        StatusCode::NOT_FOUND,
        ErrorCode::NotFound,
        format!("nothing is served at {path}"),
        "MCP is at /mcp, health at /healthz",
    )
}

async fn wrong_method(request: Request) -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::Unsupported,
        format!("{} is not served here", request.method()),
        "use GET",
    )
}

#[cfg(test)]
mod tests;
