//! Connections: so many at once and no more, none silent for ever, all ended with the listener.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
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
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::refusal::Refusal;

/// Connections at once; one more is told so and closed.
pub const MOST_CONNECTIONS: usize = 64;

/// How long a connection may be silent between requests, and take for the head of one.
const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// How long a peer may leave what was sent to it unread. In milliseconds, as the kernel takes it.
const UNREAD_LIMIT_MS: u32 = 60_000;

/// How long a connection that is refused stays open for its peer to read why.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Largest head of a request, and what is buffered of its answer at a time, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// The first pause after a failed accept; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// See [`FIRST_PAUSE`].
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What the listener has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Connections accepted so far.
    pub accepted: u64,
    /// Connections open now.
    pub open: usize,
}

/// Serves `app` until the listener fails, and says why. Dropped, it ends all connections.
pub(crate) async fn serve(listener: TcpListener, app: Router, tell: impl Fn(Traffic)) -> String {
    let mut served = JoinSet::new();
    let mut refused = JoinSet::new();
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut pause = FIRST_PAUSE;
    let mut accepted = 0;
    loop {
        tell(Traffic {
            accepted,
            open: served.len(),
        });
        let stream = tokio::select! {
            Some(_) = served.join_next() => continue,
            Some(_) = refused.join_next() => continue,
            stream = listener.accept() => stream,
        };
        match stream {
            Ok((stream, _)) => {
                pause = FIRST_PAUSE;
                accepted += 1;
                match Arc::clone(&room).try_acquire_owned() {
                    Ok(slot) => {
                        let serving = connection(stream, app.clone());
                        served.spawn(async move {
                            serving.await;
                            drop(slot);
                        });
                    }
                    // Beyond this many, there is no time for words.
                    Err(_) if refused.len() >= MOST_CONNECTIONS => drop(stream),
                    Err(_) => {
                        refused.spawn(tokio::time::timeout(LAST_WORDS, refuse(stream)));
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "accept failed");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn connection(stream: TcpStream, app: Router) {
    let limited = stream.set_nodelay(true).and_then(|()| {
        Ok(rustix::net::sockopt::set_tcp_user_timeout(
            &stream,
            UNREAD_LIMIT_MS,
        )?)
    });
    if let Err(error) = limited {
        tracing::warn!(%error, "a connection has no limit for unread answers");
    }
    let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
        let app = app.clone();
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
