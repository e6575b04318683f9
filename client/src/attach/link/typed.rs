//! Input that a person typed and pasted, until the server's window takes it: nothing is dropped, and what waits is
//! bounded.

use std::collections::VecDeque;

use bytes::Bytes;
use protocol::frame::PastePart;

/// The terminal is not read on while so much waits. Below it keys behind a large paste are still seen, such as those that leave.
const FULL_BYTES: usize = 16 * 1024 * 1024;

/// A piece of input in one frame.
const PIECE_BYTES: usize = 32 * 1024;

/// Input on its way.
#[derive(Debug, Default)]
pub(super) struct Typed {
    waiting: VecDeque<(Bytes, Option<PastePart>)>,
    waiting_bytes: usize,
    /// So many bytes may be under way; absent with a server that does not tell what was taken.
    window: Option<u64>,
    under_way: u64,
}

impl Typed {
    /// A server takes input, with this window or none.
    pub(super) fn open(&mut self, window: u32) {
        self.window = (window > 0).then_some(u64::from(window));
        self.under_way = 0;
    }

    /// True if the server has a window.
    pub(super) fn has_window(&self) -> bool {
        self.window.is_some()
    }

    /// Puts something at the end, in pieces that fit into a window.
    pub(super) fn push(&mut self, bytes: Bytes, part: Option<PastePart>) {
        self.waiting_bytes += bytes.len();
        let Some(part) = part else {
            for piece in pieces(&bytes) {
                self.waiting.push_back((piece, None));
            }
            return;
        };
        let mut begins = matches!(part, PastePart::Whole | PastePart::Begin);
        let ends = matches!(part, PastePart::Whole | PastePart::End);
        let mut all = pieces(&bytes).peekable();
        if bytes.is_empty() {
            self.waiting.push_back((bytes.clone(), Some(part)));
        }
        while let Some(piece) = all.next() {
            let last = all.peek().is_none() && ends;
            let part = match (begins, last) {
                (true, true) => PastePart::Whole,
                (true, false) => PastePart::Begin,
                (false, false) => PastePart::More,
                (false, true) => PastePart::End,
            };
            begins = false;
            self.waiting.push_back((piece, Some(part)));
        }
    }

    /// The next piece that may be sent.
    pub(super) fn pop(&mut self) -> Option<(Bytes, Option<PastePart>)> {
        let length = self.waiting.front()?.0.len();
        let under_way = self.under_way + length as u64;
        if self.window.is_some_and(|window| under_way > window) {
            return None;
        }
        self.under_way = under_way;
        self.waiting_bytes -= length;
        self.waiting.pop_front()
    }

    /// Takes all that waits.
    pub(super) fn take_all(&mut self) -> VecDeque<(Bytes, Option<PastePart>)> {
        self.waiting_bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    /// So much more is not under way any more.
    pub(super) fn taken(&mut self, bytes: u64) {
        self.under_way = self.under_way.saturating_sub(bytes);
    }

    /// The number of bytes that wait.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// No more is to be typed.
    pub(super) fn is_full(&self) -> bool {
        self.waiting_bytes >= FULL_BYTES
    }
}

fn pieces(bytes: &Bytes) -> impl Iterator<Item = Bytes> {
    (0..bytes.len())
        .step_by(PIECE_BYTES)
        .map(|at| bytes.slice(at..bytes.len().min(at + PIECE_BYTES)))
}

#[cfg(test)]
mod tests;
