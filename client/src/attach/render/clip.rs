//! How many columns a row takes, and its part that fits.

use unicode_width::UnicodeWidthChar;

/// Columns that text with escape sequences takes.
pub(super) fn columns(ansi: &[u8]) -> usize {
    pieces(ansi).map(|(_, width)| width).sum()
}

/// The text's first `limit` columns; sequences are all kept, because they take no room.
pub(super) fn clipped(ansi: &[u8], limit: usize) -> Vec<u8> {
    let mut used = 0;
    let mut kept = Vec::with_capacity(ansi.len());
    let mut full = false;
    for (bytes, width) in pieces(ansi) {
        // What combines with the last character still belongs to it, what follows it does not.
        full |= used + width > limit;
        let sequence = bytes[0] == 0x1b;
        if sequence || !full {
            used += width;
            kept.extend_from_slice(bytes);
        }
    }
    kept
}

/// Characters and escape sequences with their widths. Bytes that are neither count as one column.
fn pieces(ansi: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    let mut rest = ansi;
    std::iter::from_fn(move || {
        let first = *rest.first()?;
        let (length, width) = match first {
            0x1b => (sequence_length(rest), 0),
            0x20..=0x7e => (1, 1),
            _ => character(rest),
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        Some((piece, width))
    })
}

/// A control sequence up to its final byte, a string sequence up to its end, else two bytes.
fn sequence_length(bytes: &[u8]) -> usize {
    let end = match bytes.get(1) {
        Some(b'[') => bytes[2..]
            .iter()
            .position(|b| (0x40..=0x7e).contains(b))
            .map(|at| at + 3),
        Some(b']' | b'P') => string_end(bytes),
        Some(_) => Some(2),
        None => None,
    };
    end.unwrap_or(bytes.len())
}

fn string_end(bytes: &[u8]) -> Option<usize> {
    let at = bytes
        .iter()
        .skip(2)
        .position(|b| matches!(b, 0x07 | 0x1b))?
        + 2;
    Some(if bytes[at] == 0x1b {
        (at + 2).min(bytes.len())
    } else {
        at + 1
    })
}

fn character(bytes: &[u8]) -> (usize, usize) {
    let length = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let text = bytes
        .get(..length)
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    match text.and_then(|text| text.chars().next()) {
        Some(c) => (length, c.width().unwrap_or(0)),
        None => (1, 1),
    }
}
