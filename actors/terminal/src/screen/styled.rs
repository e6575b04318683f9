//! Text printed since a cursor, with its colours and attributes.
//!
//! The text is that of a read without them, and so are the cursors: a reader may change between the two.

use rio_vt::crosswords::pos::Line;

use super::engine::Engine;
use super::lines::{Kind, LineMark, TextCursor};
use super::palette::Palette;
use super::render::{self, Brush, TextBytes};
use super::{Screen, Text};

/// A line that is being written with its attributes.
struct Styled<'a> {
    engine: &'a Engine,
    out: String,
    max_bytes: usize,
}

impl Styled<'_> {
    /// Appends the line in these rows of the engine from its byte `seen` on. Returns how many bytes of its text are told then: fewer
    /// than it has when there is no room for more.
    fn line(&mut self, rows: impl Iterator<Item = Line>, seen: usize) -> usize {
        let grid = self.engine.grid();
        let mut brush = Brush::new(Palette::OWN);
        let (mut told, mut cell_text) = (0, String::new());
        for &cell in rows.flat_map(|line| render::text_cells(grid, line)) {
            cell_text.clear();
            render::push_cell(grid, cell, &mut cell_text);
            let start = told.max(seen) - told;
            // What was seen may end inside of a cell, between a letter and its accent.
            let Some(fresh) = cell_text.get(start..).filter(|fresh| !fresh.is_empty()) else {
                told += cell_text.len();
                continue;
            };
            let (before, held) = (self.out.len(), brush);
            brush.dip(grid, cell, &mut self.out);
            self.out.push_str(fresh);
            // The first one is told whatever its size, so that reading always goes on.
            if self.out.len() > self.max_bytes && before > 0 {
                self.out.truncate(before);
                brush = held;
                break;
            }
            told += cell_text.len();
        }
        brush.clean(grid, &mut self.out);
        told
    }

    fn is_full(&self) -> bool {
        self.out.len() >= self.max_bytes
    }
}

impl Screen {
    /// As [`Screen::read_since`], with colours and attributes as escape sequences: each line begins and ends with the default ones.
    /// `max_bytes` are of text and sequences together.
    #[must_use]
    pub fn read_styled_since(&self, cursor: &TextCursor, max_bytes: usize) -> Text {
        let styled = Styled {
            engine: &self.engine,
            out: String::new(),
            max_bytes,
        };
        if self.engine.is_alternate() {
            return self.styled_alternate(cursor, styled);
        }
        // Where it begins, and whether it does at all, is as without attributes.
        let plain = self.read_since(cursor, 1);
        let start = self.engine.start(cursor);
        if start.waits || plain.text.is_empty() {
            return plain;
        }
        let (text, mark, truncated, joined_rows) = styled_from(styled, start.mark);
        Text {
            text,
            cursor: TextCursor {
                kind: Kind::Text,
                epoch: self.engine.epochs.count,
                mark,
            },
            dropped_lines: start.dropped_lines,
            truncated,
            joined_rows,
            alternate: false,
            rewritten: plain.rewritten,
        }
    }

    fn styled_alternate(&self, cursor: &TextCursor, mut styled: Styled<'_>) -> Text {
        let plain = self.read_since(cursor, usize::MAX);
        let mut truncated = false;
        if !plain.text.is_empty() {
            for (start, end) in self.engine.screen_lines() {
                if !styled.out.is_empty() {
                    styled.out.push('\n');
                }
                truncated = styled.is_full();
                if truncated {
                    break;
                }
                styled.line((start..end).map(Line), 0);
            }
        }
        Text {
            text: styled.out,
            truncated,
            ..plain
        }
    }
}

/// The text from `mark`, a row that exists, with the place after it; whether there is more, and how many rows are joined.
fn styled_from(mut styled: Styled<'_>, mark: LineMark) -> (String, LineMark, bool, u64) {
    let engine = styled.engine;
    let end = engine.end_row();
    let (mut row, mut joined_rows) = (mark.row, 0);
    loop {
        let mut line = TextBytes::default();
        let next = engine.push_line(row, end, &mut line);
        joined_rows += next - row - 1;
        let line = line.into_string();
        let seen = if row == mark.row {
            mark.seen_of(&line)
        } else {
            0
        };
        let rows = (row..next).map(|row| engine.line_of(row));
        let told = styled.line(rows, seen);
        let truncated = told < line.len() || (styled.is_full() && next <= end);
        if truncated || next > end {
            let place = LineMark::after(row, &line.as_bytes()[..told]);
            return (styled.out, place, truncated, joined_rows);
        }
        if !engine.wrapped_row(next - 1) {
            styled.out.push('\n');
        }
        row = next;
    }
}
