//! The splitter of the outer terminal's input: keys, pastes, mouse and focus reports, and the commands behind the
//! prefix key C-b. Pure: no I/O, the time is an argument.
//!
//! Nothing in a paste is a command. A terminal that marks pastes (DECSET 2004, which is always on) says what is one; what
//! comes from another in one burst, faster than hands, is taken for one too.

mod key;

use std::time::{Duration, Instant};

use super::ask::{self, Answer};
use super::mouse::Mouse;
use key::Key;

/// The prefix key: C-b.
const PREFIX: Key = Key::Ctrl('b');

/// Begins a bracketed paste. Source: xterm ctlseqs, bracketed paste mode.
pub(crate) const PASTE_BEGINS: &[u8] = b"\x1b[200~";

/// Ends a bracketed paste.
pub(crate) const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// More text than this in one read was not typed: a terminal sends some ten keys between two reads at most, and a line
/// that stood still for a while sends them at once.
const BURST_BYTES: usize = 64;

/// The pause up to which something that follows a burst is part of it.
const BURST_PAUSE: Duration = Duration::from_millis(50);

/// The longest sequence that is waited for; what is longer is not one of a terminal.
const SEQUENCE_BYTES: usize = 4096;

/// A piece of the input, with what to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Keys for the program, as the terminal sent them.
    Typed(Vec<u8>),
    /// A piece of a paste, without the marks around it.
    Paste {
        bytes: Vec<u8>,
        /// It is the first piece.
        begins: bool,
        /// It is the last one.
        ends: bool,
    },
    /// The mouse was used.
    Mouse(Mouse),
    /// The terminal got or lost the focus.
    Focus(bool),
    /// The terminal has answered a question.
    Answer(Answer),
    /// A command to the view.
    Command(Command),
}

/// The commands of the keys behind the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// C-b d.
    Detach,
    /// C-b n.
    NextWindow,
    /// C-b p.
    PreviousWindow,
    /// C-b o.
    NextPane,
    /// C-b r.
    Redraw,
    /// C-b ?.
    Help,
    /// C-b and an arrow: rows down and columns right, each -1, 0 or 1.
    Pan(i8, i8),
    /// C-b PageUp (1) or PageDown (-1).
    Page(i8),
}

/// Takes apart what is read in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    /// The beginning of a sequence whose end has not come.
    held: Vec<u8>,
    /// Inside a marked paste, and whether a piece of it was told.
    paste: Option<bool>,
    /// The prefix was pressed.
    prefix: bool,
    /// Until when what comes belongs to a burst.
    burst: Option<Instant>,
}

impl Splitter {
    /// Splits these bytes, which were read at once.
    pub(crate) fn feed(&mut self, bytes: &[u8], now: Instant) -> Vec<Input> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let goes_on = self.burst.is_some_and(|until| now < until);
        let burst = self.paste.is_none() && (goes_on || text_bytes(&all) > BURST_BYTES);
        self.burst = burst.then(|| now + BURST_PAUSE);
        self.take_apart(&all, burst, false)
    }

    /// True if something waits for more of it, outside of a paste: it is given up soon.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.held.is_empty() && self.paste.is_none()
    }

    /// True if what waits begins like an answer of the terminal.
    pub(crate) fn begins_answer(&self) -> bool {
        self.held.starts_with(b"\x1b]") || self.held.starts_with(b"\x1b[?")
    }

    /// Nothing came after what was held: it was a key, such as Escape.
    pub(crate) fn give_up(&mut self) -> Vec<Input> {
        let held = std::mem::take(&mut self.held);
        self.take_apart(&held, false, true)
    }

    fn take_apart(&mut self, all: &[u8], burst: bool, ended: bool) -> Vec<Input> {
        let mut out = Vec::new();
        let mut rest = all;
        while let Some(&first) = rest.first() {
            if self.paste.is_some() {
                rest = self.paste(rest, &mut out);
                continue;
            }
            let length = match first {
                0x1b => match sequence_length(rest) {
                    Some(length) => length,
                    None if ended || rest.len() > SEQUENCE_BYTES => rest.len(),
                    None => {
                        self.held = rest.to_vec();
                        break;
                    }
                },
                _ => 1,
            };
            let (unit, after) = rest.split_at(length);
            rest = after;
            self.unit(unit, burst, &mut out);
        }
        out
    }

    /// A piece of a paste, at most up to its end; returns what comes after it.
    fn paste<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<Input>) -> &'a [u8] {
        let end = bytes
            .windows(PASTE_ENDS.len())
            .position(|window| window == PASTE_ENDS);
        let begins = self.paste == Some(false);
        let (piece, rest) = match end {
            Some(at) => (&bytes[..at], &bytes[at + PASTE_ENDS.len()..]),
            None => {
                let held = (1..PASTE_ENDS.len())
                    .rev()
                    .find(|len| bytes.ends_with(&PASTE_ENDS[..*len]));
                let (piece, held) = bytes.split_at(bytes.len() - held.unwrap_or(0));
                self.held = held.to_vec();
                (piece, &[][..])
            }
        };
        let ends = end.is_some();
        self.paste = (!ends).then_some(true);
        if !piece.is_empty() || ends || begins {
            let bytes = piece.to_vec();
            out.push(Input::Paste {
                bytes,
                begins,
                ends,
            });
        }
        rest
    }

    /// One character's byte or one whole sequence.
    fn unit(&mut self, unit: &[u8], burst: bool, out: &mut Vec<Input>) {
        match unit {
            PASTE_BEGINS => {
                self.prefix = false;
                self.paste = Some(false);
            }
            // Of a paste that had none, or an answer that nobody asked for.
            PASTE_ENDS | [0x1b, b']' | b'P' | b'_' | b'^', _, ..] if unit.len() > 2 => {
                out.extend(ask::read(unit).map(Input::Answer));
            }
            b"\x1b[I" | b"\x1b[O" => out.push(Input::Focus(unit[2] == b'I')),
            [0x1b, b'[', b'?', ..] => out.extend(ask::read(unit).map(Input::Answer)),
            [0x1b, b'[', b'<', ..] | [0x1b, b'[', b'M', _, ..] => {
                out.extend(Mouse::read(unit).map(Input::Mouse));
            }
            _ => self.key(unit, burst, out),
        }
    }

    fn key(&mut self, unit: &[u8], burst: bool, out: &mut Vec<Input>) {
        let key = key::read(unit);
        if !self.prefix {
            let is_prefix = key == Some(PREFIX);
            if is_prefix && !burst {
                self.prefix = true;
            } else {
                pass(unit, out);
            }
            return;
        }
        // Letting go of a key, or pressing Shift for the next one, says nothing yet.
        let Some(key) = key else { return };
        self.prefix = false;
        let command = match key {
            PREFIX => return pass(unit, out),
            Key::Char('d') => Command::Detach,
            Key::Char('n') => Command::NextWindow,
            Key::Char('p') => Command::PreviousWindow,
            Key::Char('o') => Command::NextPane,
            Key::Char('r') => Command::Redraw,
            Key::Char('?') => Command::Help,
            Key::Up => Command::Pan(-1, 0),
            Key::Down => Command::Pan(1, 0),
            Key::Left => Command::Pan(0, -1),
            Key::Right => Command::Pan(0, 1),
            Key::PageUp => Command::Page(1),
            Key::PageDown => Command::Page(-1),
            // Fingers that know other keys are shown which there are.
            Key::Char(_) => Command::Help,
            Key::Ctrl(_) | Key::Other => return,
        };
        out.push(Input::Command(command));
    }
}

fn pass(unit: &[u8], out: &mut Vec<Input>) {
    match out.last_mut() {
        Some(Input::Typed(bytes)) => bytes.extend_from_slice(unit),
        _ => out.push(Input::Typed(unit.to_vec())),
    }
}

/// The number of bytes that are no part of an escape sequence.
fn text_bytes(bytes: &[u8]) -> usize {
    let (mut count, mut rest) = (0, bytes);
    while let Some(&first) = rest.first() {
        let length = match first {
            0x1b => sequence_length(rest).unwrap_or(rest.len()),
            _ => 1,
        };
        count += usize::from(first != 0x1b);
        rest = &rest[length..];
    }
    count
}

/// The length of the sequence that begins here; none when its end has not come.
///
/// Source: ECMA-48 5.4 for control sequences, xterm ctlseqs for mouse reports and strings.
fn sequence_length(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? {
        b'[' => match bytes.get(2)? {
            // A report of a terminal that knows no other form: three bytes follow.
            b'M' => bytes.get(5).map(|_| 6),
            _ => {
                let end = bytes[2..].iter().position(|b| !(0x20..=0x3f).contains(b))? + 2;
                // Anything but a final byte breaks it off.
                Some(end + usize::from((0x40..=0x7e).contains(&bytes[end])))
            }
        },
        b'O' => bytes.get(2).map(|_| 3),
        b']' | b'P' | b'_' | b'^' => {
            let ends = |b: &u8| matches!(b, 0x07 | 0x1b);
            let at = bytes.iter().skip(2).position(ends)? + 2;
            match bytes[at] {
                0x1b => bytes.get(at + 1).map(|_| at + 2),
                _ => Some(at + 1),
            }
        }
        // Escape was pressed before another key.
        0x1b => Some(1),
        _ => Some(2),
    }
}

#[cfg(test)]
mod tests;
