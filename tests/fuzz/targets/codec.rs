//! Any bytes through the codec: no panic, the same frames whatever the pieces, and what was
//! decoded encodes to itself.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use protocol::codec::FrameCodec;
use protocol::frame::{Frame, from_bytes};
use protocol::{Event, Request};
use tokio_util::codec::Decoder;

/// The frames of `stream` fed in pieces of `piece` bytes, and whether it ended well.
fn frames(stream: &[u8], piece: usize) -> (Vec<Frame>, bool) {
    let mut codec = FrameCodec::default();
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for chunk in stream.chunks(piece) {
        buffer.extend_from_slice(chunk);
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, false),
            }
        }
    }
    let ended = matches!(codec.decode_eof(&mut buffer), Ok(None));
    (frames, ended)
}

fn check_frame(frame: &Frame) {
    assert_eq!(Frame::decode(&frame.encode()).as_ref(), Ok(frame));
    match frame {
        Frame::Request(request) => {
            let _ = Request::decode(&request.method, &request.params);
        }
        Frame::Event { body, .. } => {
            let _ = from_bytes::<Event>(body);
        }
        _ => {}
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&first, stream)) = input.split_first() else {
        return;
    };
    let whole = frames(stream, usize::MAX);
    assert_eq!(whole, frames(stream, usize::from(first) + 1));
    whole.0.iter().for_each(check_frame);

    if let Ok(frame) = Frame::decode(&Bytes::copy_from_slice(stream)) {
        check_frame(&frame);
    }
    let method = Request::METHODS[usize::from(first) % Request::METHODS.len()];
    let _ = Request::decode(method, stream);
    let _ = from_bytes::<Event>(stream);
});
