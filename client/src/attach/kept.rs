//! Keeps what is typed and pasted while there is no server, for the next connection.

use std::collections::VecDeque;

use protocol::frame::PastePart;

use super::link::Link;
use super::outer::split::Input;

/// The most that is kept, in bytes. What comes after that is dropped, up to the next connection: nothing is missing in
/// the middle.
const MOST_BYTES: usize = 1024 * 1024;

/// Input that waits for a server.
#[derive(Default)]
pub(super) struct Kept {
    waiting: VecDeque<Input>,
    bytes: usize,
    /// No more is kept.
    full: bool,
}

impl Kept {
    /// Keeps what a lost connection has not handed over. Its server has ended a paste that was under way: the rest is one of its own.
    pub(super) fn take_over(&mut self, lost: &mut Link) {
        let mut first = true;
        for (bytes, part) in lost.take_unsent() {
            let bytes = bytes.to_vec();
            self.push(match part {
                None => Input::Typed(bytes),
                Some(part) => Input::Paste {
                    bytes,
                    begins: first || matches!(part, PastePart::Whole | PastePart::Begin),
                    ends: matches!(part, PastePart::Whole | PastePart::End),
                },
            });
            first = false;
        }
    }

    /// Keeps keys and pastes. What is done with the mouse meant another screen.
    pub(super) fn push(&mut self, input: Input) {
        let length = match &input {
            Input::Typed(bytes) | Input::Paste { bytes, .. } => bytes.len(),
            Input::Command(_) | Input::Mouse(_) | Input::Focus(_) | Input::Answer(_) => return,
        };
        self.full |= self.bytes + length > MOST_BYTES;
        if !self.full {
            self.bytes += length;
            self.waiting.push_back(input);
        }
    }

    /// The next one, for a server that is there again.
    pub(super) fn pop(&mut self) -> Option<Input> {
        self.full = false;
        let input = self.waiting.pop_front()?;
        if let Input::Typed(bytes) | Input::Paste { bytes, .. } = &input {
            self.bytes -= bytes.len();
        }
        Some(input)
    }

    /// The number of bytes that are kept.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests;
