//! Reading a pane's text: what was printed since a cursor, the last lines, and searching both.

use rio_vt::crosswords::grid::Dimensions;
use rio_vt::crosswords::pos::Line;

use super::engine::Engine;
use super::lines::{Kind, LineMark, TextCursor};
use super::render::TextBytes;
use super::{Screen, render};

/// A line that wraps over more rows than this is taken for several by cursors, so that a read never has to look at
/// more than these to find its place. The text is joined all the same.
pub(super) const MAX_LINE_ROWS: u64 = 64;
/// Text read from a pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text; lines end in `\n`, the last one may be unfinished.
    pub text: String,
    /// The place to read on from.
    pub cursor: TextCursor,
    /// Rows that had left the history before they could be read.
    pub dropped_lines: u64,
    /// Whether there is more: the text was cut to the size asked for.
    pub truncated: bool,
    /// Rows that are joined to the one before, because a long line goes on in them.
    pub joined_rows: u64,
    /// It is of the alternate screen, which keeps nothing of what scrolls away.
    pub alternate: bool,
    /// The line that was read last was written over or erased since: the text does not go on behind it.
    pub rewritten: bool,
}

/// Text from a place on, before the part already seen is cut off.
pub(super) struct Rendered {
    pub(super) text: String,
    /// The part of the beginning that had been seen, in bytes.
    pub(super) seen: usize,
    /// The beginning of each line in the text, with its first row.
    pub(super) lines: Vec<(usize, u64)>,
    /// The place after the text.
    pub(super) end: LineMark,
    truncated: bool,
    joined_rows: u64,
}

/// The start of a read.
pub(super) struct Start {
    pub(super) mark: LineMark,
    pub(super) dropped_lines: u64,
    /// The line to start with has not begun yet.
    pub(super) waits: bool,
}

impl Engine {
    pub(super) fn wrapped_row(&self, row: u64) -> bool {
        render::goes_on(self.grid(), self.line_of(row))
    }

    /// The last row with output: the cursor's, or one below it that shows text.
    pub(super) fn end_row(&self) -> u64 {
        let grid = self.grid();
        let cursor = grid.cursor.pos.row.0;
        let bottom = grid.screen_lines() as i32;
        let last = (cursor + 1..bottom)
            .rev()
            .find(|&line| !render::is_blank_row(grid, Line(line)));
        self.row_of(Line(last.unwrap_or(cursor)))
    }

    /// The first row of the line that `row` is a part of.
    pub(super) fn line_start(&self, row: u64) -> u64 {
        let top = self.history_top();
        let mut start = row;
        while start > top && !start.is_multiple_of(MAX_LINE_ROWS) && self.wrapped_row(start - 1) {
            start -= 1;
        }
        start
    }

    /// Appends the line starting at `row` and returns the row after it, at most the one after `end`.
    pub(super) fn push_line(&self, row: u64, end: u64, out: &mut TextBytes) -> u64 {
        let mut row = row;
        loop {
            render::push_text(self.grid(), self.line_of(row), out);
            row += 1;
            if row > end || row.is_multiple_of(MAX_LINE_ROWS) || !self.wrapped_row(row - 1) {
                return row;
            }
        }
    }

    /// The place after all text of the primary screen, which must be the active one.
    pub(super) fn end_mark(&self) -> LineMark {
        let (start, line) = self.last_line();
        LineMark::after(start, line.as_bytes())
    }

    /// The row in which the last line begins, and its text.
    fn last_line(&self) -> (u64, String) {
        let end = self.end_row();
        let start = self.line_start(end);
        let mut line = TextBytes::default();
        self.push_line(start, end, &mut line);
        (start, line.into_string())
    }

    /// The row above which the program itself has erased everything.
    pub(super) fn erased_row(&self) -> u64 {
        let (epoch, row) = self.erased;
        self.epochs.follow(epoch, LineMark::at(row), 0).row
    }

    /// The start of a read from `cursor`.
    pub(super) fn start(&self, cursor: &TextCursor) -> Start {
        let mark = self
            .epochs
            .follow(cursor.epoch, cursor.mark, self.screen_top());
        let end = self.end_row();
        if mark.row > end {
            // The screen was erased from above: its last line may be new.
            return Start {
                mark: LineMark::at(self.line_start(end)),
                dropped_lines: 0,
                waits: false,
            };
        }
        let top = self.history_top();
        if mark.row < top {
            return Start {
                mark: LineMark::at(top),
                dropped_lines: top - mark.row.max(self.erased_row()).min(top),
                waits: false,
            };
        }
        match cursor.kind {
            Kind::Text | Kind::Alternate(_) => Start {
                mark,
                dropped_lines: 0,
                waits: false,
            },
            Kind::NextLine => {
                let last = (mark.row..end)
                    .find(|&row| !self.wrapped_row(row))
                    .unwrap_or(end);
                match last < end {
                    true => Start {
                        mark: LineMark::at(last + 1),
                        dropped_lines: 0,
                        waits: false,
                    },
                    false => Start {
                        mark,
                        dropped_lines: 0,
                        waits: true,
                    },
                }
            }
        }
    }

    /// Renders from `mark`, a row that exists, to the end or until `max_bytes` of unseen text.
    pub(super) fn render_from(&self, mark: LineMark, max_bytes: usize) -> Rendered {
        let end = self.end_row();
        let rows = (end - mark.row + 1) as usize;
        let mut text = TextBytes::with_capacity(
            rows.saturating_mul(self.grid().columns() + 1)
                .min(max_bytes)
                + 64,
        );
        let (mut row, mut seen, mut budget) = (mark.row, 0, 0);
        let (mut lines, mut joined_rows) = (Vec::new(), 0);
        loop {
            let start = text.len();
            lines.push((start, row));
            let next = self.push_line(row, end, &mut text);
            joined_rows += next - row - 1;
            if row == mark.row {
                seen = mark.seen_of(text.as_str());
                budget = max_bytes.saturating_add(seen);
            }
            let truncated = text.len() > budget || (text.len() == budget && next <= end);
            if truncated || next > end {
                let mut text = text.into_string();
                if truncated {
                    text.truncate(text.floor_char_boundary(budget).max(start));
                }
                let end = LineMark::after(row, &text.as_bytes()[start..]);
                return Rendered {
                    text,
                    seen,
                    lines,
                    end,
                    truncated,
                    joined_rows,
                };
            }
            if !self.wrapped_row(next - 1) {
                text.end_line();
            }
            row = next;
        }
    }

    /// The lines of the screen as (first line, line after the last), without blank ones at the end.
    pub(super) fn screen_lines(&self) -> impl Iterator<Item = (i32, i32)> + '_ {
        let grid = self.grid();
        let bottom = grid.screen_lines() as i32;
        let end = (0..bottom)
            .rev()
            .find(|&line| !render::is_blank_row(grid, Line(line)))
            .map_or(0, |last| last + 1);
        let mut next = 0;
        std::iter::from_fn(move || {
            let start = next;
            (start < end).then(|| {
                let wraps = |line: &i32| !render::goes_on(grid, Line(*line));
                next = (start..end).find(wraps).map_or(end, |last| last + 1);
                (start, next)
            })
        })
    }
}

impl Screen {
    /// A number that is another one when the text on the screen, or above it, is.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        (self.engine.is_alternate(), self.rows_scrolled()).hash(&mut hasher);
        let grid = self.engine.grid();
        let mut text = TextBytes::default();
        for line in 0..grid.screen_lines() as i32 {
            render::push_text(grid, Line(line), &mut text);
            text.end_line();
        }
        hasher.write(text.as_str().trim_end().as_bytes());
        hasher.finish()
    }

    /// The place after all output so far.
    ///
    /// While the alternate screen is shown it stands for "as the screen is now".
    #[must_use]
    pub fn position(&self) -> TextCursor {
        if self.engine.is_alternate() {
            return self.alternate_position();
        }
        TextCursor {
            kind: Kind::Text,
            epoch: self.engine.epochs.count,
            mark: self.engine.end_mark(),
        }
    }

    /// The beginning of the line after the one the terminal's cursor is in, wherever that line will end: taken before
    /// a command is submitted, reading from it does not return the command's echo.
    #[must_use]
    pub fn position_after_line(&self) -> TextCursor {
        if self.engine.is_alternate() {
            return self.alternate_position();
        }
        let row = self.engine.row_of(self.engine.grid().cursor.pos.row);
        let mark = LineMark::at(self.engine.line_start(row));
        TextCursor {
            kind: Kind::NextLine,
            epoch: self.engine.epochs.count,
            mark,
        }
    }

    /// The beginning of the screen's first row: from there on is what can be seen now.
    #[must_use]
    pub fn first_row_shown(&self) -> TextCursor {
        if self.engine.is_alternate() {
            let (epoch, mark) = self.engine.primary_end;
            return TextCursor {
                kind: Kind::Alternate(0),
                epoch,
                mark,
            };
        }
        let mark = LineMark::at(self.engine.screen_top());
        TextCursor {
            kind: Kind::Text,
            epoch: self.engine.epochs.count,
            mark,
        }
    }

    fn alternate_position(&self) -> TextCursor {
        let (epoch, mark) = self.engine.primary_end;
        TextCursor {
            kind: Kind::Alternate(self.generation),
            epoch,
            mark,
        }
    }

    /// The place that the program has named so, by a notification (OSC 777) with the title `fugue-mark` and the name as its body.
    /// Of several the newest.
    #[must_use]
    pub fn mark(&self, name: &str) -> Option<TextCursor> {
        self.engine
            .marks
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, place)| *place)
    }

    /// The text printed since `cursor`, at most `max_bytes` of it: the texts of successive reads, each from the
    /// cursor that the last one returned, put together are the output, with each line in its final form.
    ///
    /// A line that was written over since it was read (a progress bar) is returned again, whole. Changes above the
    /// last line read are not returned. While the alternate screen is shown the whole screen is returned whenever it has changed.
    #[must_use]
    pub fn read_since(&self, cursor: &TextCursor, max_bytes: usize) -> Text {
        let max_bytes = max_bytes.max(char::MAX.len_utf8());
        if self.engine.is_alternate() {
            return self.read_alternate(cursor, max_bytes);
        }
        let start = self.engine.start(cursor);
        let epoch = self.engine.epochs.count;
        if start.waits {
            let cursor = TextCursor {
                kind: cursor.kind,
                epoch,
                mark: start.mark,
            };
            return Text {
                text: String::new(),
                cursor,
                dropped_lines: 0,
                truncated: false,
                joined_rows: 0,
                alternate: false,
                rewritten: false,
            };
        }
        let mut rendered = self.engine.render_from(start.mark, max_bytes);
        rendered.text.drain(..rendered.seen);
        let rewritten = rendered.seen == 0 && cursor.mark.seen > 0 && start.dropped_lines == 0;
        Text {
            text: rendered.text,
            cursor: TextCursor {
                kind: Kind::Text,
                epoch,
                mark: rendered.end,
            },
            dropped_lines: start.dropped_lines,
            truncated: rendered.truncated,
            joined_rows: rendered.joined_rows,
            alternate: false,
            rewritten,
        }
    }

    fn read_alternate(&self, cursor: &TextCursor, max_bytes: usize) -> Text {
        let unchanged = cursor.kind == Kind::Alternate(self.generation);
        let cursor = TextCursor {
            kind: Kind::Alternate(self.generation),
            ..*cursor
        };
        let mut text = match unchanged {
            true => String::new(),
            false => self.changed_lines(0),
        };
        let truncated = text.len() > max_bytes;
        text.truncate(text.floor_char_boundary(max_bytes));
        Text {
            text,
            cursor,
            dropped_lines: 0,
            truncated,
            joined_rows: self.joined_rows_of_alternate(unchanged),
            alternate: true,
            rewritten: false,
        }
    }

    fn joined_rows_of_alternate(&self, unchanged: bool) -> u64 {
        if unchanged {
            return 0;
        }
        let joined = |(start, end): (i32, i32)| u64::from((end - start - 1).unsigned_abs());
        self.engine.screen_lines().map(joined).sum()
    }

    /// Those lines of the screen that have changed since `generation`.
    pub(super) fn changed_lines(&self, generation: u64) -> String {
        let mut text = TextBytes::default();
        for (start, end) in self.engine.screen_lines() {
            if (start..end).any(|line| self.row_generation(line as usize) > generation)
                || generation == 0
            {
                if !text.is_empty() {
                    text.end_line();
                }
                let grid = self.engine.grid();
                (start..end).for_each(|line| render::push_text(grid, Line(line), &mut text));
            }
        }
        text.into_string()
    }
}
