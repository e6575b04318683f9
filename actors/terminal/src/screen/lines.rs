//! Places in the text that a pane has printed, and what resizes and erasing do to them.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::MAX_SIDE;

/// The number of changes of the row numbering that are remembered. Older cursors start again at a safe place.
pub(super) const MAX_EPOCHS: usize = 32;
/// The number of pairs of rows that all [`Change::Reflowed`] together keep: 64 KiB.
pub(super) const MAX_BREAKS: usize = 4096;

/// A place on the primary screen: a line by the number of its first row, and how much of it has been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LineMark {
    pub(super) row: u64,
    /// Bytes of the line's text that were seen.
    pub(super) seen: u32,
    /// [`text_hash`] of these bytes, so that a line that was written over is noticed.
    pub(super) hash: u32,
}

impl LineMark {
    /// The beginning of the line that starts at `row`.
    pub(super) fn at(row: u64) -> Self {
        Self {
            row,
            seen: 0,
            hash: text_hash(b""),
        }
    }

    /// `line` has been seen up to here.
    pub(super) fn after(row: u64, line: &[u8]) -> Self {
        // A line is at most 64 rows of 1,000 cells of 65 characters.
        Self {
            row,
            seen: line.len() as u32,
            hash: text_hash(line),
        }
    }

    /// The number of bytes of `line` that were seen: 0 when it was written over since. Blanks that were seen at its end are not in `line`.
    pub(super) fn seen_of(&self, line: &str) -> usize {
        let seen = self.seen as usize;
        match line.as_bytes().get(..seen) {
            Some(prefix) if line.is_char_boundary(seen) && text_hash(prefix) == self.hash => seen,
            Some(_) => 0,
            None => {
                let blanks = (seen - line.len()).min(MAX_SIDE.into());
                let padded = [line.as_bytes(), &b" ".repeat(blanks)].concat();
                match padded.len() == seen && text_hash(&padded) == self.hash {
                    true => line.len(),
                    false => 0,
                }
            }
        }
    }
}

/// FNV-1a of 32 bits: enough to notice that a line changed, and short in a cursor's text.
fn text_hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// A change after which row numbers mean something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Change {
    /// The screen was erased in place and is written anew from this row on.
    Cleared(u64),
    /// Lines were wrapped anew: (old row, new row) of the first row of each line whose distance between them differs from that of
    /// the line before, in order.
    Reflowed(Vec<(u64, u64)>),
}

/// The changes of the numbering, newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Epochs {
    /// The number of changes so far.
    pub(super) count: u64,
    pub(super) changes: VecDeque<Change>,
}

impl Epochs {
    /// The screen whose first row is `top` was erased in place.
    pub(super) fn cleared(&mut self, top: u64) {
        self.push(Change::Cleared(top));
    }

    /// Lines were wrapped anew; (old row, new row) of each line's first row, in order.
    pub(super) fn reflowed(&mut self, rows: impl Iterator<Item = (u64, u64)>) {
        let mut breaks: Vec<(u64, u64)> = Vec::new();
        for (old, new) in rows {
            let moves_along = |&(o, n): &(u64, u64)| old.wrapping_sub(o) == new.wrapping_sub(n);
            if !breaks.last().is_some_and(moves_along) {
                breaks.push((old, new));
            }
        }
        // Too many to keep: the oldest are those least likely to be asked for.
        breaks.drain(..breaks.len().saturating_sub(MAX_BREAKS / 2));
        self.push(Change::Reflowed(breaks));
    }

    fn push(&mut self, change: Change) {
        self.count += 1;
        self.changes.push_back(change);
        let breaks = |changes: &VecDeque<Change>| changes.iter().map(Change::breaks).sum::<usize>();
        while self.changes.len() > MAX_EPOCHS || breaks(&self.changes) > MAX_BREAKS {
            self.changes.pop_front();
        }
    }

    /// The same with the newest changes only, as many as have `max_breaks` pairs of rows together.
    pub(super) fn recent(&self, max_breaks: usize) -> Self {
        let mut breaks = 0;
        let fits = |change: &&Change| {
            breaks += change.breaks();
            breaks <= max_breaks
        };
        let newest = self.changes.iter().rev().take_while(fits).cloned();
        let mut changes: VecDeque<Change> = newest.collect();
        changes.make_contiguous().reverse();
        Self {
            count: self.count,
            changes,
        }
    }

    /// The place where `mark` of epoch `epoch` is now. `fallback` is for places too old to follow.
    pub(super) fn follow(&self, epoch: u64, mark: LineMark, fallback: u64) -> LineMark {
        let behind = self.count.saturating_sub(epoch);
        let Some(first) = (self.changes.len() as u64).checked_sub(behind) else {
            return LineMark::at(fallback);
        };
        // The number of changes kept is small.
        self.changes
            .iter()
            .skip(first as usize)
            .fold(mark, |mark, change| change.apply(mark))
    }
}

impl Change {
    fn breaks(&self) -> usize {
        match self {
            Self::Cleared(_) => 0,
            Self::Reflowed(rows) => rows.len(),
        }
    }

    fn apply(&self, mark: LineMark) -> LineMark {
        match self {
            Self::Cleared(top) if mark.row >= *top => LineMark::at(*top),
            Self::Cleared(_) => mark,
            Self::Reflowed(rows) => {
                let next = rows.partition_point(|&(old, _)| old <= mark.row);
                match next.checked_sub(1).map(|at| rows[at]) {
                    // Inside of a line, or below all text.
                    Some((old, new)) => LineMark {
                        row: new.wrapping_add(mark.row - old),
                        ..mark
                    },
                    None => mark,
                }
            }
        }
    }
}

/// The place that a [`TextCursor`] points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A place in the primary screen's text.
    Text,
    /// The line after the one pointed to, which may not have ended yet.
    NextLine,
    /// The alternate screen as it was at this generation.
    Alternate(u64),
}

/// A place in the text of a pane, such as "the end of output when I looked".
///
/// It is stable while the pane scrolls, and follows its line through resizes. Opaque to those who hold it; its
/// text form is short and can be parsed again. It holds for the pane it came from only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextCursor {
    pub(super) kind: Kind,
    pub(super) epoch: u64,
    pub(super) mark: LineMark,
}

impl TextCursor {
    /// Before all output of a pane.
    #[must_use]
    pub fn start() -> Self {
        Self {
            kind: Kind::Text,
            epoch: 0,
            mark: LineMark::at(0),
        }
    }
}

/// The text is not one that a [`TextCursor`] prints.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a text cursor; pass one that a read or write returned, unchanged")]
pub struct TextCursorError {
    /// The text as given, cut to 80 characters.
    text: String,
}

impl fmt::Display for TextCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Text => write!(f, "t")?,
            Kind::NextLine => write!(f, "n")?,
            Kind::Alternate(generation) => write!(f, "a{generation}-")?,
        }
        let LineMark { row, seen, hash } = self.mark;
        write!(f, "{}.{row}.{seen}.{hash:x}", self.epoch)
    }
}

impl FromStr for TextCursor {
    type Err = TextCursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| TextCursorError {
            text: text.chars().take(80).collect(),
        })
    }
}

fn parse(text: &str) -> Option<TextCursor> {
    let (kind, rest) = if let Some(rest) = text.strip_prefix('t') {
        (Kind::Text, rest)
    } else if let Some(rest) = text.strip_prefix('n') {
        (Kind::NextLine, rest)
    } else {
        let (generation, rest) = text.strip_prefix('a')?.split_once('-')?;
        (Kind::Alternate(number(generation)?), rest)
    };
    let mut parts = rest.split('.');
    let epoch = number(parts.next()?)?;
    let row = number(parts.next()?)?;
    let seen = u32::try_from(number(parts.next()?)?).ok()?;
    let hash = parts
        .next()
        .filter(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let hash = u32::from_str_radix(hash, 16).ok()?;
    let mark = LineMark { row, seen, hash };
    parts
        .next()
        .is_none()
        .then_some(TextCursor { kind, epoch, mark })
}

/// A decimal number as printed: digits only, far from overflow.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|&number: &u64| digits && number <= u64::MAX / 4)
}
