//! MCP over Streamable HTTP: the same server as on standard input and output, behind the daemon's
//! HTTP listener.
//!
//! Both kinds of client are served: those of 2026-07-28, whose requests stand alone, and the older
//! ones that begin with `initialize` and then name their session in each request.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use http_body_util::combinators::BoxBody;
use protocol::fleet::Fleet;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;

use crate::call::Front;
#[cfg(debug_assertions)]
use crate::conformance::Fixtures;
use crate::server::McpServer;
use crate::tools::Profile;

mod sessions;

pub(crate) use sessions::Ended;
use sessions::Sessions;

/// Largest body of a request, in bytes.
pub const MOST_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Origins that may ask, when a browser names one: pages of this machine. The listener's own check
/// is narrower still.
const ORIGINS: [&str; 3] = ["http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*"];

#[cfg(debug_assertions)]
type Serving = Fixtures;
#[cfg(not(debug_assertions))]
type Serving = McpServer;

/// The MCP endpoint. Dropping the last clone ends its sessions; what they have begun in the daemon goes on.
#[derive(Clone)]
pub struct Endpoint {
    service: StreamableHttpService<Serving, Sessions>,
    _end: Arc<End>,
}

struct End {
    ended: CancellationToken,
    transports: CancellationToken,
}

impl Drop for End {
    fn drop(&mut self) {
        // In this order, so that no call takes the end for its client's wish.
        self.ended.cancel();
        self.transports.cancel();
    }
}

impl Endpoint {
    /// The endpoint over `fleet`, with all tools.
    #[must_use]
    pub fn new(fleet: Fleet) -> Self {
        let end = Arc::new(End {
            ended: CancellationToken::new(),
            transports: CancellationToken::new(),
        });
        let mut config = StreamableHttpServerConfig::default()
            .with_allowed_origins(ORIGINS)
            .enforce_origin_validation()
            .with_cancellation_token(end.transports.clone());
        config.max_request_body_bytes = MOST_BODY_BYTES;
        let front = Arc::new(Front::new(fleet));
        let serving = move || {
            // A request without a session cannot be cancelled but by its connection's end.
            let gone = CancellationToken::new();
            gone.cancel();
            let server = McpServer::over(Arc::clone(&front), Profile::Full, gone);
            #[cfg(debug_assertions)]
            let server = Fixtures::around(server);
            Ok(server)
        };
        let sessions = Arc::new(Sessions::new(end.ended.clone()));
        Self {
            service: StreamableHttpService::new(serving, sessions, config),
            _end: end,
        }
    }

    /// Answers one request. Its body was read, and its caller was checked, by the listener.
    pub async fn answer(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Response<BoxBody<Bytes, Infallible>> {
        let ends_session = request.method() == Method::DELETE;
        let mut response = self.service.handle(request).await;
        if ends_session && response.status() == StatusCode::ACCEPTED {
            // It is done, and clients in use take anything else for a failure.
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
        response
    }
}
