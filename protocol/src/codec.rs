//! Frames on a byte stream: a length of four bytes, big-endian, then the frame.

use std::io::ErrorKind;

use bytes::{BufMut, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec};

use crate::error::{Error, ErrorCode};
use crate::frame::Frame;

/// Largest frame in bytes. More is refused before it is read.
pub const FRAME_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of the length before a frame.
const LENGTH_BYTES: usize = 4;

/// The reasons for which the stream of frames cannot go on. Each closes the connection and nothing else.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The length says more than [`FRAME_MAX_BYTES`].
    #[error("a frame may have at most {FRAME_MAX_BYTES} bytes")]
    Oversize,
    /// The bytes are not a frame.
    #[error("malformed frame: {0}")]
    Malformed(String),
    /// The stream ended inside a frame.
    #[error("the connection ended in the middle of a frame")]
    Truncated,
    /// The stream itself failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Self {
        let code = match &error {
            CodecError::Oversize => ErrorCode::Limit,
            CodecError::Malformed(_) | CodecError::Truncated => ErrorCode::InvalidArgument,
            CodecError::Io(_) => ErrorCode::ServerUnreachable,
        };
        Self::new(code, error.to_string())
    }
}

/// Encodes and decodes [`Frame`]s; "not enough bytes yet" is an ordinary answer.
#[derive(Debug)]
pub struct FrameCodec {
    lengths: LengthDelimitedCodec,
    /// The length of a frame has been taken from the buffer, its bytes have not.
    inside_frame: bool,
}

impl Default for FrameCodec {
    fn default() -> Self {
        Self {
            lengths: LengthDelimitedCodec::builder()
                .max_frame_length(FRAME_MAX_BYTES)
                .new_codec(),
            inside_frame: false,
        }
    }
}

impl FrameCodec {
    fn length_error(error: std::io::Error) -> CodecError {
        // The length codec's own name for a length above its maximum.
        if error.kind() == ErrorKind::InvalidData {
            CodecError::Oversize
        } else {
            CodecError::Io(error)
        }
    }
}

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = CodecError;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        let before = source.len();
        match self.lengths.decode(source).map_err(Self::length_error)? {
            Some(bytes) => {
                self.inside_frame = false;
                Frame::decode(&bytes.freeze())
                    .map(Some)
                    .map_err(CodecError::Malformed)
            }
            None => {
                self.inside_frame |= source.len() < before;
                Ok(None)
            }
        }
    }

    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        match self.decode(source)? {
            Some(frame) => Ok(Some(frame)),
            None if source.is_empty() && !self.inside_frame => Ok(None),
            None => Err(CodecError::Truncated),
        }
    }
}

impl Encoder<Frame> for FrameCodec {
    type Error = CodecError;

    fn encode(&mut self, frame: Frame, target: &mut BytesMut) -> Result<(), CodecError> {
        append(target, frame.expected_bytes(), |target| {
            frame.write_to(&mut target.writer());
        })
    }
}

impl Encoder<Bytes> for FrameCodec {
    type Error = CodecError;

    /// For frames that are encoded already.
    fn encode(&mut self, frame: Bytes, target: &mut BytesMut) -> Result<(), CodecError> {
        append(target, frame.len(), |target| {
            target.extend_from_slice(&frame)
        })
    }
}

/// Appends what `write` does as a frame of about `expected` bytes, written where it stays; nothing when it is too large.
fn append(
    target: &mut BytesMut,
    expected: usize,
    write: impl FnOnce(&mut BytesMut),
) -> Result<(), CodecError> {
    let start = target.len();
    target.reserve(LENGTH_BYTES + expected);
    target.put_bytes(0, LENGTH_BYTES);
    write(target);
    let length = target.len() - start - LENGTH_BYTES;
    match u32::try_from(length) {
        Ok(prefix) if length <= FRAME_MAX_BYTES => {
            target[start..start + LENGTH_BYTES].copy_from_slice(&prefix.to_be_bytes());
            Ok(())
        }
        Ok(_) | Err(_) => {
            target.truncate(start);
            Err(CodecError::Oversize)
        }
    }
}

#[cfg(test)]
mod tests;
