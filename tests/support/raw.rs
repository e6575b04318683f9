//! A peer that can misbehave: frames and bytes by hand over the daemon's socket.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use bytes::Bytes;
use protocol::frame::{Frame, Hello, RequestFrame, to_bytes};
use protocol::request::Call;
use protocol::{Error, transport};

use super::LIMIT;
use super::daemon::Daemon;

/// One blocking socket.
pub struct Raw {
    pub socket: UnixStream,
    input: Vec<u8>,
    next_id: u64,
    /// Reads at most so many bytes at a time, with a pause before each.
    pub pace: Option<(usize, Duration)>,
}

impl Raw {
    /// A socket that has said nothing yet.
    pub fn silent(daemon: &Daemon) -> Self {
        let socket = UnixStream::connect(daemon.socket()).unwrap();
        socket.set_write_timeout(Some(LIMIT)).unwrap();
        Self {
            socket,
            input: Vec::new(),
            next_id: 1,
            pace: None,
        }
    }

    /// A socket on which the hellos are exchanged.
    pub fn open(daemon: &Daemon, name: &str) -> Self {
        let mut raw = Self::silent(daemon);
        let hello = Hello {
            caller_pane: None,
            ..transport::client_hello(name)
        };
        raw.send(&Frame::Hello(hello));
        assert!(
            matches!(raw.frame(), Some(Frame::Hello(_))),
            "no hello came"
        );
        raw
    }

    /// The bytes of a frame with its length.
    pub fn framed(frame: &Frame) -> Vec<u8> {
        let body = frame.encode();
        let mut bytes = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Sends a frame.
    pub fn send(&mut self, frame: &Frame) {
        self.bytes(&Self::framed(frame));
    }

    /// Sends bytes. A daemon that has closed already is fine: what it said is read next.
    pub fn bytes(&mut self, bytes: &[u8]) {
        match self.socket.write_all(bytes) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("{error}"),
            Ok(()) | Err(_) => {}
        }
    }

    /// The next frame but pings, which it answers; `None` when the daemon has closed.
    pub fn frame(&mut self) -> Option<Frame> {
        let begun = Instant::now();
        loop {
            if let Some(frame) = self.buffered() {
                if frame == Frame::Ping {
                    self.send(&Frame::Pong);
                    continue;
                }
                return Some(frame);
            }
            assert!(begun.elapsed() < LIMIT, "the daemon said nothing");
            let mut buffer = vec![0; self.pace.map_or(64 * 1024, |(bytes, _)| bytes)];
            if let Some((_, pause)) = self.pace {
                std::thread::sleep(pause);
            }
            self.socket
                .set_read_timeout(Some(Duration::from_secs(1)))
                .unwrap();
            match self.socket.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn buffered(&mut self) -> Option<Frame> {
        let length: [u8; 4] = self.input.get(..4)?.try_into().unwrap();
        let end = 4 + u32::from_be_bytes(length) as usize;
        let frame = Frame::decode(&Bytes::copy_from_slice(self.input.get(4..end)?)).unwrap();
        self.input.drain(..end);
        Some(frame)
    }

    /// Sends a request and does not wait for its reply.
    pub fn request(&mut self, method: &str, params: Bytes) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&Frame::Request(RequestFrame {
            id,
            method: method.to_owned(),
            idempotency_key: None,
            params,
        }));
        id
    }

    /// Sends a call and does not wait for its reply.
    pub fn ask<C: Call>(&mut self, params: &C) -> u64 {
        self.request(C::METHOD, to_bytes(params))
    }

    /// The next reply, whose ever it is.
    pub fn reply(&mut self) -> (u64, Result<Bytes, Error>) {
        loop {
            match self.frame() {
                Some(Frame::Reply(reply)) => return (reply.id, reply.result),
                Some(_) => {}
                None => panic!("the daemon closed the connection"),
            }
        }
    }

    /// Sends a request and waits for its reply.
    pub fn call(&mut self, method: &str, params: Bytes) -> Result<Bytes, Error> {
        let id = self.request(method, params);
        let (answered, result) = self.reply();
        assert_eq!(answered, id);
        result
    }

    /// Why the daemon closes this connection, if it says so; then it does close it.
    pub fn goodbye(&mut self) -> Option<Error> {
        let mut why = None;
        while let Some(frame) = self.frame() {
            if let Frame::Bye(error) = frame {
                why = Some(error);
            }
        }
        why
    }

    /// Closes both directions at once.
    pub fn cut(self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}
