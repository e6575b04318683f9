//! Reading the last lines of a pane.

use rio_vt::crosswords::grid::{Dimensions, Grid};
use rio_vt::crosswords::pos::Line;
use rio_vt::crosswords::square::Square;

use super::Screen;
use super::render::{self, TextBytes};
use super::text::Text;

impl Screen {
    /// The last `lines` lines, oldest first, without blank ones at the end.
    ///
    /// They are taken from the screen, with `include_scrollback` from the history too. As text, rows that wrap are one
    /// line. With `ansi` each row is a line, self-contained and with its attributes. When `max_bytes` do not hold them, older
    /// lines are left out.
    #[must_use]
    pub fn read_last(
        &self,
        lines: usize,
        include_scrollback: bool,
        ansi: bool,
        max_bytes: usize,
    ) -> Text {
        let grid = self.engine.grid();
        let top = match include_scrollback {
            true => -(grid.history_size() as i32),
            false => 0,
        };
        let bottom = grid.screen_lines() as i32;
        let shows = |line: &i32| !render::is_blank_row(grid, Line(*line));
        let end = (top..bottom).rev().find(shows).map_or(top, |last| last + 1);
        let (mut text, joined_rows) = match ansi {
            true => (ansi_rows(grid, top, end, lines), 0),
            false => text_rows(grid, top, end, lines),
        };
        let truncated = text.len() > max_bytes;
        if truncated {
            cut_front(&mut text, max_bytes, ansi);
        }
        Text {
            text,
            cursor: self.position(),
            dropped_lines: 0,
            truncated,
            joined_rows,
            alternate: self.engine.is_alternate(),
            rewritten: false,
        }
    }
}

/// The last so many rows between two rows with their attributes, a line each.
fn ansi_rows(grid: &Grid<Square>, top: i32, end: i32, lines: usize) -> String {
    let lines = i32::try_from(lines).unwrap_or(i32::MAX);
    let start = top.max(end.saturating_sub(lines));
    let mut text = String::new();
    for line in start..end {
        if line > start {
            text.push('\n');
        }
        render::push_ansi(grid, Line(line), &mut text);
    }
    text
}

/// The last so many lines between two rows, and how many rows are joined. Rows that wrap are one line.
fn text_rows(grid: &Grid<Square>, top: i32, end: i32, lines: usize) -> (String, u64) {
    let joins = |line: i32| line > top && render::goes_on(grid, Line(line - 1));
    let mut start = end;
    for _ in 0..lines {
        if start == top {
            break;
        }
        start -= 1;
        while joins(start) {
            start -= 1;
        }
    }
    let mut text = TextBytes::with_capacity((end - start) as usize * (grid.columns() + 1));
    let mut joined_rows = 0;
    for line in start..end {
        match line == start || joins(line) {
            true => joined_rows += u64::from(line > start),
            false => text.end_line(),
        }
        render::push_text(grid, Line(line), &mut text);
    }
    (text.into_string(), joined_rows)
}

/// Cuts `text` to its last `max_bytes`, at the start of a line when there is one.
fn cut_front(text: &mut String, max_bytes: usize, lines_only: bool) {
    let from = text.ceil_char_boundary(text.len() - max_bytes);
    let line = text[from..].find('\n').map(|at| from + at + 1);
    let whole = if lines_only { text.len() } else { from };
    text.drain(..line.unwrap_or(whole));
}
