//! Input for a program: key names and text as the bytes that a terminal sends.

mod extended;
mod key;

#[cfg(test)]
mod tests;

use crate::screen::Modes;

pub use key::{Key, KeyCode, KeyError, Modifiers};

/// Begins a bracketed paste. Source: xterm ctlseqs, bracketed paste mode.
pub const PASTE_START: &[u8] = b"\x1b[200~";

/// Ends a bracketed paste.
pub const PASTE_END: &[u8] = b"\x1b[201~";

/// Text from this size on is pasted: editors of agents take seconds for so many keystrokes.
const LONG_BYTES: usize = 256;

/// The bytes that `key` sends under `modes`.
#[must_use]
pub fn encode_key(key: Key, modes: Modes) -> Vec<u8> {
    key.encode(modes)
}

/// The bytes that `text` sends under `modes`: as typed, or as one paste with its marks.
#[must_use]
pub fn encode_text(text: &str, modes: Modes) -> Vec<u8> {
    if !is_paste(text, modes) {
        return newlines_to_returns(text);
    }
    let mut bytes = PASTE_START.to_vec();
    bytes.extend_from_slice(&without_paste_ends(&newlines_to_returns(text)));
    bytes.extend_from_slice(PASTE_END);
    bytes
}

/// True if `text` is a bracketed paste, when its writer has no wish of their own: the program has to have asked for
/// that (DECSET 2004).
///
/// Then several lines and tabs are pasted, because as keys they are commands; long text, because keys are slow; and text with
/// `@` or `!`, which as keys open completions in agents' editors. Short text that begins as a command of an editor or a menu
/// (`:q!`, `/help`) and single characters are keys.
#[must_use]
pub fn is_paste(text: &str, modes: Modes) -> bool {
    if !modes.bracketed_paste {
        return false;
    }
    let marked = text.contains(['@', '!']) && text.chars().nth(1).is_some();
    text.contains(['\n', '\r', '\t'])
        || text.len() >= LONG_BYTES
        || (marked && !text.starts_with([':', '/', '?']))
}

/// Text whose newlines are what Enter sends.
#[must_use]
pub fn newlines_to_returns(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 16);
    let mut after_return = false;
    for byte in text.bytes() {
        match byte {
            b'\n' if after_return => {}
            b'\n' => bytes.push(b'\r'),
            _ => bytes.push(byte),
        }
        after_return = byte == b'\r';
    }
    bytes
}

/// Text without the newline at its end, if there is one: that is Enter.
#[must_use]
pub fn split_enter(text: &str) -> (&str, bool) {
    let line = text
        .strip_suffix("\r\n")
        .or_else(|| text.strip_suffix(['\n', '\r']));
    (line.unwrap_or(text), line.is_some())
}

/// Leaves the end-of-paste sequence out of text that is pasted: it cannot pass for keys.
#[must_use]
pub fn without_paste_ends(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for byte in text {
        bytes.push(*byte);
        // At each byte, because taking one out can make another one of what is left around it.
        if bytes.ends_with(PASTE_END) {
            bytes.truncate(bytes.len() - PASTE_END.len());
        }
    }
    bytes
}

/// Does so for a paste in pieces of any size, of which nothing is held back: only the last byte of the sequence is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct PasteFilter {
    /// The part of the sequence that stands at the end of what was passed, in bytes.
    seen: usize,
}

impl PasteFilter {
    /// Gives what of the next piece is pasted.
    #[must_use]
    pub fn next(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(piece.len());
        for byte in piece {
            if PASTE_END[self.seen] != *byte {
                // Only the sequence's first byte occurs in it once, so it can only begin anew here.
                self.seen = usize::from(PASTE_END[0] == *byte);
            } else if self.seen + 1 == PASTE_END.len() {
                continue;
            } else {
                self.seen += 1;
            }
            bytes.push(*byte);
        }
        bytes
    }
}
