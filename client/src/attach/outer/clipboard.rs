//! The clipboard of the outer terminal. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::event::{Copied, Selection};

/// Makes the terminal copy a text: its own encoding of it, whatever the program wrote.
///
/// Source: xterm ctlseqs, OSC 52.
pub(crate) fn copy(copied: &Copied, out: &mut Vec<u8>) {
    let name = match copied.selection {
        Selection::Clipboard => 'c',
        Selection::Primary => 'p',
    };
    let text = STANDARD.encode(&copied.text);
    out.extend_from_slice(format!("\x1b]52;{name};{text}\x1b\\").as_bytes());
}

#[cfg(test)]
mod tests;
