//! Texts that programs copy (OSC 52).
//!
//! Source: xterm ctlseqs, "Manipulate Selection Data". Questions for what is in a clipboard are never answered: it may be a password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;
use protocol::event::{Copied, Selection};

/// The rule for text that the program copies: passed on to those who look, or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Copies {
    /// It is passed over, and the program is told that there is no clipboard.
    #[default]
    Ignored,
    /// It is passed on.
    PassedOn,
}

/// A reason not to pass a text on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// It is longer than [`Copied::MAX_BYTES`].
    #[error("it has more than {} bytes", Copied::MAX_BYTES)]
    TooLong,
    /// It is no base64.
    #[error("it is no base64")]
    Encoding,
}

/// Reads what a program copies: to which selections, none for those that nobody knows here, and the text.
pub(super) fn read(selections: &[u8], base64: &[u8]) -> Result<Vec<Copied>, CopyError> {
    let has = |names: &[u8]| selections.iter().any(|name| names.contains(name));
    let clipboard = selections.is_empty() || has(b"cs");
    let wanted = [
        (clipboard, Selection::Clipboard),
        (has(b"p"), Selection::Primary),
    ];
    let text = STANDARD_PAD_INDIFFERENT
        .decode(base64)
        .map_err(|_| CopyError::Encoding)?;
    if text.len() > Copied::MAX_BYTES {
        return Err(CopyError::TooLong);
    }
    let copied = wanted.into_iter().filter(|(is_wanted, _)| *is_wanted);
    Ok(copied
        .map(|(_, selection)| Copied {
            selection,
            text: text.clone(),
        })
        .collect())
}
