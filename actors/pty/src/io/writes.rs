//! The queue of what is to be typed into a pane: one for people, programs and timers, written as the
//! program reads.

mod encode;
mod pending;

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::Duration;

use bytes::{Buf, Bytes};
use protocol::{Error, ErrorCode};
use terminal::input::PASTE_END;
use terminal::screen::Screen;
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::encode::Pasting;
use self::pending::{Pending, Turn};
use super::echo::line_modes;
use super::order::Writer;
use super::{QueueTicket, Typing, Written};
use crate::watched::Waiting;

/// Bytes waiting for one program. More is refused: who types so much into a program that does
/// not read wants to know.
const QUEUE_BYTES: usize = 8 * 1024 * 1024;

/// The queue is as good as full when no more fit in it.
const LAST_BYTES: usize = 64 * 1024;

/// Bytes of answers to a program that asks and does not listen. More is lost.
const ANSWER_BYTES: usize = 64 * 1024;

/// A paste of which no further piece comes for so long is ended, so that others can type.
const PASTE_LIMIT: Duration = Duration::from_secs(10);

/// A paste that comes in pieces. Nothing else is typed before its end.
struct OpenPaste {
    writer: Writer,
    pasting: Pasting,
    /// No further piece was there.
    waits_since: Option<Instant>,
    /// Held, so that nothing is typed past the queue.
    place: QueueTicket,
}

/// The end of a paste that was given up half-way: the program waits for it, so it goes before anything else.
struct Owed {
    left: Bytes,
    _place: QueueTicket,
}

/// The queue.
#[derive(Default)]
pub(super) struct Writes {
    queue: VecDeque<Pending>,
    /// Bytes of all that is queued.
    bytes: usize,
    /// Bytes of the terminal's answers in it.
    answers: usize,
    paste: Option<OpenPaste>,
    owed: Option<Owed>,
    /// Bytes of the unfinished line that a terminal in line mode keeps.
    line: usize,
    /// Bytes that the terminal has taken, all in all.
    taken: u64,
}

impl Writes {
    /// The bytes that could be written now if the program took them, how many it has taken all in all, and whether no more are let in.
    pub(super) fn unread(&self) -> (u64, u64, bool) {
        let idle = self.queue.is_empty() && self.owed.is_none();
        let waits = !idle && !self.next().is_empty();
        let bytes = if waits { self.bytes.max(1) } else { 0 };
        (
            bytes as u64,
            self.taken,
            self.bytes > QUEUE_BYTES - LAST_BYTES,
        )
    }

    /// The time at which the queue has something to do, if nothing else happens before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let orders = self.queue.iter().filter_map(|pending| pending.deadline);
        let looks = self.current().and_then(|at| self.queue[at].look_at());
        let abandoned = self.paste.as_ref().and_then(|paste| paste.waits_since);
        let abandoned = abandoned.map(|since| since + PASTE_LIMIT);
        orders.chain(looks).chain(abandoned).min()
    }

    /// Puts an order at the end.
    pub(super) fn push(
        &mut self,
        typing: Typing,
        reply: oneshot::Sender<Written>,
        screen: &Screen,
        now: Instant,
    ) {
        let cursor = match encode::ends_line(&typing.order) && line_modes(&typing.master).echoes {
            true => screen.position_after_line(),
            false => screen.position(),
        };
        let mut pending = match Pending::new(typing, reply, cursor, now) {
            Ok(pending) => pending,
            Err(refused) => return refused.answer(),
        };
        if self.bytes + pending.weight > QUEUE_BYTES {
            let error = format!(
                "{} bytes wait for the program already and it does not read them",
                self.bytes
            );
            let error = Error::new(ErrorCode::InputBlocked, error)
                .hint("wait until it reads, or interrupt it with the key C-c once it does");
            pending.fail(error);
            return;
        }
        self.bytes += pending.weight;
        self.queue.push_back(pending);
    }

    /// Bytes that the terminal itself answers to the program. Lost when the program does not read:
    /// it asked and does not listen.
    pub(super) fn push_answer(
        &mut self,
        bytes: Vec<u8>,
        place: QueueTicket,
        screen: &Screen,
        deadline: Instant,
    ) {
        if self.answers + bytes.len() > ANSWER_BYTES {
            return;
        }
        self.answers += bytes.len();
        self.bytes += bytes.len();
        let pending = Pending::answer_of_terminal(bytes, place, screen.position(), deadline);
        self.queue.push_back(pending);
    }

    /// Prepares what comes next for being written: true when there is something more to prepare once it is written.
    pub(super) fn prepare(&mut self, screen: &Screen, terminal: &OwnedFd, now: Instant) -> bool {
        self.end_abandoned_paste(now);
        while let Some(at) = self.current() {
            let paste = self.paste.as_ref().map(|paste| paste.pasting);
            match self.queue[at].prepare(screen, terminal, paste, &mut self.line, now) {
                Turn::Ready => return true,
                Turn::Waits => return false,
                Turn::Done => self.finish(at),
            }
        }
        false
    }

    /// The order whose turn it is: the next piece of an open paste, else the first.
    fn current(&self) -> Option<usize> {
        match &self.paste {
            Some(paste) => {
                let next = |pending: &Pending| pending.writer() == Some(paste.writer);
                self.queue.iter().position(next)
            }
            None => (!self.queue.is_empty()).then_some(0),
        }
    }

    fn end_abandoned_paste(&mut self, now: Instant) {
        let Some(paste) = &mut self.paste else {
            return;
        };
        let next = |pending: &Pending| pending.writer() == Some(paste.writer);
        if self.queue.iter().any(next) {
            paste.waits_since = None;
            return;
        }
        let since = *paste.waits_since.get_or_insert(now);
        if since + PASTE_LIMIT > now {
            return;
        }
        if let Some(paste) = self.paste.take()
            && paste.pasting.marked
        {
            self.owe(Bytes::from_static(PASTE_END), paste.place);
        }
    }

    fn owe(&mut self, left: Bytes, place: QueueTicket) {
        if !left.is_empty() {
            self.owed = Some(Owed {
                left,
                _place: place,
            });
        }
    }

    /// All of it is written.
    fn finish(&mut self, at: usize) {
        let Some(mut done) = self.remove(at) else {
            return;
        };
        done.succeed();
        match done.leaves_open() {
            Some((writer, pasting)) => {
                self.paste = Some(OpenPaste {
                    writer,
                    pasting,
                    waits_since: None,
                    place: done.place,
                });
            }
            None if self.paste.as_ref().map(|paste| paste.writer) == done.writer() => {
                self.paste = None;
            }
            None => {}
        }
    }

    fn remove(&mut self, at: usize) -> Option<Pending> {
        let gone = self.queue.remove(at)?;
        self.bytes -= gone.weight;
        if gone.is_answer() {
            self.answers -= gone.weight;
        }
        Some(gone)
    }

    /// Gives up what has run out of time.
    pub(super) fn expire(&mut self, now: Instant) {
        let other_paste = self.paste.as_ref().map(|paste| paste.writer);
        let mut at = 0;
        while at < self.queue.len() {
            if self.queue[at]
                .deadline
                .is_none_or(|deadline| deadline > now)
            {
                at += 1;
                continue;
            }
            let Some(mut late) = self.remove(at) else {
                return;
            };
            let behind_paste = other_paste.is_some() && late.writer() != other_paste;
            late.run_over(behind_paste);
            self.owe_end_of(late);
        }
    }

    /// A paste that was begun is ended.
    fn owe_end_of(&mut self, mut given_up: Pending) {
        let left = given_up.end_of_paste();
        if !left.is_empty() {
            self.owe(left, given_up.place);
        }
    }

    /// The program is gone.
    pub(super) fn fail_all(&mut self, why: &Error) {
        self.bytes = 0;
        self.answers = 0;
        self.line = 0;
        self.paste = None;
        self.owed = None;
        for mut pending in self.queue.drain(..) {
            pending.fail(why.clone());
        }
    }
}

impl Waiting for Writes {
    fn next(&self) -> &[u8] {
        match &self.owed {
            Some(owed) => &owed.left,
            None => self.current().map_or(&[], |at| self.queue[at].next()),
        }
    }

    fn taken(&mut self, bytes: usize) {
        self.taken += bytes as u64;
        if let Some(owed) = &mut self.owed {
            owed.left.advance(bytes);
            if owed.left.is_empty() {
                self.owed = None;
            }
            return;
        }
        if let Some(at) = self.current() {
            self.line = self.queue[at].taken(bytes, self.line);
            if self.queue[at].is_written() {
                self.finish(at);
            }
        }
    }
}

#[cfg(test)]
mod tests;
