//! The memory that a screen keeps, and the most that it can be.

use std::mem::size_of;

use protocol::Size;
use rio_vt::crosswords::grid::Dimensions;
use rio_vt::crosswords::square::Square;

use super::boundary::MAX_COPY_BYTES;
use super::bounds::clamp;
use super::engine::{
    MAX_JOINED_BYTES, MAX_LINKS_BYTES, MAX_MARK_BYTES, MAX_MARKS, MAX_REPLY_BYTES, MAX_TITLE_BYTES,
    MAX_TITLES,
};
use super::lines::{Change, MAX_BREAKS};
use super::{Screen, facts};

/// A row besides its cells.
const ROW_BYTES: usize = 64;
/// A kind of attributes, in its table and the table of contents. There are at most 65,535 for a screen with its history.
const STYLE_BYTES: usize = 96;
const MAX_STYLES: usize = 65_535;
/// The bytes that links and joined characters can take beyond their bound until it is noticed.
const SLACK_BYTES: usize = 64 * 1024;
/// Two rows of an epoch.
const BREAK_BYTES: usize = size_of::<(u64, u64)>();
/// Everything small: modes, tab stops, colours, the parser.
const REST_BYTES: usize = 16 * 1024;

impl Screen {
    /// The bytes that this screen keeps because of what was printed: its cells and history, links, joined characters, attributes,
    /// titles, answers that nobody has taken and what is unfinished.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        let engine = &self.engine;
        let other = usize::from(engine.is_alternate()) * self.history_lines;
        let rows = engine.grid().total_lines() + other + usize::from(self.size().rows);
        let row = engine.grid().columns() * size_of::<Square>() + ROW_BYTES;
        let tables = [&engine.kept, &engine.kept_of_other_screen];
        let texts = tables.map(|kept| kept.bytes().0 + kept.bytes().1);
        let titles: usize = engine.titles.iter().map(String::len).sum();
        let marks: usize = engine.marks.iter().map(|(name, _)| name.len() + 64).sum();
        let breaks = engine.epochs.changes.iter().map(|change| match change {
            Change::Cleared(_) => BREAK_BYTES,
            Change::Reflowed(rows) => rows.len() * BREAK_BYTES,
        });
        rows * row
            + engine.grid().styles().len() * STYLE_BYTES
            + texts.iter().sum::<usize>()
            + titles
            + engine.term.title.len()
            + marks
            + breaks.sum::<usize>()
            + engine.replies.len()
            + self.boundary.pending().len()
            + engine.facts.kept_bytes()
            + engine.cwd().map_or(0, |cwd| cwd.as_os_str().len())
            + REST_BYTES
    }

    /// The most that [`Screen::kept_bytes`] can be for a size and a history.
    #[must_use]
    pub fn max_kept_bytes(size: Size, history_lines: usize) -> usize {
        let size = clamp(size);
        let (rows, cols) = (usize::from(size.rows), usize::from(size.cols));
        let row = cols * size_of::<Square>() + ROW_BYTES;
        (2 * rows + history_lines) * row
            + MAX_STYLES * STYLE_BYTES
            + 2 * (MAX_LINKS_BYTES + MAX_JOINED_BYTES + SLACK_BYTES)
            + (MAX_TITLES + 1) * MAX_TITLE_BYTES
            + MAX_MARKS * (MAX_MARK_BYTES + 64)
            + (MAX_BREAKS + super::lines::MAX_EPOCHS) * BREAK_BYTES
            + 2 * MAX_REPLY_BYTES
            + 2 * MAX_COPY_BYTES
            + facts::MAX_BYTES
            + REST_BYTES
    }
}
