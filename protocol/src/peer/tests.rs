//! A connection's beginning, its heartbeat and its end, without a socket.

use super::*;

use proptest::prelude::*;

use crate::transport::client_hello;

const LIMIT: Duration = Duration::from_secs(5);

fn hello(version: u32) -> Hello {
    Hello {
        protocol_version: version,
        name: "test".to_owned(),
        ..client_hello("server")
    }
}

fn framed(frames: impl IntoIterator<Item = Frame>) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    for frame in frames {
        FrameCodec::default().encode(frame, &mut bytes).unwrap();
    }
    bytes.to_vec()
}

fn fresh(now: Instant) -> Peer {
    let mut peer = Peer::client(client_hello("client"), LIMIT, now);
    let said = peer.take_output();
    assert_eq!(
        said.to_vec(),
        framed([Frame::Hello(client_hello("client"))])
    );
    peer
}

fn open(now: Instant) -> Peer {
    let mut peer = fresh(now).far();
    peer.push(&framed([Frame::Hello(hello(PROTOCOL_VERSION))]), now);
    let Ok(Some(Received::Hello(said))) = peer.received() else {
        panic!("no hello");
    };
    assert_eq!(said.name, "test");
    peer
}

fn why(answer: Result<Option<Received>, Error>) -> String {
    answer.unwrap_err().to_string()
}

#[test]
fn a_silent_server_is_asked_and_then_lost_within_fifteen_seconds() {
    let now = Instant::now();
    let mut peer = open(now);
    peer.wake(now + SILENCE - Duration::from_millis(1)).unwrap();
    assert!(peer.output().is_empty(), "it is not silent for long");
    peer.wake(now + SILENCE).unwrap();
    assert_eq!(peer.take_output().to_vec(), framed([Frame::Ping]));
    peer.wake(now + SILENCE * 2).unwrap();
    assert!(peer.output().is_empty(), "asked once");
    let lost_at = peer.wake_at().unwrap();
    assert!(lost_at - now < Duration::from_secs(15));
    let error = peer.wake(lost_at).unwrap_err();
    assert_eq!(error.code, ErrorCode::ServerUnreachable);

    let mut peer = open(now);
    peer.wake(now + SILENCE).unwrap();
    let later = now + SILENCE * 2;
    peer.push(&framed([Frame::Pong]), later);
    assert_eq!(peer.received().unwrap(), None);
    assert_eq!(peer.wake_at(), Some(later + SILENCE), "it lives");
}

#[test]
fn a_server_is_answered_and_its_last_word_is_the_reason() {
    let now = Instant::now();
    let mut peer = open(now);
    peer.push(&framed([Frame::Ping, Frame::Ready(3)]), now);
    let taken = peer.received().unwrap();
    assert_eq!(taken, Some(Received::Frame(Frame::Ready(3))));
    assert_eq!(peer.take_output().to_vec(), framed([Frame::Pong]));
    peer.push(&framed([Frame::Bye(Error::replaced())]), now);
    assert!(peer.received().unwrap_err().is_replaced());
    assert_eq!(peer.ended().message, "the server closed the connection");
}

#[test]
fn a_greeting_has_a_limit_and_a_version() {
    let now = Instant::now();
    let mut peer = fresh(now);
    assert_eq!(peer.wake_at(), Some(now + LIMIT));
    assert!(peer.wake(now + LIMIT).is_err());
    peer.push(&framed([Frame::Hello(hello(PROTOCOL_VERSION + 1))]), now);
    assert!(why(peer.received()).contains("upgrade the client"));

    let mut peer = fresh(now);
    peer.push(b"HTTP/1.1 400 Bad Request\r\n", now);
    let said = why(peer.received());
    assert!(said.starts_with(NO_HELLO), "{said}");
    assert!(fresh(now).ended().message.starts_with(NO_HELLO));
}

#[test]
fn the_words_of_a_login_script_are_skipped_up_to_a_limit_and_quoted() {
    let now = Instant::now();
    let words = b"Welcome to polecats!\r\nYou have mail.\r\n";
    let mut bytes = words.to_vec();
    bytes.extend(framed([
        Frame::Hello(hello(PROTOCOL_VERSION)),
        Frame::Ready(1),
    ]));
    for chunk in [1, 3, 17, bytes.len()] {
        let mut peer = fresh(now).after_preamble();
        let mut received = Vec::new();
        for piece in bytes.chunks(chunk) {
            peer.push(piece, now);
            while let Some(next) = peer.received().unwrap() {
                received.push(next);
            }
        }
        assert!(matches!(received[0], Received::Hello(_)), "{chunk}");
        assert_eq!(received[1], Received::Frame(Frame::Ready(1)));
    }

    let mut peer = fresh(now).after_preamble();
    peer.push(words, now);
    assert_eq!(peer.received().unwrap(), None);
    let said = peer.ended().message;
    assert!(said.contains("Welcome to polecats!"), "{said}");
    peer.push(&[b'x'; PREAMBLE_BYTES], now);
    assert!(why(peer.received()).contains("Welcome to polecats!"));
}

proptest! {
    /// However a stream is cut, the same comes of it, and garbage ends it without a panic.
    #[test]
    fn cuts_change_nothing(cuts in proptest::collection::vec(1usize..40, 1..40), junk in proptest::collection::vec(any::<u8>(), 0..64)) {
        let now = Instant::now();
        let frames = [Frame::Ready(1), Frame::Ping, Frame::Cancel(2), Frame::Ready(3)];
        let mut bytes = framed(frames);
        bytes.extend(&junk);
        let mut peer = open(now);
        let mut received = Vec::new();
        let (mut at, mut cuts) = (0, cuts.into_iter().cycle());
        'stream: while at < bytes.len() {
            let end = (at + cuts.next().unwrap()).min(bytes.len());
            peer.push(&bytes[at..end], now);
            at = end;
            loop {
                match peer.received() {
                    Ok(Some(next)) => received.push(next),
                    Ok(None) => break,
                    Err(_) => break 'stream,
                }
            }
        }
        let wanted = [Frame::Ready(1), Frame::Cancel(2), Frame::Ready(3)].map(Received::Frame);
        prop_assert_eq!(&received[..3], &wanted[..]);
    }
}
