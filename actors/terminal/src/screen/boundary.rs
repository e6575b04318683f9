//! The beginning of an escape sequence that a chunk of output leaves unfinished.
//!
//! The engine's parser has no way to ask for its state. This is a copy of its state machine without the
//! actions: after each chunk it is run over the bytes from the last ESC on, because ESC leaves every state.
//! It serves three ends: the unfinished bytes go into a checkpoint, UTF-8 never reaches the engine in pieces
//! and control strings (titles, images) longer than [`MAX_STRING_BYTES`] are cut off.
//!
//! Source: Paul Williams' ANSI parser (vt100.net/emu/dec_ansi_parser), as `rio_vt::performer::parser` has it.

use protocol::event::Copied;
use rio_vt::performer::parser::{Params, Parser, Perform};

use super::copies::Copies;

/// The character that stands for bytes that are not UTF-8: U+FFFD.
pub(super) const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// The longest control string (OSC, DCS, APC, PM, SOS) that is passed on, in bytes: room for long hyperlinks
/// and titles. Image transfers are longer, and ignored anyway.
pub(super) const MAX_STRING_BYTES: usize = 16 * 1024;

/// The longest one with which a program copies (OSC 52), where that is passed on: base64, and what stands around it.
pub(super) const MAX_COPY_BYTES: usize = Copied::MAX_BYTES.div_ceil(3) * 4 + 64;

/// Begins what a program copies.
const COPY: &[u8] = b"\x1b]52;";

const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

/// The parser's state, as far as it decides where a sequence ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    Escape,
    EscapeIntermediate,
    Csi,
    DcsEntry,
    DcsParam,
    DcsIntermediate,
    DcsIgnore,
    DcsString,
    /// OSC, APC, PM or SOS: all end alike.
    Text,
}

impl State {
    /// The state after `byte`, and whether the byte was acted on at once (a control character inside of a sequence)
    /// instead of becoming a part of the sequence.
    fn next(self, byte: u8) -> (Self, bool) {
        match byte {
            ESC => return (Self::Escape, false),
            CAN | SUB => return (Self::Ground, false),
            _ => {}
        }
        let control = byte < 0x20;
        match self {
            Self::Ground => (Self::Ground, true),
            Self::Escape if control => (self, true),
            Self::Escape => (after_escape(byte), false),
            Self::EscapeIntermediate if control => (self, true),
            Self::EscapeIntermediate if (0x30..=0x7e).contains(&byte) => (Self::Ground, false),
            Self::Csi if control => (self, true),
            Self::Csi if (0x40..=0x7e).contains(&byte) => (Self::Ground, false),
            Self::DcsEntry | Self::DcsParam | Self::DcsIntermediate => {
                (self.in_dcs_head(byte), false)
            }
            Self::DcsString if byte == 0x9c => (Self::Ground, false),
            Self::Text if byte == BEL => (Self::Ground, false),
            Self::EscapeIntermediate
            | Self::Csi
            | Self::DcsIgnore
            | Self::DcsString
            | Self::Text => (self, false),
        }
    }

    fn in_dcs_head(self, byte: u8) -> Self {
        match (self, byte) {
            (_, 0x40..=0x7e) => Self::DcsString,
            (_, 0x20..=0x2f) => Self::DcsIntermediate,
            (Self::DcsEntry, 0x30..=0x3f) | (Self::DcsParam, 0x30..=0x3b) => Self::DcsParam,
            (_, 0x30..=0x3f) => Self::DcsIgnore,
            _ => self,
        }
    }

    /// True if the state collects a string of any length.
    fn is_string(self) -> bool {
        matches!(self, Self::DcsIgnore | Self::DcsString | Self::Text)
    }
}

fn after_escape(byte: u8) -> State {
    match byte {
        0x20..=0x2f => State::EscapeIntermediate,
        b'P' => State::DcsEntry,
        b'X' | b']' | b'^' | b'_' => State::Text,
        b'[' => State::Csi,
        0x30..=0x7e => State::Ground,
        _ => State::Escape,
    }
}

/// The next step: what to do with the next bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This many bytes go to the engine, then [`Boundary::fed`].
    Feed(usize),
    /// This many bytes belong to a string that was cut off: dropped.
    Drop(usize),
    /// The string has become too long: CAN goes to the engine, the rest of the string will be dropped.
    Cancel,
}

/// Keeps the unfinished tail of what the engine has been fed.
#[derive(Debug, Default)]
pub(super) struct Boundary {
    state: State,
    /// The bytes of the unfinished sequence without those already acted on.
    pending: Vec<u8>,
    dropping: bool,
}

impl Boundary {
    /// The step to take with `bytes`, which are not empty.
    pub(super) fn step(&self, bytes: &[u8], copies: Copies) -> Step {
        if self.dropping {
            let ends = |byte: &u8| matches!(*byte, BEL | CAN | SUB | ESC);
            return match bytes.iter().position(ends) {
                Some(0) => Step::Feed(0),
                Some(end) => Step::Drop(end),
                None => Step::Drop(bytes.len()),
            };
        }
        let most = match copies {
            Copies::PassedOn if self.is_copy() => MAX_COPY_BYTES,
            Copies::PassedOn | Copies::Ignored => MAX_STRING_BYTES,
        };
        let room = most.saturating_sub(self.pending.len());
        if room == 0 {
            return Step::Cancel;
        }
        Step::Feed(bytes.len().min(room))
    }

    /// True if what is unfinished is something that the program copies.
    pub(super) fn is_copy(&self) -> bool {
        self.pending.starts_with(COPY)
    }

    /// The sequence was cut off. What remains of a control string is to be dropped.
    pub(super) fn cancelled(&mut self) {
        self.dropping = self.state.is_string();
        self.state = State::Ground;
        self.pending.clear();
    }

    /// The end of a dropped string was met. Returns how many bytes of `bytes` it takes.
    pub(super) fn end_dropping(&mut self, bytes: &[u8]) -> usize {
        self.dropping = false;
        usize::from(bytes.first() != Some(&ESC))
    }

    /// The engine has taken `bytes`.
    #[inline]
    pub(super) fn fed(&mut self, bytes: &[u8]) {
        let rest = match last_escape(bytes) {
            Some(at) => {
                self.pending.clear();
                self.state = State::Ground;
                &bytes[at..]
            }
            None if self.state == State::Ground => return,
            None => bytes,
        };
        self.follow(rest);
    }

    fn follow(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.state.is_string() {
                let run = bytes
                    .iter()
                    .position(|&b| b < 0x20 || b == 0x9c)
                    .unwrap_or(bytes.len());
                self.pending.extend_from_slice(&bytes[..run]);
                bytes = &bytes[run..];
                if run > 0 {
                    continue;
                }
            }
            let (next, done) = self.state.next(byte);
            self.state = next;
            if next == State::Ground {
                self.pending.clear();
                // Anything from here on is plain text: the last ESC has been met before.
                return;
            }
            if !done {
                self.pending.push(byte);
            }
            bytes = rest;
        }
    }

    /// True if no sequence is unfinished.
    pub(super) fn is_ground(&self) -> bool {
        self.state == State::Ground && !self.dropping
    }

    /// The bytes of the unfinished sequence: feeding them to a fresh parser leaves it in the same state.
    pub(super) fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// As much of it as decides where it ends.
    pub(super) fn beginning(&self) -> &[u8] {
        &self.pending[..self.pending.len().min(MAX_STRING_BYTES)]
    }

    /// The part of it that a checkpoint has: the bytes, and whether the rest is dropped. Something long that is being copied is given up.
    pub(super) fn portable(&self) -> (&[u8], bool) {
        match self.pending.len() > MAX_STRING_BYTES {
            true => (&[], true),
            false => (&self.pending, self.dropping),
        }
    }

    /// The number of `bytes`, which come after `before`, that it takes until the parser has met so many sequences.
    ///
    /// Whole pieces are parsed again and again, because characters must not be cut; a piece is short, and this is rare.
    pub(super) fn after_sequences(before: &[u8], bytes: &[u8], count: usize) -> usize {
        let met = |len: usize| {
            let mut parser = parser_after(before);
            let mut counter = Counter(0);
            parse(&mut parser, &mut counter, before, &bytes[..len]);
            counter.0
        };
        let (mut too_few, mut enough) = (0, bytes.len());
        while too_few + 1 < enough {
            let len = too_few.midpoint(enough);
            match met(len) < count {
                true => too_few = len,
                false => enough = len,
            }
        }
        enough
    }

    /// Takes up a state saved as [`Boundary::portable`].
    pub(super) fn resume(pending: &[u8], dropping: bool) -> Self {
        let mut boundary = Self {
            dropping,
            ..Self::default()
        };
        boundary.fed(pending);
        boundary
    }
}

/// Counts what a program's output asks for, as the engine does.
struct Counter(usize);

impl Perform for Counter {
    fn execute(&mut self, _: u8) {
        self.0 += 1;
    }

    fn unhook(&mut self) {
        self.0 += 1;
    }

    fn osc_dispatch(&mut self, _: &[&[u8]], _: bool) {
        self.0 += 1;
    }

    fn csi_dispatch(&mut self, _: &Params, _: &[u8], _: bool, _: char) {
        self.0 += 1;
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, _: u8) {
        self.0 += 1;
    }
}

/// Parses `bytes`, which come after the unfinished sequence `before`.
///
/// The engine's fast way of decoding a run of text takes memory that was never written for text where the run is not UTF-8, so text
/// gets there as UTF-8 only: for each part that is not there is U+FFFD. C1 controls stay.
pub(super) fn parse(
    parser: &mut Parser,
    performer: &mut impl Perform,
    before: &[u8],
    bytes: &[u8],
) {
    if std::str::from_utf8(bytes).is_ok() {
        return parser.advance(performer, bytes);
    }
    let mut boundary = Boundary::resume(before, false);
    for chunk in bytes.utf8_chunks() {
        let (valid, invalid) = (chunk.valid().as_bytes(), chunk.invalid());
        parser.advance(performer, valid);
        boundary.fed(valid);
        let is_text = boundary.is_ground() && !matches!(invalid, [] | [0x80..=0x9f]);
        parser.advance(performer, if is_text { REPLACEMENT } else { invalid });
        boundary.fed(invalid);
    }
}

/// A parser that has met `pending`, the bytes of an unfinished sequence.
pub(super) fn parser_after(pending: &[u8]) -> Parser {
    let mut parser = Parser::default();
    parser.advance(&mut Counter(0), pending);
    parser
}

/// The position of the last ESC. Blockwise from the end, because `contains` is fast and a backward search is not.
fn last_escape(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 256;
    let mut end = bytes.len();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let block = &bytes[start..end];
        if block.contains(&ESC) {
            return block
                .iter()
                .rposition(|&byte| byte == ESC)
                .map(|at| start + at);
        }
        end = start;
    }
    None
}

/// The number of bytes at the end of `bytes` that begin a UTF-8 character without finishing it (0 to 3).
pub(super) fn partial_utf8_len(bytes: &[u8]) -> usize {
    let tail = bytes.len().min(3);
    for len in 1..=tail {
        let byte = bytes[bytes.len() - len];
        if byte < 0x80 {
            return 0;
        }
        if byte >= 0xc0 {
            let partial = &bytes[bytes.len() - len..];
            return match std::str::from_utf8(partial) {
                Err(error) if error.valid_up_to() == 0 && error.error_len().is_none() => len,
                _ => 0,
            };
        }
    }
    0
}
