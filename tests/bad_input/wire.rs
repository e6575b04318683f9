//! Bytes that are no frames, frames that are not in order.

use std::time::Duration;

use protocol::ErrorCode;
use protocol::frame::{Frame, PROTOCOL_VERSION, to_bytes};
use protocol::request::Whoami;
use protocol::transport::client_hello;

use super::{peopled, world};
use crate::support::daemon::Daemon;
use crate::support::raw::Raw;
use crate::support::{eventually, run};

#[test]
fn a_broken_stream_is_told_why_and_closed_and_nobody_else_notices() {
    run(async {
        let daemon = Daemon::start();
        let client = peopled(&daemon).await;
        let before = world(&daemon, &client).await;
        let with_length = |length: u32, body: &[u8]| [&length.to_be_bytes(), body].concat();
        let streams: [(&str, Vec<u8>, ErrorCode); 9] = [
            (
                "17 MiB",
                with_length(17 << 20, &[0x81; 1_000]),
                ErrorCode::Limit,
            ),
            ("4 GiB", with_length(u32::MAX, &[]), ErrorCode::Limit),
            (
                "text",
                b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
                ErrorCode::Limit,
            ),
            (
                "no map",
                with_length(3, &[0x93, 1, 2]),
                ErrorCode::InvalidArgument,
            ),
            ("nothing", with_length(0, &[]), ErrorCode::InvalidArgument),
            (
                "half a map",
                with_length(2, &[0x82, 0xa4]),
                ErrorCode::InvalidArgument,
            ),
            (
                "no kind",
                with_length(1, &[0x80]),
                ErrorCode::InvalidArgument,
            ),
            (
                "not UTF-8",
                with_length(8, &[0x81, 0xa4, b'k', b'i', b'n', b'd', 0xa1, 0xff]),
                ErrorCode::InvalidArgument,
            ),
            ("zeros", vec![0; 100_000], ErrorCode::InvalidArgument),
        ];
        for (what, bytes, code) in &streams {
            for greeted in [false, true] {
                let mut raw = if greeted {
                    Raw::open(&daemon, what)
                } else {
                    Raw::silent(&daemon)
                };
                if greeted {
                    raw.ask(&protocol::request::WaitPane {
                        pane: crate::support::view::named("one"),
                        timeout_ms: 60_000,
                    });
                }
                raw.bytes(bytes);
                let why = raw
                    .goodbye()
                    .unwrap_or_else(|| panic!("{what}: closed without a word"));
                assert_eq!(why.code, *code, "{what}: {why}");
                assert!(!why.message.is_empty());
            }
        }
        // Cut in the middle of a frame, and then closed in one direction or in both.
        let ask = Raw::framed(&Frame::Hello(client_hello("cut")));
        for at in [1, 3, 4, 5, ask.len() - 1] {
            let mut raw = Raw::silent(&daemon);
            raw.bytes(&ask[..at]);
            raw.socket.shutdown(std::net::Shutdown::Write).unwrap();
            let why = raw.goodbye().expect("it says that the frame is cut");
            assert_eq!(why.code, ErrorCode::InvalidArgument, "{at}: {why}");
            let mut raw = Raw::open(&daemon, "cut");
            raw.bytes(&ask[..at]);
            raw.cut();
        }
        assert_eq!(world(&daemon, &client).await, before);
        let clients = || async { client.ok(protocol::request::Status {}).await.clients };
        eventually("only this client", async || {
            (clients().await == 1).then_some(())
        })
        .await;
    });
}

#[test]
fn the_first_frame_is_a_hello_of_this_major_version() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        for frame in [
            Frame::Ping,
            Frame::Ready(1),
            Frame::Cancel(1),
            Frame::Unknown("later".into()),
        ] {
            let mut raw = Raw::silent(&daemon);
            raw.send(&frame);
            let why = raw.goodbye().expect("it says what is wrong");
            assert_eq!(why.code, ErrorCode::InvalidArgument, "{why}");
            assert!(why.message.contains("hello"), "{why}");
        }
        let mut raw = Raw::silent(&daemon);
        raw.request("kill_session", to_bytes(&Whoami {}));
        assert_eq!(raw.goodbye().unwrap().code, ErrorCode::InvalidArgument);
        for (version, older) in [
            (PROTOCOL_VERSION + 1, "server"),
            (0, "client"),
            (u32::MAX, "server"),
        ] {
            let mut hello = client_hello("other");
            hello.protocol_version = version;
            let mut raw = Raw::silent(&daemon);
            raw.send(&Frame::Hello(hello));
            let Some(Frame::Hello(server)) = raw.frame() else {
                panic!("no hello came back")
            };
            assert_eq!(server.protocol_version, PROTOCOL_VERSION);
            let why = raw.goodbye().unwrap();
            assert_eq!(why.code, ErrorCode::Unsupported, "{why}");
            assert_eq!(why.hint, format!("upgrade the {older}"));
        }
        // A name that is too long or hostile is cut, not refused.
        let mut raw = Raw::open(&daemon, &"\u{1b}]0;x\u{7}".repeat(10_000));
        raw.call("whoami", to_bytes(&Whoami {})).unwrap();
        // Frames that only a server sends, and kinds that are not known yet, are ignored.
        raw.send(&Frame::Unknown("later".into()));
        raw.send(&Frame::Hello(client_hello("again")));
        raw.send(&Frame::Event {
            seq: 1,
            body: to_bytes(&Whoami {}),
        });
        raw.send(&Frame::Input {
            paste: None,
            view: 9,
            bytes: "x".into(),
        });
        raw.send(&Frame::Ready(9));
        raw.call("whoami", to_bytes(&Whoami {})).unwrap();
        client.ok(Whoami {}).await;
    });
}

#[test]
fn who_never_says_hello_is_closed() {
    run(async {
        let daemon = Daemon::start();
        let mut silent = Raw::silent(&daemon);
        let mut slow = Raw::silent(&daemon);
        let hello = Raw::framed(&Frame::Hello(client_hello("slow")));
        let dripping = async {
            for byte in &hello[..20] {
                slow.bytes(&[*byte]);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        dripping.await;
        for raw in [&mut silent, &mut slow] {
            let why = raw.goodbye().expect("it says why");
            assert_eq!(why.code, ErrorCode::InvalidArgument, "{why}");
        }
        let client = daemon.client().await;
        client.ok(Whoami {}).await;
    });
}

#[test]
fn a_request_number_used_twice_is_refused() {
    run(async {
        let daemon = Daemon::start();
        let client = peopled(&daemon).await;
        let mut raw = Raw::open(&daemon, "twice");
        let frame = |id| {
            Frame::Request(protocol::frame::RequestFrame {
                id,
                method: "wait_pane".to_owned(),
                idempotency_key: None,
                params: to_bytes(&protocol::request::WaitPane {
                    pane: crate::support::view::named("one"),
                    timeout_ms: 60_000,
                }),
            })
        };
        raw.send(&frame(7));
        raw.send(&frame(7));
        let (id, result) = raw.reply();
        assert_eq!(
            (id, result.unwrap_err().code),
            (7, ErrorCode::InvalidArgument)
        );
        drop(client);
    });
}
