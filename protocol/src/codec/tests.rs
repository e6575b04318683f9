//! Tests of `codec`.

use proptest::prelude::*;

use super::*;
use crate::frame::{Hello, PastePart, ReplyFrame, RequestFrame};
use crate::id::{InstanceUuid, PaneUuid};
use crate::name::ServerName;

fn error() -> impl Strategy<Value = Error> {
    (".{0,40}", ".{0,40}", prop::collection::vec(".{0,20}", 0..4)).prop_map(
        |(message, hint, candidates)| {
            Error::new(ErrorCode::NotFound, message)
                .hint(hint)
                .candidates(candidates)
        },
    )
}

fn bytes() -> impl Strategy<Value = Bytes> {
    // From 4,096 bytes on a body is not copied out of the stream.
    let length = prop_oneof![9 => 0..300usize, 1 => 4_090..4_200usize];
    length.prop_flat_map(|length| prop::collection::vec(any::<u8>(), length).prop_map(Bytes::from))
}

fn hello() -> impl Strategy<Value = Hello> {
    (any::<u32>(), ".{0,20}", ".{0,20}", any::<bool>()).prop_map(
        |(protocol_version, version, name, full)| Hello {
            protocol_version,
            version,
            name,
            instance: full.then(InstanceUuid::new),
            server: full.then(ServerName::local),
            types_once: full,
            caller_pane: full.then(PaneUuid::new),
            token: full.then(|| "secret".to_owned()),
        },
    )
}

/// Every kind of frame.
fn paste_part() -> impl Strategy<Value = Option<PastePart>> {
    use PastePart::{Begin, End, More, Whole};
    prop::option::of(prop::sample::select(vec![Whole, Begin, More, End]))
}

fn frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        hello().prop_map(Frame::Hello),
        (
            any::<u64>(),
            "[a-z_]{1,20}",
            prop::option::of(".{0,20}"),
            bytes()
        )
            .prop_map(|(id, method, idempotency_key, params)| {
                Frame::Request(RequestFrame {
                    id,
                    method,
                    idempotency_key,
                    params,
                })
            }),
        (any::<u64>(), prop::result::maybe_err(bytes(), error()))
            .prop_map(|(id, result)| Frame::Reply(ReplyFrame { id, result })),
        any::<u64>().prop_map(Frame::Cancel),
        (any::<u64>(), bytes()).prop_map(|(seq, body)| Frame::Event { seq, body }),
        (any::<u64>(), bytes(), paste_part()).prop_map(|(view, bytes, paste)| Frame::Input {
            view,
            bytes,
            paste
        }),
        any::<u64>().prop_map(Frame::Ready),
        Just(Frame::Ping),
        Just(Frame::Pong),
        error().prop_map(Frame::Bye),
        "x_[a-z]{1,20}".prop_map(Frame::Unknown),
    ]
}

fn stream_of(frames: &[Frame]) -> BytesMut {
    let mut codec = FrameCodec::default();
    let mut stream = BytesMut::new();
    for frame in frames {
        codec.encode(frame.clone(), &mut stream).unwrap();
    }
    stream
}

/// Feeds `stream` in pieces that end at `cuts`, then ends it.
fn decode_in_pieces(stream: &[u8], mut cuts: Vec<usize>) -> Result<Vec<Frame>, CodecError> {
    cuts.iter_mut()
        .for_each(|cut| *cut = (*cut).min(stream.len()));
    cuts.push(stream.len());
    cuts.sort_unstable();
    let mut codec = FrameCodec::default();
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    let mut from = 0;
    for cut in cuts {
        buffer.extend_from_slice(&stream[from..cut]);
        from = cut;
        while let Some(frame) = codec.decode(&mut buffer)? {
            frames.push(frame);
        }
    }
    while let Some(frame) = codec.decode_eof(&mut buffer)? {
        frames.push(frame);
    }
    Ok(frames)
}

proptest! {
    #[test]
    fn any_frames_come_back_whatever_the_pieces(
        frames in prop::collection::vec(frame(), 0..6),
        cuts in prop::collection::vec(0usize..3000, 0..40),
    ) {
        let stream = stream_of(&frames);
        prop_assert_eq!(decode_in_pieces(&stream, cuts).unwrap(), frames);
    }

    #[test]
    fn a_stream_that_ends_early_gives_its_whole_frames_and_says_it_was_cut(
        frames in prop::collection::vec(frame(), 1..4),
        share in 0.0f64..1.0,
        cuts in prop::collection::vec(0usize..3000, 0..10),
    ) {
        let mut ends = vec![0];
        for count in 1..=frames.len() {
            ends.push(stream_of(&frames[..count]).len());
        }
        let stream = stream_of(&frames);
        let length = (stream.len() as f64 * share) as usize;
        let result = decode_in_pieces(&stream[..length], cuts);
        if let Some(whole) = ends.iter().position(|end| *end == length) {
            prop_assert_eq!(result.unwrap(), &frames[..whole]);
        } else {
            prop_assert!(matches!(result, Err(CodecError::Truncated)));
        }
    }

    #[test]
    fn garbage_is_refused_and_never_panics(
        garbage in prop::collection::vec(any::<u8>(), 0..400),
        cuts in prop::collection::vec(0usize..400, 0..10),
    ) {
        if let Err(error) = decode_in_pieces(&garbage, cuts) {
            prop_assert!(!matches!(error, CodecError::Io(_)), "{error}");
        }
    }

    #[test]
    fn garbage_behind_a_right_length_is_malformed_or_a_frame(
        garbage in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut stream = (garbage.len() as u32).to_be_bytes().to_vec();
        stream.extend(&garbage);
        match decode_in_pieces(&stream, Vec::new()) {
            Ok(frames) => prop_assert_eq!(frames.len(), 1),
            Err(error) => prop_assert!(matches!(error, CodecError::Malformed(_)), "{error}"),
        }
    }

    #[test]
    fn a_changed_byte_never_panics(
        frame in frame(), at in any::<prop::sample::Index>(), to in any::<u8>(),
    ) {
        let mut stream = stream_of(&[frame]);
        let at = at.index(stream.len());
        stream[at] = to;
        let _ = decode_in_pieces(&stream, Vec::new());
    }
}

#[test]
fn seventeen_mebibytes_are_refused_before_they_are_read() {
    let mut codec = FrameCodec::default();
    let mut buffer = BytesMut::from(&(17 * 1024 * 1024_u32).to_be_bytes()[..]);
    let error = codec.decode(&mut buffer).unwrap_err();
    assert!(matches!(error, CodecError::Oversize), "{error}");
    assert!(
        buffer.capacity() < 1024,
        "{} bytes set aside",
        buffer.capacity()
    );
    assert_eq!(Error::from(error).code, ErrorCode::Limit);
}

#[test]
fn the_largest_frame_passes_and_one_byte_more_is_oversize_both_ways() {
    let input = |bytes: usize| Frame::Input {
        paste: None,
        view: 1,
        bytes: vec![7; bytes].into(),
    };
    let overhead = input(FRAME_MAX_BYTES - 100).encode().len() - (FRAME_MAX_BYTES - 100);
    let largest = input(FRAME_MAX_BYTES - overhead);
    let mut stream = stream_of(std::slice::from_ref(&largest));
    assert_eq!(stream.len(), 4 + FRAME_MAX_BYTES);
    let mut codec = FrameCodec::default();
    assert_eq!(codec.decode(&mut stream).unwrap(), Some(largest));

    let over = input(FRAME_MAX_BYTES - overhead + 1);
    let mut stream = stream_of(&[Frame::Ping]);
    let before = stream.clone();
    for written in [
        codec.encode(over.encode(), &mut stream),
        codec.encode(over, &mut stream),
    ] {
        assert!(matches!(written, Err(CodecError::Oversize)));
        assert_eq!(stream, before, "nothing of it is sent");
    }
}

#[test]
fn an_end_between_frames_is_an_ordinary_end() {
    assert!(decode_in_pieces(&[], Vec::new()).unwrap().is_empty());
    let ping = stream_of(&[Frame::Ping]);
    assert_eq!(decode_in_pieces(&ping, vec![2]).unwrap(), [Frame::Ping]);
}

#[test]
fn an_empty_frame_is_malformed() {
    let result = decode_in_pieces(&[0, 0, 0, 0], Vec::new());
    assert!(matches!(result, Err(CodecError::Malformed(_))));
}

#[test]
fn deep_nesting_is_malformed_and_does_not_overflow_the_stack() {
    // A frame with an unknown field of a million nested arrays.
    let mut body = vec![0x82, 0xa4];
    body.extend(b"kind\xa4ping\xa1x");
    body.extend(vec![0x91; 1_000_000]);
    body.push(0xc0);
    let mut stream = (body.len() as u32).to_be_bytes().to_vec();
    stream.extend(body);
    let error = decode_in_pieces(&stream, Vec::new()).unwrap_err();
    assert!(matches!(error, CodecError::Malformed(_)), "{error}");
}
