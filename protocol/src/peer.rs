//! A client's end of a connection without its I/O: bytes and times in, frames and bytes out.
//!
//! Hello, version, ping and bye are dealt with inside. [`crate::connection::Connection`] drives it on tokio, `fugue attach`
//! with poll(2).

use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

use crate::codec::{CodecError, FrameCodec};
use crate::connection::version_mismatch;
use crate::error::{Error, ErrorCode};
use crate::frame::{Frame, Hello, PROTOCOL_VERSION};

/// A silence after which the server is asked for a sign of life.
pub const SILENCE: Duration = Duration::from_secs(5);

/// A silence after which the server counts as lost.
pub const LOST_AFTER: Duration = Duration::from_secs(14);

/// Bytes that may stand before the first frame: what a login script of the other machine prints.
const PREAMBLE_BYTES: usize = 4 * 1024;

/// Room for what is read at a time.
const READ_BYTES: usize = 8 * 1024;

/// The error of a server that closes what it has accepted: it is probably about to be replaced.
pub(crate) const NO_HELLO: &str = "the server closed the connection before its hello";

/// Things that bytes of the server turn out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// Its hello, once and first.
    Hello(Hello),
    /// A reply, an event, or what a client has no use for.
    Frame(Frame),
}

/// The parts of a connection's beginning.
#[derive(Debug)]
enum Stage {
    /// The server's hello is waited for until then.
    Greeting(Instant),
    /// It has come.
    Open,
}

/// A client's end of one connection.
#[derive(Debug)]
pub struct Peer {
    codec: FrameCodec,
    input: BytesMut,
    out: BytesMut,
    stage: Stage,
    /// What may stand before the first frame, as far as it has come.
    preamble: Option<Vec<u8>>,
    limit: Duration,
    heartbeat: Heartbeat,
    /// When the server was heard last.
    heard: Instant,
}

/// The signs of life that a silent server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heartbeat {
    /// None: the kernel tells when a process of this machine goes.
    None,
    /// One is due when it is silent for [`SILENCE`].
    Due,
    /// It was asked.
    Asked,
}

impl Peer {
    /// The end of a client that says `hello` and waits at most `limit` for the server's.
    #[must_use]
    pub fn client(hello: Hello, limit: Duration, now: Instant) -> Self {
        let mut peer = Self {
            codec: FrameCodec::default(),
            input: BytesMut::new(),
            out: BytesMut::new(),
            stage: Stage::Greeting(now + limit),
            preamble: None,
            limit,
            heartbeat: Heartbeat::None,
            heard: now,
        };
        // A hello is far below the limit of a frame.
        let _ = peer.send(Frame::Hello(hello));
        peer
    }

    /// The end of a connection to another machine, whose cable may be pulled.
    #[must_use]
    pub fn far(mut self) -> Self {
        self.heartbeat = Heartbeat::Due;
        self
    }

    /// The same over a program's standard output, where a login script may have printed before the first frame.
    #[must_use]
    pub fn after_preamble(mut self) -> Self {
        self.preamble = Some(Vec::new());
        self
    }

    /// Takes in what was read.
    pub fn push(&mut self, bytes: &[u8], now: Instant) {
        self.input.extend_from_slice(bytes);
        self.heard(now);
    }

    /// The buffer that what is read is appended to, with room for some; [`Peer::heard`] tells of it.
    pub fn input(&mut self) -> &mut BytesMut {
        self.input.reserve(READ_BYTES);
        &mut self.input
    }

    /// Something was read.
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
        if self.heartbeat == Heartbeat::Asked {
            self.heartbeat = Heartbeat::Due;
        }
    }

    /// The next thing that has come whole.
    ///
    /// # Errors
    /// The reason that the server gave before it closes; `unsupported` when it speaks another version; `server_unreachable` for
    /// what is no frame.
    pub fn received(&mut self) -> Result<Option<Received>, Error> {
        if !self.skip_preamble()? {
            return Ok(None);
        }
        while let Some(frame) = self.decoded()? {
            match (frame, &self.stage) {
                (Frame::Hello(hello), Stage::Greeting(_)) => {
                    if hello.protocol_version != PROTOCOL_VERSION {
                        return Err(version_mismatch(&hello, "server"));
                    }
                    self.stage = Stage::Open;
                    return Ok(Some(Received::Hello(hello)));
                }
                (Frame::Ping, _) => self.send(Frame::Pong)?,
                (Frame::Pong, _) => {}
                (Frame::Bye(why), _) => return Err(why),
                // What comes before the hello is not for this side.
                (_, Stage::Greeting(_)) => {}
                (frame, Stage::Open) => return Ok(Some(Received::Frame(frame))),
            }
        }
        Ok(None)
    }

    /// The reason for which the connection is over when the stream has ended.
    #[must_use]
    pub fn ended(&self) -> Error {
        match (&self.stage, &self.preamble) {
            (Stage::Greeting(_), Some(said)) if !said.is_empty() || !self.input.is_empty() => {
                lost(&format!("{NO_HELLO}; it printed {}", self.printed(said)))
            }
            (Stage::Greeting(_), _) => lost(NO_HELLO),
            (Stage::Open, _) => lost("the server closed the connection"),
        }
    }

    /// The error of a server that says nothing for `limit`.
    #[must_use]
    pub fn silent(&self, limit: Duration) -> Error {
        let message = format!("the server said nothing for {limit:?}");
        let hint = match self.heartbeat {
            Heartbeat::None => {
                "see the daemon's log (`fugue logs`); a daemon that hangs can be killed with `kill -9`: its programs go on, and the next command starts it again"
            }
            Heartbeat::Due | Heartbeat::Asked => {
                "the network or the server there hangs; `fugue servers test` goes each step of the way"
            }
        };
        Error::new(ErrorCode::ServerUnreachable, message).hint(hint)
    }

    /// Queues a frame.
    ///
    /// # Errors
    /// `limit` for one that is too large; nothing is queued then.
    pub fn send(&mut self, frame: Frame) -> Result<(), Error> {
        self.codec.encode(frame, &mut self.out)?;
        Ok(())
    }

    /// The bytes to be written next.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.out
    }

    /// Takes all bytes to be written.
    pub fn take_output(&mut self) -> BytesMut {
        self.out.split()
    }

    /// Notes that the first `bytes` of the output are written.
    pub fn written(&mut self, bytes: usize) {
        let _ = self.out.split_to(bytes.min(self.out.len()));
    }

    /// Drops what was to be written: nobody reads it any more.
    pub fn drop_output(&mut self) {
        self.out.clear();
    }

    /// The time at which [`Peer::wake`] has something to do.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        match (&self.stage, self.heartbeat) {
            (Stage::Greeting(until), _) => Some(*until),
            (Stage::Open, Heartbeat::None) => None,
            (Stage::Open, Heartbeat::Due) => Some(self.heard + SILENCE),
            (Stage::Open, Heartbeat::Asked) => Some(self.heard + LOST_AFTER),
        }
    }

    /// Time has passed: asks a silent server for a sign of life.
    ///
    /// # Errors
    /// `server_unreachable` when the server is silent for too long.
    pub fn wake(&mut self, now: Instant) -> Result<(), Error> {
        if self.wake_at().is_none_or(|at| now < at) {
            return Ok(());
        }
        match (&self.stage, self.heartbeat) {
            (Stage::Greeting(_), _) => Err(self.silent(self.limit)),
            (Stage::Open, Heartbeat::Asked) => Err(self.silent(LOST_AFTER)),
            (Stage::Open, Heartbeat::Due) => self.ask(),
            (Stage::Open, Heartbeat::None) => Ok(()),
        }
    }

    /// Asks for a sign of life, from which on the server has the rest of [`LOST_AFTER`] for it.
    ///
    /// # Errors
    /// None that a ping can have.
    fn ask(&mut self) -> Result<(), Error> {
        self.heartbeat = Heartbeat::Asked;
        self.send(Frame::Ping)
    }

    /// Leaves out what stands before the first frame. False while that has not come.
    fn skip_preamble(&mut self) -> Result<bool, Error> {
        let Some(said) = &mut self.preamble else {
            return Ok(true);
        };
        if let Some(at) = first_hello(&self.input) {
            let _ = self.input.split_to(at);
            self.preamble = None;
            return Ok(true);
        }
        // The last bytes may be the beginning of the frame.
        let sure = self.input.len().saturating_sub(HELLO_HEAD.len() + HEAD_AT);
        said.extend_from_slice(&self.input.split_to(sure));
        if said.len() + self.input.len() <= PREAMBLE_BYTES {
            return Ok(false);
        }
        let said = std::mem::take(said);
        Err(lost(&format!(
            "no server speaks there; it printed {}",
            self.printed(&said)
        )))
    }

    /// The text that came before any frame, as it is quoted.
    fn printed(&self, said: &[u8]) -> String {
        let all = [said, &self.input].concat();
        crate::name::shown(String::from_utf8_lossy(&all).trim())
    }

    fn decoded(&mut self) -> Result<Option<Frame>, Error> {
        let frame = self.codec.decode(&mut self.input);
        frame.map_err(|error| broken(&error, &self.stage))
    }
}

/// The beginning of a hello: the kind is the first field of each frame.
const HELLO_HEAD: &[u8] = b"\xa4kind\xa5hello";

/// Bytes of a frame before that: its length and the mark of a map.
const HEAD_AT: usize = 5;

fn first_hello(bytes: &[u8]) -> Option<usize> {
    let found = bytes
        .windows(HELLO_HEAD.len())
        .position(|window| window == HELLO_HEAD)?;
    found.checked_sub(HEAD_AT)
}

fn broken(error: &CodecError, stage: &Stage) -> Error {
    match stage {
        Stage::Greeting(_) => lost(&format!("{NO_HELLO}: {error}")),
        Stage::Open => lost(&format!("the connection failed: {error}")),
    }
}

/// The error of a connection that is lost.
pub(crate) fn lost(why: &str) -> Error {
    Error::new(ErrorCode::ServerUnreachable, why)
        .hint("if a call was under way, look whether it was carried out before repeating it")
}

#[cfg(test)]
mod tests;
