//! The two tasks of a connection: one reads frames, one writes them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_util::codec::{FramedRead, FramedWrite};

use super::{Shared, ended, unreachable};
use crate::codec::{CodecError, FrameCodec};
use crate::error::Error;
use crate::event::Event;
use crate::frame::{Frame, from_bytes};

/// The time that a reason that the server gave may take to arrive after the socket took no more.
const LAST_WORDS_LIMIT: Duration = Duration::from_millis(250);

pub(super) async fn read_frames<R>(
    mut read: FramedRead<R, FrameCodec>,
    shared: Arc<Shared>,
    out: mpsc::WeakSender<Bytes>,
    events: mpsc::Sender<Event>,
) where
    R: AsyncRead + Unpin,
{
    let why = loop {
        match read.next().await {
            Some(Ok(frame)) => {
                if let Err(why) = take_frame(frame, &shared, &out, &events) {
                    break why;
                }
            }
            Some(Err(error)) => break unreachable(error),
            None => break ended("the server closed the connection"),
        }
    };
    shared.close(why);
}

fn take_frame(
    frame: Frame,
    shared: &Shared,
    out: &mpsc::WeakSender<Bytes>,
    events: &mpsc::Sender<Event>,
) -> Result<(), Error> {
    match frame {
        Frame::Reply(reply) => {
            let waiting = shared.pending().waiting.remove(&reply.id);
            if let Some(answer) = waiting {
                let _ = answer.send(reply.result);
            }
        }
        Frame::Event { body, .. } => {
            let event = from_bytes(&body).map_err(|error| {
                ended(&format!("an event is not understood: {}", error.message))
            })?;
            if let Err(mpsc::error::TrySendError::Full(_)) = events.try_send(event) {
                return Err(ended("events were not read in time"));
            }
        }
        Frame::Ping => {
            if let Some(out) = out.upgrade() {
                let _ = out.try_send(Frame::Pong.encode());
            }
        }
        Frame::Bye(why) => return Err(why),
        Frame::Hello(_)
        | Frame::Request(_)
        | Frame::Cancel(_)
        | Frame::Input { .. }
        | Frame::Ready(_)
        | Frame::Pong
        | Frame::Unknown(_) => {}
    }
    Ok(())
}

pub(super) async fn write_frames<W>(
    mut write: FramedWrite<W, FrameCodec>,
    mut queue: mpsc::Receiver<Bytes>,
    shared: Arc<Shared>,
) where
    W: AsyncWrite + Unpin,
{
    let mut closed = shared.closed.subscribe();
    let writing = async {
        while let Some(frame) = queue.recv().await {
            write.send(frame).await?;
        }
        Ok::<(), CodecError>(())
    };
    // Ends with the reading side too, so that nobody queues frames for a socket nobody writes to.
    let failed = tokio::select! {
        written = writing => written.err(),
        _ = closed.wait_for(|closed| *closed) => None,
    };
    if let Some(error) = failed {
        let last_words = closed.wait_for(|closed| *closed);
        let _ = tokio::time::timeout(LAST_WORDS_LIMIT, last_words).await;
        shared.close(unreachable(error));
    }
}
