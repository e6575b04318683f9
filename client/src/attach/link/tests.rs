//! A connection against a server of a few lines, which sends its bytes one by one.

use std::os::unix::net::UnixListener;
use std::thread::JoinHandle;

use protocol::ErrorCode;
use protocol::event::{ScreenRow, ScreenUpdate, Selection};
use protocol::fleet::Fleet;
use protocol::paths::Paths;
use protocol::reply::Done;
use protocol::request::Whoami;

use bytes::BytesMut;
use protocol::codec::FrameCodec;
use protocol::frame::{Hello, PROTOCOL_VERSION};
use protocol::transport::client_hello;
use tokio_util::codec::{Decoder, Encoder};

use super::*;

const LIMIT: Duration = Duration::from_secs(10);

/// The server's side: what it receives, and what it answers byte by byte.
struct Peer {
    stream: UnixStream,
    codec: FrameCodec,
    input: BytesMut,
}

impl Peer {
    fn receive(&mut self) -> Frame {
        let mut buffer = [0; 1024];
        loop {
            if let Some(frame) = self.codec.decode(&mut self.input).unwrap() {
                return frame;
            }
            let length = self.stream.read(&mut buffer).unwrap();
            assert!(length > 0, "the client closed");
            self.input.extend_from_slice(&buffer[..length]);
        }
    }

    fn send(&mut self, frame: Frame) {
        let mut bytes = BytesMut::new();
        self.codec.encode(frame, &mut bytes).unwrap();
        for byte in bytes {
            self.stream.write_all(&[byte]).unwrap();
        }
    }

    fn send_event(&mut self, event: &Event) {
        self.send(Frame::Event {
            seq: 1,
            body: to_bytes(event),
        });
    }
}

fn hello(protocol_version: u32) -> Frame {
    Frame::Hello(Hello {
        protocol_version,
        ..client_hello("server")
    })
}

/// Runs `serve` as the server of a temporary directory.
fn with_server(
    serve: impl FnOnce(&mut Peer) + Send + 'static,
) -> (tempfile::TempDir, Fleet, JoinHandle<()>) {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths {
        runtime: dir.path().to_owned(),
        state: dir.path().to_owned(),
        config: dir.path().join("none"),
    };
    let listener = UnixListener::bind(paths.socket()).unwrap();
    let peer = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut peer = Peer {
            stream,
            codec: FrameCodec::default(),
            input: BytesMut::new(),
        };
        assert!(matches!(peer.receive(), Frame::Hello(_)));
        serve(&mut peer);
    });
    let fleet = Fleet::load(&paths, "test", None, false).unwrap();
    (dir, fleet, peer)
}

fn open(fleet: &Fleet) -> Result<Link, Error> {
    let server = fleet.server(fleet.default_server()).unwrap();
    Link::open(&server, Asking::Never)
}

fn ended_event() -> Event {
    Event::Detached {
        view: VIEW,
        reason: "over".into(),
    }
}

#[test]
fn a_call_gets_its_own_reply_and_keeps_what_else_arrives() {
    let (_dir, fleet, peer) = with_server(|peer| {
        peer.send(hello(PROTOCOL_VERSION));
        let Frame::Request(request) = peer.receive() else {
            panic!("no request");
        };
        assert_eq!(request.method, Detach::METHOD);
        peer.send(Frame::Ping);
        assert_eq!(peer.receive(), Frame::Pong);
        peer.send_event(&ended_event());
        for id in [request.id + 7, request.id] {
            let result = Ok(to_bytes(&Done {}));
            peer.send(Frame::Reply(ReplyFrame { id, result }));
        }
    });
    let mut link = open(&fleet).unwrap();
    link.call(&Detach { view: VIEW }, LIMIT).unwrap();
    assert_eq!(link.next_event(), Some(ended_event()));
    assert_eq!(link.next_event(), None);
    peer.join().unwrap();
}

#[test]
fn what_a_server_says_before_it_goes_is_kept() {
    let (_dir, fleet, peer) = with_server(|peer| {
        peer.send(hello(PROTOCOL_VERSION));
        peer.send_event(&ended_event());
        peer.send(Frame::Bye(Error::new(ErrorCode::Limit, "too many")));
    });
    let mut link = open(&fleet).unwrap();
    let error = link.call(&Whoami {}, LIMIT).unwrap_err();
    assert_eq!(error.code, ErrorCode::Limit);
    assert_eq!(link.next_event(), Some(ended_event()));
    peer.join().unwrap();
}

#[test]
fn another_version_silence_and_a_closed_connection_are_told_apart() {
    let (_dir, fleet, peer) = with_server(|peer| peer.send(hello(PROTOCOL_VERSION + 1)));
    assert_eq!(open(&fleet).err().unwrap().code, ErrorCode::Unsupported);
    peer.join().unwrap();

    let (_dir, fleet, peer) = with_server(|_| {});
    assert_eq!(
        open(&fleet).err().unwrap().code,
        ErrorCode::ServerUnreachable
    );
    peer.join().unwrap();

    let (_dir, fleet, peer) = with_server(|peer| {
        peer.send(hello(PROTOCOL_VERSION));
        peer.receive();
        // Until the client has gone.
        let _ = peer.stream.read(&mut [0]);
    });
    let mut link = open(&fleet).unwrap();
    let error = link
        .call(&Whoami {}, Duration::from_millis(50))
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Timeout);
    drop(link);
    peer.join().unwrap();
}

#[test]
fn rows_of_any_server_hold_nothing_but_colours_and_links() {
    let update = |ansi: &str, title: Option<&str>| Event::Screen {
        view: VIEW,
        update: ScreenUpdate {
            rows: vec![ScreenRow {
                row: 0,
                ansi: ansi.as_bytes().to_vec(),
                clusters: None,
            }],
            title: title.map(str::to_owned),
            ..ScreenUpdate::default()
        },
    };
    let link = "\x1b]8;;http://x\x1b\\l\x1b]8;;\x1b\\";
    let hostile = format!("a\x1b[31mb\x1b]52;c;eA==\x07\x1b[2J{link}\u{9d}");
    let mut event = update(&hostile, Some("t"));
    harmless(&mut event, Passes::default());
    let kept = format!("a\x1b[31mb{link}\u{fffd}");
    assert_eq!(event, update(&kept, None));
    let mut event = update(&kept, Some("t"));
    let all = Passes {
        titles: true,
        clipboard: true,
    };
    harmless(&mut event, all);
    assert_eq!(event, update(&kept, Some("t")));
    let copied = |bytes| Event::Screen {
        view: VIEW,
        update: ScreenUpdate {
            copied: vec![Copied {
                selection: Selection::Clipboard,
                text: vec![b'x'; bytes],
            }],
            ..ScreenUpdate::default()
        },
    };
    for (passes, bytes, stays) in [
        (all, 9, true),
        (all, Copied::MAX_BYTES, true),
        (all, Copied::MAX_BYTES + 1, false),
        (Passes::default(), 9, false),
    ] {
        let mut event = copied(bytes);
        harmless(&mut event, passes);
        assert_eq!(event == copied(bytes), stays, "{passes:?} {bytes}");
    }
}
