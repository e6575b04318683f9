//! The two tasks of a connection: one reads frames, one writes them.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::Shared;
use crate::error::Error;
use crate::event::Event;
use crate::frame::{Frame, from_bytes};
use crate::peer::{Peer, Received, lost};

/// The time that a reason that the server gave may take to arrive after the socket took no more.
const LAST_WORDS_LIMIT: Duration = Duration::from_millis(250);

/// The longest time until a look at the clock, of a connection that needs none.
const NO_WAKE: Duration = Duration::from_secs(3_600);

pub(super) async fn read_frames<R>(
    (mut read, mut peer): (R, Peer),
    shared: Arc<Shared>,
    out: mpsc::WeakSender<Bytes>,
    events: mpsc::Sender<Event>,
) where
    R: AsyncRead + Unpin,
{
    let wake_at = |peer: &Peer| {
        let at = peer.wake_at().unwrap_or_else(|| Instant::now() + NO_WAKE);
        tokio::time::Instant::from_std(at)
    };
    let mut timer = std::pin::pin!(sleep_until(wake_at(&peer)));
    let why = loop {
        if let Err(why) = take_frames(&mut peer, &shared, &out, &events) {
            break why;
        }
        tokio::select! {
            biased;
            read = read.read_buf(peer.input()) => match read {
                Ok(0) => break peer.ended(),
                Ok(_) => peer.heard(Instant::now()),
                Err(error) => break lost(&format!("the connection failed: {error}")),
            },
            // To set it with each frame costs more than to look at the clock when it is over.
            () = &mut timer => {
                if let Err(why) = peer.wake(Instant::now()) {
                    break why;
                }
                timer.as_mut().reset(wake_at(&peer));
            }
        }
    };
    shared.close(why);
}

/// Takes in what has come whole, and sends what it asks for.
fn take_frames(
    peer: &mut Peer,
    shared: &Shared,
    out: &mpsc::WeakSender<Bytes>,
    events: &mpsc::Sender<Event>,
) -> Result<(), Error> {
    while let Some(received) = peer.received()? {
        match received {
            Received::Frame(frame) => take_frame(frame, shared, events)?,
            Received::Hello(_) => {}
        }
    }
    if !peer.output().is_empty() {
        let answer = peer.take_output().freeze();
        if let Some(out) = out.upgrade() {
            let _ = out.try_send(answer);
        }
    }
    Ok(())
}

fn take_frame(frame: Frame, shared: &Shared, events: &mpsc::Sender<Event>) -> Result<(), Error> {
    match frame {
        Frame::Reply(reply) => {
            let waiting = shared.pending().waiting.remove(&reply.id);
            if let Some(answer) = waiting {
                let _ = answer.send(reply.result);
            }
        }
        Frame::Event { body, .. } => {
            let event = from_bytes(&body)
                .map_err(|error| lost(&format!("an event is not understood: {}", error.message)))?;
            if let Err(mpsc::error::TrySendError::Full(_)) = events.try_send(event) {
                return Err(lost("events were not read in time"));
            }
        }
        Frame::Hello(_)
        | Frame::Request(_)
        | Frame::Cancel(_)
        | Frame::Input { .. }
        | Frame::Ready(_)
        | Frame::Ping
        | Frame::Pong
        | Frame::Bye(_)
        | Frame::Unknown(_) => {}
    }
    Ok(())
}

pub(super) async fn write_frames<W>(
    mut write: W,
    mut queue: mpsc::Receiver<Bytes>,
    shared: Arc<Shared>,
) where
    W: AsyncWrite + Unpin,
{
    let mut closed = shared.closed.subscribe();
    let writing = async {
        while let Some(frame) = queue.recv().await {
            write.write_all(&frame).await?;
        }
        io::Result::Ok(())
    };
    // Ends with the reading side too, so that nobody queues frames for a socket nobody writes to.
    let failed = tokio::select! {
        written = writing => written.err(),
        _ = closed.wait_for(|closed| *closed) => None,
    };
    if let Some(error) = failed {
        let last_words = closed.wait_for(|closed| *closed);
        let _ = tokio::time::timeout(LAST_WORDS_LIMIT, last_words).await;
        shared.close(lost(&format!("the connection failed: {error}")));
    }
}
