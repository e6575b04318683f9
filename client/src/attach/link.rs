//! One connection with one attached view, driven by poll(2) on the caller's own thread.
//!
//! A key's way to the server and its echo's way back are a read and a write each: no runtime, no
//! queue and no second task in between.

mod hand_over;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use protocol::event::Copied;
use protocol::fleet::Remote;
use protocol::frame::{Frame, PastePart, ReplyFrame, RequestFrame, ViewId, from_bytes, to_bytes};
use protocol::peer::{Peer, Received};
use protocol::reply::Attached;
use protocol::request::{Attach, Detach, UpdateView};
use protocol::terminal::TerminalFacts;
use protocol::transport::Dialled;
use protocol::transport::ssh::{Asking, Ssh};
use protocol::{Call, Error, ErrorCode, Event, Size, plain};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::View;

mod typed;

use self::typed::Typed;

/// The one view of this connection.
pub(super) const VIEW: ViewId = 1;

/// The time that attaching may take.
const ATTACH_LIMIT: Duration = Duration::from_secs(10);

/// The time that a polite goodbye may take; closing the connection does the same.
const DETACH_LIMIT: Duration = Duration::from_millis(500);

/// Most bytes read from the socket at a time.
const READ_BYTES: usize = 64 * 1024;

/// Bytes that may wait for a server that does not read before no more keys are taken.
const OUT_BYTES: usize = 256 * 1024;

/// The time that a program may take to read the last input before a view leaves.
const INPUT_LIMIT: Duration = Duration::from_secs(2);

/// Events that may wait for a slow terminal. A server sends two screens at a time.
const EVENTS: usize = 256;

/// The server is told so long after a screen was shown, unless there is something else to say: it keeps
/// one more in hand, and must not be woken while the program on this side of the terminal is.
const READY_PAUSE: Duration = Duration::from_millis(1);

/// The kinds of messages of programs to the terminal itself that are passed on.
#[derive(Clone, Copy, Debug, Default)]
struct Passes {
    titles: bool,
    clipboard: bool,
}

/// An open connection; after [`Link::attach`] with a view.
pub(crate) struct Link {
    stream: UnixStream,
    /// The program that carries it, which ends with it.
    carrier: Option<Arc<Ssh>>,
    peer: Peer,
    buffer: Vec<u8>,
    next_id: u64,
    events: VecDeque<Event>,
    /// What is passed on.
    passes: Passes,
    /// Screens that were shown without the server having been told.
    shown: usize,
    /// When it is told.
    ready_at: Instant,
    /// What was typed and pasted.
    typed: Typed,
}

impl Link {
    /// Connects and exchanges hellos.
    ///
    /// # Errors
    /// `denied` for the server of another user, `server_unreachable` with the cause, `unsupported` for another
    /// protocol version.
    pub(crate) fn open(server: &Remote, asking: Asking) -> Result<Self, Error> {
        let Dialled { stream, carrier } = server.dial(asking)?;
        stream.set_nonblocking(true).map_err(|e| broken(&e))?;
        let mut link = Self {
            stream,
            peer: server.route().peer(server.hello()),
            carrier,
            buffer: vec![0; READ_BYTES],
            next_id: 1,
            events: VecDeque::new(),
            passes: Passes::default(),
            shown: 0,
            ready_at: Instant::now(),
            typed: Typed::default(),
        };
        link.flush();
        let end = Instant::now() + server.route().hello_limit();
        let opened = link.greeted(end);
        opened.map_err(|error| match &link.carrier {
            Some(ssh) => ssh.explain(server.name().as_str(), error),
            None => error,
        })?;
        Ok(link)
    }

    /// Waits for the server's hello.
    fn greeted(&mut self, end: Instant) -> Result<(), Error> {
        loop {
            match self.peer.received()? {
                Some(Received::Hello(_)) => return Ok(()),
                Some(Received::Frame(_)) => {}
                None => self.wait(end, "its hello")?,
            }
        }
    }

    /// As [`Link::open`]; a server that has left something behind is started again.
    ///
    /// # Errors
    /// As [`Link::open`], and why it does not start.
    pub(crate) fn open_again(server: &Remote, asking: Asking) -> Result<Self, Error> {
        server.start_again()?;
        Self::open(server, asking)
    }

    /// Makes a call; what else arrives meanwhile is kept.
    ///
    /// # Errors
    /// The server's own error; `timeout` after `limit`; why the connection ended.
    pub(crate) fn call<C: Call>(&mut self, params: &C, limit: Duration) -> Result<C::Reply, Error> {
        let id = self.request(params)?;
        let end = Instant::now() + limit;
        loop {
            let Some(frame) = self.next_frame()? else {
                self.wait(end, C::METHOD)?;
                continue;
            };
            if let Some(reply) = self.take(frame)?.filter(|reply| reply.id == id) {
                return from_bytes(&reply.result?);
            }
        }
    }

    /// Attaches the view.
    pub(super) fn attach(
        &mut self,
        view: &View,
        size: Size,
        terminal: TerminalFacts,
    ) -> Result<Attached, Error> {
        self.passes = Passes {
            titles: view.titles,
            clipboard: view.clipboard,
        };
        let attach = Attach {
            view: VIEW,
            session: view.session.clone(),
            size,
            read_only: view.read_only,
            environment: view.login.clone(),
            terminal,
        };
        let attached = self.call(&attach, ATTACH_LIMIT)?;
        self.typed.open(attached.input_window);
        Ok(attached)
    }

    /// True if the server tells pastes from keys. If not, a paste is [typed](Self::type_in) with its marks.
    pub(super) fn takes_pastes(&self) -> bool {
        self.typed.has_window()
    }

    /// Asks for a change of the view. Nobody waits for the answer: what comes of it is drawn.
    pub(super) fn update(&mut self, update: &UpdateView) -> Result<(), Error> {
        self.request(update).map(drop)
    }

    /// Types into the view.
    pub(super) fn type_in(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.take_more()?;
        self.typed.push(bytes, None);
        self.send_typed()
    }

    /// Pastes into the view, without the marks of a bracketed paste: a whole paste or a part of one.
    pub(super) fn paste(&mut self, bytes: Bytes, part: PastePart) -> Result<(), Error> {
        self.take_more()?;
        self.typed.push(bytes, Some(part));
        self.send_typed()
    }

    /// The part of what was typed and pasted that waits here for the program to read, in bytes.
    pub(super) fn waiting_input(&self) -> usize {
        self.typed.waiting_bytes()
    }

    /// Takes what was typed and pasted and not handed over, for the next connection.
    pub(super) fn take_unsent(
        &mut self,
    ) -> impl Iterator<Item = (Bytes, Option<PastePart>)> + use<> {
        self.typed.take_all().into_iter()
    }

    /// Tells a server that goes that no more input comes: it waits for the last of it.
    pub(super) fn end_input(&self) {
        // One that has gone needs not be told.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Hands over what the server's window takes.
    fn send_typed(&mut self) -> Result<(), Error> {
        while let Some((bytes, paste)) = self.typed.pop() {
            let frame = Frame::Input {
                view: VIEW,
                bytes,
                paste,
            };
            self.peer.send(frame)?;
        }
        self.flush();
        Ok(())
    }

    /// A screen has been shown: the server may send a further one, and is told so in a moment.
    pub(super) fn shown(&mut self) {
        self.shown += 1;
        self.ready_at = Instant::now() + READY_PAUSE;
    }

    /// The time until [`Self::wake`] has something to do.
    pub(super) fn until_wake(&self) -> Option<Duration> {
        let ready_at = (self.shown > 0).then_some(self.ready_at);
        let next = ready_at.into_iter().chain(self.peer.wake_at()).min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    /// Asks for the view's next screen, and a silent server of another machine for a sign of life, if it is time.
    ///
    /// # Errors
    /// That it is silent for too long.
    pub(super) fn wake(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        if self.shown > 0 && self.ready_at <= now {
            self.take_more()?;
            self.flush();
        }
        self.peer.wake(now)?;
        self.flush();
        Ok(())
    }

    fn take_more(&mut self) -> Result<(), Error> {
        for _ in 0..std::mem::take(&mut self.shown) {
            self.peer.send(Frame::Ready(VIEW))?;
        }
        Ok(())
    }

    /// Says goodbye, so that the server has seen all input and counts one client less. What no program reads in the meantime is lost;
    /// returns how much.
    pub(super) fn detach(&mut self) -> usize {
        let end = Instant::now() + INPUT_LIMIT;
        while self.waiting_input() > 0 {
            if self
                .wait(end, "the last input")
                .and_then(|()| self.settle())
                .is_err()
            {
                break;
            }
        }
        self.leave();
        self.waiting_input()
    }

    /// Says goodbye where no input is to be seen any more.
    pub(super) fn leave(&mut self) {
        let _ = self.call(&Detach { view: VIEW }, DETACH_LIMIT);
    }

    /// The next event that has arrived.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Reads what has arrived, once, and writes what waits.
    ///
    /// # Errors
    /// Why the connection ended.
    pub(super) fn proceed(&mut self) -> Result<(), Error> {
        self.flush();
        self.receive()?;
        self.settle()
    }

    /// Takes in what has been read already, as after a call.
    ///
    /// # Errors
    /// Why the connection ended.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        while let Some(frame) = self.next_frame()? {
            // Nobody waits for replies here: they answer changes of the view.
            self.take(frame)?;
        }
        Ok(())
    }

    /// The events that poll(2) shall look for on the socket.
    pub(super) fn interest(&self) -> PollFlags {
        if self.peer.output().is_empty() {
            PollFlags::IN
        } else {
            PollFlags::IN | PollFlags::OUT
        }
    }

    /// The server does not read: no more keys are taken.
    pub(super) fn is_full(&self) -> bool {
        self.peer.output().len() > OUT_BYTES || self.typed.is_full()
    }

    fn request<C: Call>(&mut self, params: &C) -> Result<u64, Error> {
        let id = self.next_id;
        self.next_id += 1;
        self.send(Frame::Request(RequestFrame {
            id,
            method: C::METHOD.to_owned(),
            idempotency_key: None,
            params: to_bytes(params),
        }))?;
        Ok(id)
    }

    fn send(&mut self, frame: Frame) -> Result<(), Error> {
        self.peer.send(frame)?;
        self.flush();
        Ok(())
    }

    /// Writes what waits. A server that takes no more has said why, or its end is read next: so a
    /// failure here is left to the reading.
    fn flush(&mut self) {
        while !self.peer.output().is_empty() {
            match (&self.stream).write(self.peer.output()) {
                Ok(taken) => self.peer.written(taken),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.peer.drop_output(),
            }
        }
    }

    fn receive(&mut self) -> Result<(), Error> {
        match (&self.stream).read(&mut self.buffer) {
            Ok(0) => Err(self.peer.ended()),
            Ok(length) => {
                self.peer.push(&self.buffer[..length], Instant::now());
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(broken(&error)),
        }
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        loop {
            let received = self.peer.received()?;
            // What the server asks for is answered at once.
            self.flush();
            match received {
                Some(Received::Frame(frame)) => return Ok(Some(frame)),
                Some(Received::Hello(_)) => {}
                None => return Ok(None),
            }
        }
    }

    /// Takes a frame in; gives a reply back.
    fn take(&mut self, frame: Frame) -> Result<Option<ReplyFrame>, Error> {
        match frame {
            Frame::Reply(reply) => return Ok(Some(reply)),
            Frame::Event { body, .. } => {
                if self.events.len() >= EVENTS {
                    return Err(ended("the server sent more events than it may"));
                }
                let mut event = from_bytes(&body)?;
                if let Event::InputTaken { bytes, .. } = event {
                    self.typed.taken(bytes);
                    self.send_typed()?;
                    return Ok(None);
                }
                harmless(&mut event, self.passes);
                self.events.push_back(event);
            }
            Frame::Hello(_)
            | Frame::Request(_)
            | Frame::Cancel(_)
            | Frame::Input { .. }
            | Frame::Ready(_)
            | Frame::Ping
            | Frame::Pong
            | Frame::Bye(_)
            | Frame::Unknown(_) => {}
        }
        Ok(None)
    }

    /// Waits until something has been read, for `what`, at most until `end`.
    fn wait(&mut self, end: Instant, what: &str) -> Result<(), Error> {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let message = format!("the server did not answer in time: {what}");
            return Err(Error::new(ErrorCode::Timeout, message).hint("see `fugue logs`"));
        }
        let limit = Timespec::try_from(left).ok();
        let ready = PollFd::new(&self.stream, self.interest());
        match poll(&mut [ready], limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(broken(&error.into())),
        }
        self.flush();
        self.receive()
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Rows are drawn as they come, so that nothing but colours and links may be in them, whatever the server is.
fn harmless(event: &mut Event, passes: Passes) {
    let Event::Screen { update, .. } = event else {
        return;
    };
    update.title = update.title.take().filter(|_| passes.titles);
    let fits = |copied: &Copied| passes.clipboard && copied.text.len() <= Copied::MAX_BYTES;
    update.copied.retain(fits);
    for row in &mut update.rows {
        if let Cow::Owned(clean) = plain::styled_row(&row.ansi) {
            row.ansi = clean;
            // What they say is where the characters were before.
            row.clusters = None;
        }
    }
}

fn ended(why: &str) -> Error {
    Error::new(ErrorCode::ServerUnreachable, why)
}

fn broken(error: &io::Error) -> Error {
    ended(&format!("the connection failed: {error}"))
}

/// A change of the view that changes nothing yet.
pub(super) fn no_change() -> UpdateView {
    UpdateView {
        view: VIEW,
        size: None,
        ..UpdateView::default()
    }
}

#[cfg(test)]
mod tests;
