//! One connection to one server: many requests in flight, replies by id, events apart.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::codec::Encoder;

use crate::codec::FrameCodec;
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::frame::{
    Frame, Hello, PROTOCOL_VERSION, PastePart, RequestFrame, ViewId, from_bytes, to_bytes,
};
use crate::peer::{NO_HELLO, Peer, Received, lost};
use crate::request::Call;

/// Frames waiting for the socket. A caller beyond it waits its turn.
const OUT_QUEUE: usize = 256;

/// Events waiting for their reader. Views have at most one screen event under way each, so a
/// connection never needs as many.
const EVENT_QUEUE: usize = 256;

/// The time that a frame that is not answered may wait for the socket to take it.
pub const SEND_LIMIT: Duration = Duration::from_secs(10);

type Answer = Result<Bytes, Error>;

#[derive(Default)]
struct Pending {
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
    closed: Option<Error>,
}

struct Shared {
    pending: Mutex<Pending>,
    closed: watch::Sender<bool>,
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails what waits and everything that will be asked later with the first reason given.
    fn close(&self, why: Error) {
        let waiting = {
            let mut pending = self.pending();
            pending.closed.get_or_insert(why.clone());
            std::mem::take(&mut pending.waiting)
        };
        for (_, answer) in waiting {
            let _ = answer.send(Err(why.clone()));
        }
        self.closed.send_replace(true);
    }
}

/// An open connection. Dropping it closes the socket.
pub struct Connection {
    out: mpsc::Sender<Bytes>,
    shared: Arc<Shared>,
    next_id: AtomicU64,
    server: Hello,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

impl Connection {
    /// Exchanges hellos over `stream` and starts to listen.
    ///
    /// # Errors
    /// `server_unreachable` when the stream ends or stays silent for `limit`; `unsupported` when
    /// the two sides' major versions differ.
    pub async fn open<S>(
        stream: S,
        hello: Hello,
        limit: Duration,
    ) -> Result<(Self, mpsc::Receiver<Event>), Error>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let peer = Peer::client(hello, limit, std::time::Instant::now());
        Self::open_as(stream, peer, limit).await
    }

    /// As [`Connection::open`], with the end of the connection as it is over this kind of stream.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn open_as<S>(
        stream: S,
        mut peer: Peer,
        limit: Duration,
    ) -> Result<(Self, mpsc::Receiver<Event>), Error>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (mut read, mut write) = tokio::io::split(stream);
        let greeting = greet(&mut read, &mut write, &mut peer);
        let server = tokio::time::timeout(limit, greeting)
            .await
            .unwrap_or_else(|_| Err(peer.silent(limit)))?;
        let (out, queue) = mpsc::channel(OUT_QUEUE);
        let (events, event_queue) = mpsc::channel(EVENT_QUEUE);
        let shared = Arc::new(Shared {
            pending: Mutex::default(),
            closed: watch::Sender::new(false),
        });
        let reading = tokio::spawn(frames::read_frames(
            (read, peer),
            Arc::clone(&shared),
            out.downgrade(),
            events,
        ));
        let writing = tokio::spawn(frames::write_frames(write, queue, Arc::clone(&shared)));
        let connection = Self {
            out,
            shared,
            next_id: AtomicU64::new(1),
            server,
            tasks: [reading, writing],
        };
        Ok((connection, event_queue))
    }

    /// The hello of the server.
    #[must_use]
    pub fn server(&self) -> &Hello {
        &self.server
    }

    /// Makes a call and waits at most `limit` for its reply. Dropping the future tells the server
    /// that nobody waits; later calls are not disturbed.
    ///
    /// # Errors
    /// The server's own error; `timeout` after `limit`; `server_unreachable` when the connection
    /// ends first, in which case it is unknown whether the call was carried out.
    pub async fn call<C: Call>(&self, params: &C, limit: Duration) -> Result<C::Reply, Error> {
        self.call_with_key(params, None, limit).await
    }

    /// As [`Connection::call`], with an idempotency key.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub async fn call_with_key<C: Call>(
        &self,
        params: &C,
        idempotency_key: Option<String>,
        limit: Duration,
    ) -> Result<C::Reply, Error> {
        let bytes = self
            .call_raw(C::METHOD, to_bytes(params), idempotency_key, limit)
            .await?;
        from_bytes(&bytes).map_err(|error| {
            Error::new(
                ErrorCode::Internal,
                format!(
                    "the server's reply to {} is not understood: {}",
                    C::METHOD,
                    error.message
                ),
            )
            .hint("upgrade the older side")
        })
    }

    /// A call with encoded parameters and an encoded reply.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub async fn call_raw(
        &self,
        method: &str,
        params: Bytes,
        idempotency_key: Option<String>,
        limit: Duration,
    ) -> Result<Bytes, Error> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = encoded(Frame::Request(RequestFrame {
            id,
            method: method.to_owned(),
            idempotency_key,
            params,
        }))?;
        let (answer, answered) = oneshot::channel();
        {
            let mut pending = self.shared.pending();
            if let Some(why) = &pending.closed {
                return Err(why.clone());
            }
            pending.waiting.insert(id, answer);
        }
        let mut waiting = Waiting {
            connection: self,
            id,
            answered: false,
        };
        let work = async {
            if self.out.send(request).await.is_err() {
                return Err(self.why_closed());
            }
            answered.await.unwrap_or_else(|_| Err(self.why_closed()))
        };
        match tokio::time::timeout(limit, work).await {
            Ok(answer) => {
                waiting.answered = true;
                answer
            }
            Err(_) => Err(Error::new(
                ErrorCode::Timeout,
                format!("{method} was not answered within {limit:?}"),
            )
            .hint("it may still be carried out; look before trying again")),
        }
    }

    /// Types into an attached view. Waits only for the socket, at most [`SEND_LIMIT`].
    ///
    /// # Errors
    /// Why the connection is closed; `timeout` when the server takes nothing, and then nothing was typed.
    pub async fn input(&self, view: ViewId, bytes: Bytes) -> Result<(), Error> {
        let paste = None;
        self.send(Frame::Input { view, bytes, paste }).await
    }

    /// Pastes into a view. A paste in pieces is `Begin`, any number of `More`, `End`; without the marks of a bracketed paste.
    ///
    /// # Errors
    /// As [`Connection::input`].
    pub async fn paste(&self, view: ViewId, bytes: Bytes, part: PastePart) -> Result<(), Error> {
        let paste = Some(part);
        self.send(Frame::Input { view, bytes, paste }).await
    }

    /// Takes the next screen event of a view. Waits only for the socket, at most [`SEND_LIMIT`].
    ///
    /// # Errors
    /// As [`Connection::input`].
    pub async fn ready(&self, view: ViewId) -> Result<(), Error> {
        self.send(Frame::Ready(view)).await
    }

    async fn send(&self, frame: Frame) -> Result<(), Error> {
        let frame = encoded(frame)?;
        self.out
            .send_timeout(frame, SEND_LIMIT)
            .await
            .map_err(|error| match error {
                SendTimeoutError::Closed(_) => self.why_closed(),
                SendTimeoutError::Timeout(_) => Error::new(
                    ErrorCode::Timeout,
                    format!("the server took nothing for {SEND_LIMIT:?}"),
                )
                .hint("close the connection; a daemon that hangs can be killed with `kill -9`, and its programs go on"),
            })
    }

    /// True if calls can no longer be made.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        *self.shared.closed.borrow()
    }

    /// Waits until the connection has ended.
    pub async fn closed(&self) {
        let mut closed = self.shared.closed.subscribe();
        // The sender lives in `shared`, so this cannot fail before the value is true.
        let _ = closed.wait_for(|closed| *closed).await;
    }

    /// The reason for which the connection ended.
    #[must_use]
    pub fn why_closed(&self) -> Error {
        self.shared
            .pending()
            .closed
            .clone()
            .unwrap_or_else(|| lost("the connection ended"))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Takes its entry out and tells the server, whichever way the call's future ends.
struct Waiting<'a> {
    connection: &'a Connection,
    id: u64,
    answered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.connection.shared.pending().waiting.remove(&self.id);
        if !self.answered
            && let Ok(cancel) = encoded(Frame::Cancel(self.id))
        {
            let _ = self.connection.out.try_send(cancel);
        }
    }
}

/// A frame with its length. One that is too large is refused here, because the peer would close the connection and with it every
/// other call.
fn encoded(frame: Frame) -> Result<Bytes, Error> {
    let mut bytes = BytesMut::new();
    FrameCodec::default().encode(frame, &mut bytes)?;
    Ok(bytes.freeze())
}

/// Exchanges hellos.
async fn greet<R, W>(read: &mut R, write: &mut W, peer: &mut Peer) -> Result<Hello, Error>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let said = peer.take_output();
    let sent = write.write_all(&said).await;
    // A server that refuses says why before it closes, even if our hello is too late.
    let server = loop {
        match peer.received()? {
            Some(Received::Hello(server)) => break server,
            Some(Received::Frame(_)) => {}
            None => match read.read_buf(peer.input()).await {
                Ok(0) => return Err(peer.ended()),
                Ok(_) => peer.heard(std::time::Instant::now()),
                Err(error) => return Err(lost(&format!("{NO_HELLO}: {error}"))),
            },
        }
    };
    sent.map(|()| server)
        .map_err(|error| lost(&format!("{NO_HELLO}: {error}")))
}

/// The error for a peer that speaks another major version, saying which side to upgrade.
#[must_use]
pub fn version_mismatch(peer: &Hello, peer_is: &str) -> Error {
    // It is read at either end, so that each is named.
    let own = match peer_is {
        "client" => "server",
        _ => "client",
    };
    let older = match peer.protocol_version < PROTOCOL_VERSION {
        true => peer_is,
        false => own,
    };
    Error::new(
        ErrorCode::Unsupported,
        format!(
            "the {peer_is} ({} {}) speaks protocol {}, the {own} (fugue {}) {PROTOCOL_VERSION}",
            peer.name,
            peer.version,
            peer.protocol_version,
            env!("CARGO_PKG_VERSION")
        ),
    )
    .hint(format!("upgrade the {older}"))
}

mod frames;
#[cfg(test)]
mod tests;
