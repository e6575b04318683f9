//! The output queue of a connection's socket: bounded, written as the peer reads.

use bytes::{Buf, Bytes, BytesMut};
use protocol::Error;
use protocol::codec::FrameCodec;
use protocol::frame::{Frame, ReplyFrame, RequestId, to_bytes};
use protocol::{Event, error::ErrorCode};
use pty::Waiting;
use tokio_util::codec::Encoder;

/// No further request is read while so many bytes wait: replies to what is under way still fit.
const FULL_BYTES: usize = 1024 * 1024;

/// The out-queue of one connection.
#[derive(Default)]
pub(super) struct Out {
    buffer: BytesMut,
    codec: FrameCodec,
    events: u64,
}

impl Out {
    /// True if there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// True if the peer has to read before it is served on.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.len() >= FULL_BYTES
    }

    /// Puts a frame at the end; false when it is too large to be sent at all.
    pub(super) fn frame(&mut self, frame: Frame) -> bool {
        self.codec.encode(frame, &mut self.buffer).is_ok()
    }

    /// Puts a reply at the end. One that is too large becomes an error.
    pub(super) fn reply(&mut self, id: RequestId, result: Result<Bytes, Error>) {
        if !self.frame(Frame::Reply(ReplyFrame { id, result })) {
            let error = Error::new(ErrorCode::Limit, "the reply is larger than a frame may be")
                .hint("ask for less at a time");
            self.frame(Frame::Reply(ReplyFrame {
                id,
                result: Err(error),
            }));
        }
    }

    /// Puts an event at the end, with the next number.
    pub(super) fn event(&mut self, event: &Event) {
        self.events += 1;
        self.frame(Frame::Event {
            seq: self.events,
            body: to_bytes(event),
        });
    }
}

impl Waiting for Out {
    fn next(&self) -> &[u8] {
        &self.buffer
    }

    fn taken(&mut self, bytes: usize) {
        self.buffer.advance(bytes);
    }
}
