//! Sessions of clients that begin with `initialize`: the SDK's own, bounded in number, and such that
//! a call can tell its client's cancellation from its session's end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::{Stream, StreamExt as _};
use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions as _, ServerJsonRpcMessage};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::streamable_http_server::SessionId;
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError,
};
use rmcp::transport::streamable_http_server::session::{ServerSseMessage, SessionManager};
use tokio_util::sync::CancellationToken;

/// Sessions at most. Beyond it the one that was silent longest is ended: clients that went away without
/// a word leave theirs, and one that is still there makes a new one when it is told that its session is gone.
const MOST_SESSIONS: usize = 256;

/// The session of a call has ended, so that a cancellation is not the client's wish.
#[derive(Clone)]
pub(crate) struct Ended(pub(crate) CancellationToken);

/// All sessions. None ends for being silent: a call in flight may be silent for long.
pub(crate) struct Sessions {
    inner: LocalSessionManager,
    seen: Mutex<HashMap<SessionId, Seen>>,
    /// The listener has ended.
    ended: CancellationToken,
}

struct Seen {
    last: Instant,
    /// Requests and listening streams that are open.
    open: Arc<()>,
    ended: CancellationToken,
}

impl Sessions {
    pub(crate) fn new(ended: CancellationToken) -> Self {
        let mut inner = LocalSessionManager::default();
        inner.session_config.keep_alive = None;
        Self {
            inner,
            seen: Mutex::default(),
            ended,
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the session is used; what comes back keeps it from being ended for room.
    fn used(&self, id: &SessionId) -> Option<Arc<()>> {
        self.seen().get_mut(id).map(|seen| {
            seen.last = Instant::now();
            Arc::clone(&seen.open)
        })
    }

    /// The session that makes room for another one.
    fn surplus(&self) -> Option<SessionId> {
        let seen = self.seen();
        if seen.len() < MOST_SESSIONS {
            return None;
        }
        seen.iter()
            .min_by_key(|(_, seen)| (Arc::strong_count(&seen.open) > 1, seen.last))
            .map(|(id, _)| id.clone())
    }
}

/// A stream that keeps its session as long as somebody reads it.
fn held<S: Stream>(stream: S, hold: Option<Arc<()>>) -> impl Stream<Item = S::Item> {
    stream.map(move |item| {
        let _ = &hold;
        item
    })
}

impl SessionManager for Sessions {
    type Error = LocalSessionManagerError;
    type Transport = Marked<<LocalSessionManager as SessionManager>::Transport>;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        while let Some(id) = self.surplus() {
            tracing::info!(mcp_session = %id, "an MCP session makes room for another one");
            self.close_session(&id).await?;
        }
        let (id, inner) = self.inner.create_session().await?;
        let ended = self.ended.child_token();
        let seen = Seen {
            last: Instant::now(),
            open: Arc::default(),
            ended: ended.clone(),
        };
        self.seen().insert(id.clone(), seen);
        let ended = Ended(ended);
        Ok((id, Marked { inner, ended }))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        self.inner.initialize_session(id, message).await
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        self.inner.has_session(id).await
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        if let Some(seen) = self.seen().remove(id) {
            seen.ended.cancel();
        }
        self.inner.close_session(id).await
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let hold = self.used(id);
        Ok(held(self.inner.create_stream(id, message).await?, hold))
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), Self::Error> {
        let _ = self.used(id);
        self.inner.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let hold = self.used(id);
        Ok(held(self.inner.create_standalone_stream(id).await?, hold))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let hold = self.used(id);
        Ok(held(self.inner.resume(id, last_event_id).await?, hold))
    }
}

/// A session's transport that marks each request with the session's end.
pub(crate) struct Marked<T> {
    inner: T,
    ended: Ended,
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Marked<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        let mut message = self.inner.receive().await;
        match &mut message {
            Some(ClientJsonRpcMessage::Request(request)) => {
                request.request.extensions_mut().insert(self.ended.clone());
            }
            Some(_) => {}
            None => self.ended.0.cancel(),
        }
        message
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.ended.0.cancel();
        self.inner.close().await
    }
}

#[cfg(test)]
mod tests;
