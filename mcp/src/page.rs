//! Long lists in pages: as many entries as an answer may have, and where to go on.

use std::ops::Range;

use protocol::Error;
use serde_json::Value;

/// Text of one answer, in bytes, unless more is asked for.
pub(crate) const ANSWER_BYTES: usize = 16 * 1024;

/// The part of a list that is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// At most so many entries.
    pub(crate) limit: Option<u32>,
    /// Where an earlier page has ended.
    pub(crate) cursor: Option<&'a str>,
}

/// A part of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) entries: Range<usize>,
    /// Where the next one begins; absent at the end.
    pub(crate) next: Option<String>,
}

impl Wanted<'_> {
    /// The part of `list` that is wanted. Entries are known by their `id`, so that a page goes on at the right place although
    /// the list has changed; the first entry is given whatever its size.
    ///
    /// # Errors
    /// `invalid_argument` for a cursor that no page has given.
    pub(crate) fn of(&self, list: &[Value], id: &str) -> Result<Page, Error> {
        let start = match self.cursor {
            None => 0,
            Some(cursor) => begin(list, id, cursor)?,
        };
        let most = self.limit.map_or(usize::MAX, |limit| limit as usize);
        let mut bytes = 0;
        let fits = |entry: &&Value| {
            let before = bytes;
            bytes += entry.to_string().len() + 1;
            before == 0 || bytes <= ANSWER_BYTES
        };
        let count = list[start..].iter().take(most).take_while(fits).count();
        let end = start + count;
        let last = end.checked_sub(1).and_then(|last| list[last][id].as_str());
        Ok(Page {
            entries: start..end,
            next: last
                .filter(|_| end < list.len())
                .map(|last| format!("{start}.{last}")),
        })
    }
}

fn begin(list: &[Value], id: &str, cursor: &str) -> Result<usize, Error> {
    let (at, last) = cursor
        .split_once('.')
        .and_then(|(at, last)| Some((at.parse::<usize>().ok()?, last)))
        .ok_or_else(|| {
            Error::invalid(format!(
                "{} is no cursor of a list",
                protocol::name::shown(cursor)
            ))
            .hint("give the next_cursor of the page before, or omit it for the first page")
        })?;
    let known = list.iter().position(|entry| entry[id] == last);
    // It is gone, and what was before it may be: rather a page twice than an entry not at all.
    Ok(known.map_or(at.min(list.len()), |known| known + 1))
}

#[cfg(test)]
mod tests;
