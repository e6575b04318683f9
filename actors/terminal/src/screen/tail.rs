//! The end of a screen's text, kept when the screen itself goes, and read by the same cursors.

use std::ops::Range;

use regex::Regex;
use rio_vt::crosswords::pos::Line;
use serde::{Deserialize, Serialize};

use super::lines::{Epochs, Kind, LineMark, TextCursor};
use super::render::TextBytes;
use super::search::{Match, Sought};
use super::text::{MAX_LINE_ROWS, Text};
use super::{Screen, render};

/// The number of pairs of rows of past resizes that are kept. Cursors from before them start at what was on the screen.
const MAX_BREAKS: usize = 256;

/// The last lines of a screen. Like [`Screen::read_since`], reading it by cursor returns what came after, once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tail {
    text: String,
    /// The number of the first row of the text.
    first_row: u64,
    /// The beginning of each row in the text. Never empty.
    rows: Vec<usize>,
    epochs: Epochs,
    screen_top: u64,
    /// The program itself has erased what was above this row.
    #[serde(default)]
    erased: u64,
    /// The generation, when it is the alternate screen that is kept.
    alternate: Option<u64>,
    /// The parts of the text that are the echo of what was typed, in order and apart.
    #[serde(default)]
    echoes: Vec<Range<usize>>,
}

impl Default for Tail {
    fn default() -> Self {
        Self {
            text: String::new(),
            first_row: 0,
            rows: vec![0],
            epochs: Epochs::default(),
            screen_top: 0,
            erased: 0,
            alternate: None,
            echoes: Vec::new(),
        }
    }
}

impl Screen {
    /// The last `lines` lines, and of them at most `max_bytes`.
    #[must_use]
    pub fn tail(&self, lines: usize, max_bytes: usize) -> Tail {
        let engine = &self.engine;
        let (top, end) = match engine.is_alternate() {
            true => (0, u64::from(self.size().rows) - 1),
            false => (engine.history_top(), engine.end_row()),
        };
        let line_of = |row: u64| match engine.is_alternate() {
            true => Line(row as i32),
            false => engine.line_of(row),
        };
        let wraps = |row: u64| render::goes_on(engine.grid(), line_of(row));
        let begins = |row: &u64| *row == top || !wraps(row - 1);
        let first_row = (top..=end)
            .rev()
            .filter(begins)
            .take(lines.max(1))
            .last()
            .unwrap_or(end);
        let mut tail = Tail {
            first_row,
            rows: Vec::new(),
            epochs: engine.epochs.recent(MAX_BREAKS),
            screen_top: engine.screen_top(),
            erased: engine.erased_row(),
            alternate: engine.is_alternate().then_some(self.generation),
            text: String::new(),
            echoes: Vec::new(),
        };
        let mut text = TextBytes::default();
        let mut starts = Vec::new();
        for row in first_row..=end {
            tail.rows.push(text.len());
            if row == first_row || !wraps(row - 1) {
                starts.push((text.len(), row));
            }
            render::push_text(engine.grid(), line_of(row), &mut text);
            if row < end && !wraps(row) {
                text.end_line();
            }
        }
        tail.text = text.into_string();
        tail.echoes = match engine.is_alternate() {
            true => {
                let columns = engine.size().cols.into();
                self.echoes.cuts_of_alternate(&tail.text, columns)
            }
            false => self.echoes.cuts(engine, &tail.text, &starts),
        };
        tail.cut_front(max_bytes);
        tail
    }
}

impl Tail {
    /// The text, without blank lines at its end.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.trim_end_matches('\n')
    }

    /// The place before it.
    #[must_use]
    pub fn start(&self) -> TextCursor {
        TextCursor {
            kind: Kind::Text,
            epoch: self.epochs.count,
            mark: LineMark::at(self.first_row),
        }
    }

    /// The place after it.
    #[must_use]
    pub fn end(&self) -> TextCursor {
        self.place(self.text.len())
    }

    /// The text printed since `cursor`, at most `max_bytes` of it.
    #[must_use]
    pub fn read_since(&self, cursor: &TextCursor, max_bytes: usize) -> Text {
        let (from, dropped_lines) = self.offset(cursor);
        let begins = self.text[..from].is_empty() || self.text[..from].ends_with('\n');
        let room = max_bytes.max(char::MAX.len_utf8());
        let to = self
            .text
            .floor_char_boundary(from.saturating_add(room).min(self.text.len()));
        Text {
            text: self.text[from..to].to_owned(),
            cursor: self.place(to),
            dropped_lines,
            truncated: to < self.text.len(),
            joined_rows: self.joined_rows(from, to),
            alternate: self.alternate.is_some(),
            rewritten: begins && cursor.mark.seen > 0 && dropped_lines == 0,
        }
    }

    /// The last `lines` lines, without blank ones at the end; of them the last `max_bytes`.
    #[must_use]
    pub fn read_last(&self, lines: usize, max_bytes: usize) -> Text {
        let text = self.text();
        let from = text
            .rmatch_indices('\n')
            .nth(lines.saturating_sub(1))
            .map_or(0, |(at, _)| at + 1);
        let from = if lines == 0 { text.len() } else { from };
        let cut = text.ceil_char_boundary(from.max(text.len().saturating_sub(max_bytes)));
        Text {
            text: text[cut..].to_owned(),
            cursor: self.end(),
            dropped_lines: 0,
            truncated: cut > from,
            joined_rows: self.joined_rows(cut, text.len()),
            alternate: self.alternate.is_some(),
            rewritten: false,
        }
    }

    /// The number of rows of a part of the text that are joined to the one before.
    fn joined_rows(&self, from: usize, to: usize) -> u64 {
        let first = self.rows.partition_point(|&at| at <= from);
        let last = self.rows.partition_point(|&at| at < to);
        let rows = first.min(last)..last;
        rows.filter(|&row| !self.begins_line(row)).count() as u64
    }

    /// Looks for `pattern` in what was printed since `cursor`.
    #[must_use]
    pub fn search_since(&self, cursor: &TextCursor, pattern: &Regex) -> Option<Match> {
        let from = self.offset(cursor).0;
        // From the beginning of its line, so that anchors mean what they say.
        let line = self.text[..from].rfind('\n').map_or(0, |at| at + 1);
        let echoes = self.echoes.iter().filter(|echo| echo.end > line);
        let cuts = echoes.map(|echo| echo.start.max(line) - line..echo.end - line);
        let sought = Sought::new(&self.text[line..], from - line, cuts.collect());
        let (captures, end) = sought.find(pattern)?;
        let after = self.place(line + end);
        Some(Match::new(sought.text(), &captures, after))
    }

    fn offset(&self, cursor: &TextCursor) -> (usize, u64) {
        match self.alternate {
            Some(generation) if cursor.kind == Kind::Alternate(generation) => (self.text.len(), 0),
            Some(_) => (0, 0),
            None => self.find(cursor),
        }
    }

    /// The place in the text where what comes after `cursor` begins, and how many rows before that are not kept.
    fn find(&self, cursor: &TextCursor) -> (usize, u64) {
        let mark = self
            .epochs
            .follow(cursor.epoch, cursor.mark, self.screen_top);
        let last = self.rows.len() - 1;
        let Some(row) = mark.row.checked_sub(self.first_row) else {
            let lost = mark.row.max(self.erased).min(self.first_row);
            return (0, self.first_row - lost);
        };
        let row = usize::try_from(row).unwrap_or(usize::MAX);
        if row > last {
            // The screen was erased from above: its last line may be new.
            return (self.rows[self.piece(last).0], 0);
        }
        let (_, end) = self.piece(row);
        if cursor.kind == Kind::NextLine {
            let next = (row + 1..=last).find(|&row| self.begins_line(row));
            return (next.map_or(self.text.len(), |row| self.rows[row]), 0);
        }
        let from = self.rows[row];
        (from + mark.seen_of(&self.text[from..end]), 0)
    }

    /// The place at an offset in the text.
    fn place(&self, at: usize) -> TextCursor {
        let row = self.rows.partition_point(|&row| row <= at) - 1;
        let (start, _) = self.piece(row);
        let seen = &self.text.as_bytes()[self.rows[start]..at];
        self.cursor(LineMark::after(self.first_row + start as u64, seen))
    }

    fn cursor(&self, mark: LineMark) -> TextCursor {
        TextCursor {
            kind: self.alternate.map_or(Kind::Text, Kind::Alternate),
            epoch: self.epochs.count,
            mark,
        }
    }

    fn begins_line(&self, row: usize) -> bool {
        row == 0 || self.text.as_bytes()[..self.rows[row]].ends_with(b"\n")
    }

    /// The first row of the line, or of the piece of a very long one, that a row is in, and where in the text it ends.
    fn piece(&self, row: usize) -> (usize, usize) {
        let begins = |row: &usize| {
            self.begins_line(*row) || (self.first_row + *row as u64).is_multiple_of(MAX_LINE_ROWS)
        };
        let start = (0..=row).rev().find(begins).unwrap_or(0);
        let end = match (row + 1..self.rows.len()).find(begins) {
            Some(next) if self.begins_line(next) => self.rows[next] - 1,
            Some(next) => self.rows[next],
            None => self.text.len(),
        };
        (start, end)
    }

    /// Cuts rows at the front until `max_bytes` hold the text.
    fn cut_front(&mut self, max_bytes: usize) {
        let excess = self.text.len().saturating_sub(max_bytes);
        let rows = self.rows.iter().take_while(|&&row| row < excess).count();
        if excess == 0 {
            return;
        }
        let line = (rows..self.rows.len()).find(|&row| self.begins_line(row));
        let kept = line.unwrap_or(rows).min(self.rows.len() - 1);
        let cut = self.text.ceil_char_boundary(self.rows[kept].max(excess));
        self.text.drain(..cut);
        self.rows.drain(..kept);
        self.rows
            .iter_mut()
            .for_each(|row| *row = row.saturating_sub(cut));
        self.echoes.retain(|echo| echo.end > cut);
        for echo in &mut self.echoes {
            *echo = echo.start.saturating_sub(cut)..echo.end - cut;
        }
        self.first_row += kept as u64;
    }
}
