//! Connections: so many at once and no more, none silent for ever, all ended with the listener.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use protocol::ErrorCode;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use tower::ServiceExt as _;

use crate::refusal::Refusal;
use crate::token::Secret;

/// Connections at once. One more takes the place of one that has not shown the token, else it is told so and closed.
pub const MOST_CONNECTIONS: usize = 64;

/// The pause between two looks whether the token was changed.
const LOOK: Duration = Duration::from_secs(2);

/// The time that a connection may be silent between requests, and take for the head of one.
const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// The time for which a peer may leave what was sent to it unread. In milliseconds, as the kernel takes it.
const UNREAD_LIMIT_MS: u32 = 60_000;

/// The time for which a connection that is refused stays open for its peer to read why.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Largest head of a request, and what is buffered of its answer at a time, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// The first pause after a failed accept; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// See [`FIRST_PAUSE`].
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The connections of the listener, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Connections accepted so far.
    pub accepted: u64,
    /// Connections open now.
    pub open: usize,
}

/// A flag of a connection: its peer has shown the token in one of its requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing(Arc<AtomicBool>);

impl Standing {
    /// Its peer knows the token.
    pub(crate) fn has_shown_the_token(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_trusted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The connections that are served, the oldest first.
#[derive(Default)]
struct Served {
    tasks: JoinSet<()>,
    all: VecDeque<(AbortHandle, Standing)>,
}

impl Served {
    /// Makes room for one more, and is true if there is some: when all places are taken, the connection that is open
    /// for longest without having shown the token gives way.
    fn make_room(&mut self) -> bool {
        self.all.retain(|(task, _)| !task.is_finished());
        if self.all.len() < MOST_CONNECTIONS {
            return true;
        }
        let stranger = self.all.iter().position(|(_, peer)| !peer.is_trusted());
        match stranger.and_then(|at| self.all.remove(at)) {
            Some((task, _)) => {
                task.abort();
                true
            }
            None => false,
        }
    }

    fn serve(&mut self, stream: TcpStream, app: &Router) {
        let standing = Standing::default();
        let task = self
            .tasks
            .spawn(connection(stream, app.clone(), standing.clone()));
        self.all.push_back((task, standing));
    }
}

/// Serves `app` until the listener fails, and says why. Dropped, it ends all connections. When the secret is changed,
/// all connections are closed: their peers have shown the earlier one.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    secret: &Secret,
    tell: impl Fn(Traffic),
) -> String {
    let mut served = Served::default();
    let mut refused = JoinSet::new();
    let mut shown = secret.now();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pause = FIRST_PAUSE;
    let mut accepted = 0;
    loop {
        tell(Traffic {
            accepted,
            open: served.tasks.len(),
        });
        let stream = tokio::select! {
            Some(_) = served.tasks.join_next() => continue,
            Some(_) = refused.join_next() => continue,
            _ = look.tick() => {
                let now = secret.now();
                if !Arc::ptr_eq(&now, &shown) {
                    shown = now;
                    served.tasks.abort_all();
                }
                continue;
            }
            stream = listener.accept() => stream,
        };
        match stream {
            Ok((stream, _)) => {
                pause = FIRST_PAUSE;
                accepted += 1;
                if served.make_room() {
                    served.serve(stream, &app);
                } else if refused.len() < MOST_CONNECTIONS {
                    refused.spawn(tokio::time::timeout(LAST_WORDS, refuse(stream)));
                }
                // Beyond as many, there is no time for words.
            }
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "accept failed");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn connection(stream: TcpStream, app: Router, standing: Standing) {
    let limited = stream.set_nodelay(true).and_then(|()| {
        Ok(rustix::net::sockopt::set_tcp_user_timeout(
            &stream,
            UNREAD_LIMIT_MS,
        )?)
    });
    if let Err(error) = limited {
        tracing::warn!(%error, "a connection has no limit for unread answers");
    }
    let answer = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let app = app.clone();
        request.extensions_mut().insert(standing.clone());
        async move {
            Ok::<_, Infallible>(
                app.oneshot(request.map(Body::new))
                    .await
                    .unwrap_or_else(|e| match e {}),
            )
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    if let Err(error) = served {
        // Ordinary: peers go away and send nonsense.
        tracing::debug!(%error, "an HTTP connection broke");
    }
}

async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    use tokio::io::AsyncWriteExt as _;
    let refusal = Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Limit,
        format!("{MOST_CONNECTIONS} HTTP connections are open already"),
        "close some, or try again later",
    );
    let body = refusal.json();
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 1\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // Closed with unread bytes, the connection would be reset and the answer lost.
    let mut dropped = [0; 4096];
    while stream.read(&mut dropped).await? > 0 {}
    Ok(())
}
