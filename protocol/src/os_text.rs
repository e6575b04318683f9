//! Directories and variables as strings of the wire and of the database, although on the system they are bytes.
//!
//! What is UTF-8 is itself. Anything else is a NUL, which no path and no variable can hold, and then each byte as the
//! character of that number: `"\0caf\u{e9}"` is `caf` and the byte 0xE9. An older peer refuses it like every NUL.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The character that stands before the characters of bytes that are not UTF-8.
const MARK: char = '\0';

/// The text of `bytes`.
#[must_use]
pub fn encoded(bytes: impl AsRef<OsStr>) -> String {
    let bytes = bytes.as_ref();
    match bytes.to_str() {
        Some(text) => text.to_owned(),
        None => std::iter::once(MARK)
            .chain(bytes.as_bytes().iter().copied().map(char::from))
            .collect(),
    }
}

/// The bytes that `text` stands for.
#[must_use]
pub fn decoded(text: &str) -> OsString {
    marked(text).map_or_else(|| text.into(), OsString::from_vec)
}

/// The bytes of a text with the mark, in its one right form.
fn marked(text: &str) -> Option<Vec<u8>> {
    let bytes: Vec<u8> = text
        .strip_prefix(MARK)?
        .chars()
        .map(|char| u8::try_from(char).ok().filter(|byte| *byte != 0))
        .collect::<Option<_>>()?;
    std::str::from_utf8(&bytes).is_err().then_some(bytes)
}

/// True if `text` stands for bytes that are not UTF-8.
#[must_use]
pub fn is_marked(text: &str) -> bool {
    marked(text).is_some()
}

/// True if `text` stands for bytes that a path or a variable can have: without NUL.
#[must_use]
pub fn is_possible(text: &str) -> bool {
    !text.contains(MARK) || is_marked(text)
}

/// The text for people, with a replacement character for what is not UTF-8.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    match marked(text) {
        Some(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests;
