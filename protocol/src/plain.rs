//! Text of others made harmless for a terminal: no control characters, no sequences but colours and links, nothing that
//! turns the direction of reading. Applied where a program writes, whatever the text has passed through before.

use std::borrow::Cow;

/// Stands for each character that is left out.
const LEFT_OUT: char = char::REPLACEMENT_CHARACTER;

/// True if a character changes the order in which its neighbours are shown, and so what a reader believes to be there.
///
/// Source: Unicode Standard Annex 9, table 4 (explicit directional formatting), and the two separators.
fn turns(c: char) -> bool {
    matches!(
        c,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// True if a terminal would obey a character instead of showing it.
fn obeyed(c: char) -> bool {
    c.is_control() || turns(c)
}

/// Text in lines: of the control characters only line feed and tab stay.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    without(text, |c| obeyed(c) && !matches!(c, '\n' | '\t'))
}

/// Text within one line, such as a name or a cell of a table.
#[must_use]
pub fn plain_line(text: &str) -> Cow<'_, str> {
    without(text, obeyed)
}

fn without(text: &str, bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&bad) {
        return Cow::Borrowed(text);
    }
    let clean = |c| if bad(c) { LEFT_OUT } else { c };
    Cow::Owned(text.chars().map(clean).collect())
}

/// JSON text that says the same in characters that no terminal obeys. serde_json escapes those below U+0020 itself; the
/// others can only stand in strings, so an escape may take their place.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let bad = |c: char| obeyed(c) && !matches!(c, '\n' | '\t' | '\r');
    if !text.chars().any(bad) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if bad(c) {
            clean.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            clean.push(c);
        }
    }
    Cow::Owned(clean)
}

/// Lines of a screen with colours, attributes and links.
#[must_use]
pub fn styled(text: &str) -> Cow<'_, str> {
    match filtered(text.as_bytes(), true) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// One row of a screen, with colours, attributes and links.
#[must_use]
pub fn styled_row(row: &[u8]) -> Cow<'_, [u8]> {
    filtered(row, false)
}

/// The fate of the beginning of some text.
enum Piece {
    /// So many bytes stay.
    Kept(usize),
    /// So many bytes are a sequence that is left out without a trace.
    Sequence(usize),
    /// So many bytes are a character that is left out.
    Character(usize),
}

fn filtered(text: &[u8], lines: bool) -> Cow<'_, [u8]> {
    let mut at = 0;
    while let Some(Piece::Kept(length)) = piece(&text[at..], lines) {
        at += length;
    }
    if at == text.len() {
        return Cow::Borrowed(text);
    }
    let mut clean = text[..at].to_vec();
    while let Some(piece) = piece(&text[at..], lines) {
        at += match piece {
            Piece::Kept(length) => {
                clean.extend_from_slice(&text[at..at + length]);
                length
            }
            Piece::Sequence(length) => length,
            Piece::Character(length) => {
                clean.extend_from_slice(LEFT_OUT.encode_utf8(&mut [0; 4]).as_bytes());
                length
            }
        };
    }
    Cow::Owned(clean)
}

fn piece(rest: &[u8], lines: bool) -> Option<Piece> {
    let piece = match *rest.first()? {
        0x1b => escape(rest),
        0x20..=0x7e => Piece::Kept(
            rest.iter()
                .position(|byte| !(0x20..=0x7e).contains(byte))
                .unwrap_or(rest.len()),
        ),
        b'\n' | b'\t' if lines => Piece::Kept(1),
        0x00..=0x1f | 0x7f => Piece::Character(1),
        first => character(first, rest),
    };
    Some(piece)
}

fn character(first: u8, rest: &[u8]) -> Piece {
    let length = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let text = rest
        .get(..length)
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    match text.and_then(|text| text.chars().next()) {
        Some(c) if c.is_control() => Piece::Character(length),
        Some(_) => Piece::Kept(length),
        None => Piece::Character(1),
    }
}

/// A sequence: kept when it is SGR or a link, else left out up to where a terminal takes it to end.
///
/// Source: ECMA-48 5.4 and 5.6; xterm ctlseqs, OSC 8.
fn escape(rest: &[u8]) -> Piece {
    match rest.get(1) {
        Some(b'[') => {
            let end = rest[2..]
                .iter()
                .position(|byte| !(0x20..=0x3f).contains(byte));
            let Some(end) = end.map(|at| at + 2) else {
                return Piece::Sequence(rest.len());
            };
            let colours = rest[end] == b'm'
                && rest[2..end]
                    .iter()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'));
            match rest[end] {
                b'm' if colours => Piece::Kept(end + 1),
                0x40..=0x7e => Piece::Sequence(end + 1),
                // Another sequence or a control character: what came before was none.
                _ => Piece::Sequence(end),
            }
        }
        Some(b']') => match string_end(rest) {
            Some((content, end)) if is_link(&rest[2..content], &rest[content..end]) => {
                Piece::Kept(end)
            }
            Some((_, end)) => Piece::Sequence(end),
            None => Piece::Sequence(rest.len()),
        },
        Some(b'P' | b'X' | b'^' | b'_') => {
            Piece::Sequence(string_end(rest).map_or(rest.len(), |(_, end)| end))
        }
        Some(_) => {
            let between = rest[1..]
                .iter()
                .take_while(|byte| (0x20..=0x2f).contains(*byte))
                .count();
            match rest.get(1 + between) {
                Some(0x30..=0x7e) => Piece::Sequence(2 + between),
                Some(_) | None => Piece::Sequence(1 + between),
            }
        }
        None => Piece::Sequence(1),
    }
}

/// The end of the content of a string, and the end of the string.
fn string_end(rest: &[u8]) -> Option<(usize, usize)> {
    let content = rest
        .iter()
        .skip(2)
        .position(|byte| matches!(byte, 0x07 | 0x18 | 0x1a | 0x1b))?
        + 2;
    let end = match (rest[content], rest.get(content + 1)) {
        (0x1b, Some(b'\\')) => content + 2,
        // The escape begins the next sequence.
        (0x1b, _) => content,
        _ => content + 1,
    };
    Some((content, end))
}

/// One that another sequence broke off is none.
fn is_link(content: &[u8], end: &[u8]) -> bool {
    matches!(end, b"\x07" | b"\x1b\\")
        && content.starts_with(b"8;")
        && std::str::from_utf8(content).is_ok_and(|text| !text.chars().any(char::is_control))
}

/// An error of the system as people read it, without its number.
#[must_use]
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests;
