//! Input for a program: key names and text as the bytes that a terminal sends.

mod extended;
mod key;

#[cfg(test)]
mod tests;

use crate::pane::screen::Modes;

pub use key::{Key, KeyCode, KeyError, Modifiers};

/// What Enter sends: a command line is submitted by it.
pub const SUBMIT: &[u8] = b"\r";

const PASTE_START: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// The bytes that `key` sends under `modes`.
#[must_use]
pub fn encode_key(key: Key, modes: Modes) -> Vec<u8> {
    key.encode(modes)
}

/// The bytes that `text` sends under `modes`: as typed, or as one paste.
///
/// Text of several lines is a bracketed paste when the program asked for that (DECSET 2004); the end-of-paste sequence
/// inside of it is left out, so that text cannot pass for keys. Else each newline is Enter, as if typed.
#[must_use]
pub fn encode_text(text: &str, modes: Modes) -> Vec<u8> {
    let lines = text.contains(['\n', '\r']);
    if lines && modes.bracketed_paste {
        return bracketed(text);
    }
    newlines_to_returns(text)
}

/// Whether [`encode_text`] makes a paste of `text`.
#[must_use]
pub fn is_paste(text: &str, modes: Modes) -> bool {
    modes.bracketed_paste && text.contains(['\n', '\r'])
}

fn bracketed(text: &str) -> Vec<u8> {
    let mut bytes = PASTE_START.to_vec();
    for byte in newlines_to_returns(text) {
        bytes.push(byte);
        // At each byte, because taking one out can make another one of what is left around it.
        if bytes.ends_with(PASTE_END) {
            bytes.truncate(bytes.len() - PASTE_END.len());
        }
    }
    bytes.extend_from_slice(PASTE_END);
    bytes
}

fn newlines_to_returns(text: &str) -> Vec<u8> {
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
