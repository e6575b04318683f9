//! What is to be typed into a pane: one queue for people, programs and timers, written as the
//! program reads.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use protocol::{Error, ErrorCode};
use supervisor::Reply;
use tokio::time::Instant;

use super::echo::line_modes;
use super::{Ahead, Typing, WriteOrder, Written};
use crate::pane::input::{Key, SUBMIT, encode_text};
use crate::pane::screen::{Screen, TextCursor};
use crate::watched::Waiting;

/// Bytes waiting for one program. More is refused: who types a megabyte into a program that does
/// not read wants to know.
const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// One order on its way.
struct Pending {
    left: Bytes,
    total: u64,
    cursor: TextCursor,
    deadline: Instant,
    reply: Option<Reply<Written>>,
    /// Held until it is done.
    _place: Ahead,
}

impl Pending {
    fn answer(mut self, failed: Option<Error>) {
        let Some(reply) = self.reply.take() else {
            return;
        };
        reply.send(Written {
            bytes: self.total - self.left.len() as u64,
            cursor: self.cursor,
            failed,
        });
    }
}

/// The queue.
#[derive(Default)]
pub(super) struct Writes {
    queue: VecDeque<Pending>,
    bytes: usize,
}

impl Writes {
    /// When the first of the orders runs out of time.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.queue.iter().map(|pending| pending.deadline).min()
    }

    /// Encodes an order by the program's modes and puts it at the end.
    pub(super) fn push(
        &mut self,
        typing: Typing,
        reply: Reply<Written>,
        screen: &Screen,
        now: Instant,
    ) {
        let Typing {
            order,
            place,
            master,
        } = typing;
        let cursor = match submits(&order) && line_modes(&master).echoes {
            true => screen.position_after_line(),
            false => screen.position(),
        };
        let deadline = now + order.limit;
        let (bytes, mut failed) = match encode(&order, screen) {
            Ok(bytes) => (bytes, None),
            Err(error) => (Bytes::new(), Some(error)),
        };
        if self.bytes + bytes.len() > QUEUE_BYTES {
            failed = Some(
                Error::new(
                    ErrorCode::InputBlocked,
                    format!(
                        "{} bytes wait for the program already and it does not read them",
                        self.bytes
                    ),
                )
                .hint("wait until it reads, or interrupt it with the key C-c once it does"),
            );
        }
        let pending = Pending {
            total: bytes.len() as u64,
            left: bytes,
            cursor,
            deadline,
            reply: Some(reply),
            _place: place,
        };
        if failed.is_some() || pending.left.is_empty() {
            pending.answer(failed);
        } else {
            self.bytes += pending.left.len();
            self.queue.push_back(pending);
        }
    }

    /// Bytes that the terminal itself answers to the program. Lost when the program does not read:
    /// it asked and does not listen.
    pub(super) fn push_answer(
        &mut self,
        bytes: Vec<u8>,
        place: Ahead,
        screen: &Screen,
        deadline: Instant,
    ) {
        if self.bytes + bytes.len() > QUEUE_BYTES {
            return;
        }
        self.bytes += bytes.len();
        self.queue.push_back(Pending {
            total: bytes.len() as u64,
            left: bytes.into(),
            cursor: screen.position(),
            deadline,
            reply: None,
            _place: place,
        });
    }

    /// Gives up what has run out of time.
    pub(super) fn expire(&mut self, now: Instant) {
        let mut kept = VecDeque::with_capacity(self.queue.len());
        for pending in self.queue.drain(..) {
            if pending.deadline > now {
                kept.push_back(pending);
                continue;
            }
            self.bytes -= pending.left.len();
            let left = pending.left.len();
            pending.answer(Some(
                Error::new(
                    ErrorCode::InputBlocked,
                    format!("the program does not read its input: {left} bytes were not taken"),
                )
                .hint("what was taken stays typed; wait until it reads, or close the pane"),
            ));
        }
        self.queue = kept;
    }

    /// The program is gone.
    pub(super) fn fail_all(&mut self, why: &Error) {
        self.bytes = 0;
        for pending in self.queue.drain(..) {
            pending.answer(Some(why.clone()));
        }
    }
}

impl Waiting for Writes {
    fn next(&self) -> &[u8] {
        self.queue
            .front()
            .map_or(&[], |pending| pending.left.as_ref())
    }

    fn taken(&mut self, bytes: usize) {
        self.bytes -= bytes;
        if let Some(front) = self.queue.front_mut() {
            front.left.advance(bytes);
            if front.left.is_empty()
                && let Some(done) = self.queue.pop_front()
            {
                done.answer(None);
            }
        }
    }
}

/// Whether a line ends with the order, or within it.
fn submits(order: &WriteOrder) -> bool {
    let is_enter = |name: &String| Key::parse(name).is_ok_and(Key::ends_line);
    order.submit || order.text.contains(['\n', '\r']) || order.keys.iter().any(is_enter)
}

fn encode(order: &WriteOrder, screen: &Screen) -> Result<Bytes, Error> {
    if order.text.is_empty() && order.keys.is_empty() && !order.submit {
        return Ok(order.raw.clone());
    }
    let modes = screen.modes();
    let mut bytes = BytesMut::from(order.raw.as_ref());
    bytes.extend_from_slice(&encode_text(&order.text, modes));
    for key in &order.keys {
        let key = Key::parse(key).map_err(|error| {
            Error::invalid(error.to_string())
                .hint("nothing was typed; literal text goes into the text, not into keys")
        })?;
        bytes.extend_from_slice(&key.encode(modes));
    }
    if order.submit {
        bytes.extend_from_slice(SUBMIT);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests;
