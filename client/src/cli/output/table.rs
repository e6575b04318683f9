//! Tables: columns two spaces apart that give way to the width there is, nothing wrapped.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::printable;
use super::style::{Style, Tone};

/// Blanks between two columns.
const GAP: usize = 2;

/// Columns that a name keeps while anything else can be cut.
const NAME_KEPT: usize = 20;

/// A column, and how it gives way where there is not room for all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    header: &'static str,
    /// Its cells may be cut to so many columns.
    least: Option<usize>,
    /// It is a name, which is cut before anything else is.
    name: bool,
    /// Its turn to be left out, 1 first; 0 is never.
    turn: u8,
}

impl Column {
    /// A column whose cells are shown whole.
    pub(crate) const fn new(header: &'static str) -> Self {
        Self {
            header,
            least: None,
            name: false,
            turn: 0,
        }
    }

    /// Its cells may be cut, but have `least` columns.
    pub(crate) const fn cut_to(mut self, least: usize) -> Self {
        self.least = Some(least);
        self
    }

    /// As [`Self::cut_to`], and before others are.
    pub(crate) const fn name(mut self, least: usize) -> Self {
        self.name = true;
        self.cut_to(least)
    }

    /// It is left out as the `turn`th when cutting is not enough.
    pub(crate) const fn left_out(mut self, turn: u8) -> Self {
        self.turn = turn;
        self
    }
}

/// A cell: text of which the end is kept when it is cut, and its colour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    tail: String,
    tone: Tone,
}

impl Cell {
    /// Text with a meaning.
    pub(crate) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            tone,
            ..Self::from(text.into())
        }
    }

    /// The same with an end that is never cut.
    pub(crate) fn tail(mut self, tail: &str) -> Self {
        self.tail.push_str(tail);
        self
    }

    fn width(&self) -> usize {
        self.text.width() + self.tail.width()
    }

    /// The text in at most `cols` columns.
    fn fitted(&self, cols: usize) -> String {
        if self.width() <= cols {
            return format!("{}{}", self.text, self.tail);
        }
        match cols.checked_sub(self.tail.width()).filter(|left| *left > 0) {
            Some(left) => cut(&self.text, left) + &self.tail,
            None => cut(&format!("{}{}", self.text, self.tail), cols),
        }
    }

    fn clean(self) -> Self {
        Self {
            text: printable(self.text),
            tail: printable(self.tail),
            tone: self.tone,
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

/// The table as text: a header, then the rows, in lines that are no longer than the style says.
pub(crate) fn table(columns: &[Column], rows: Vec<Vec<Cell>>, style: Style) -> String {
    let clean = |row: Vec<Cell>| row.into_iter().map(Cell::clean).collect();
    let rows: Vec<Vec<Cell>> = rows.into_iter().map(clean).collect();
    let widths = widths(columns, &rows, style.cols);
    let head = |column: &Column| Cell::toned(column.header, Tone::Strong);
    let header: Vec<Cell> = columns.iter().map(head).collect();
    let mut text = String::new();
    for row in std::iter::once(&header).chain(&rows) {
        text.push_str(&line(row, &widths, style));
        text.push('\n');
    }
    text
}

/// One line without blanks at its end. A terminal that is too narrow for any table gets the first columns of it.
fn line(row: &[Cell], widths: &[Option<usize>], style: Style) -> String {
    let mut text = String::new();
    let (mut used, mut blanks) = (0, 0);
    for (cell, width) in row.iter().zip(widths) {
        let Some(width) = *width else { continue };
        let left = style
            .cols
            .map_or(width, |cols| width.min(cols.saturating_sub(used + blanks)));
        let shown = match left {
            0 => String::new(),
            left => cell.fitted(left),
        };
        if !shown.is_empty() {
            text.push_str(&" ".repeat(blanks));
            text.push_str(&style.paint(&shown, cell.tone));
            used += blanks + shown.width();
            blanks = 0;
        }
        blanks += width - shown.width() + GAP;
    }
    text
}

/// The width of each column, none for one that is left out.
fn widths(columns: &[Column], rows: &[Vec<Cell>], cols: Option<usize>) -> Vec<Option<usize>> {
    let natural: Vec<usize> = (columns.iter().enumerate())
        .map(|(at, column)| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(Cell::width);
            cells.max().unwrap_or(0).max(column.header.width())
        })
        .collect();
    let mut shown: Vec<bool> = vec![true; columns.len()];
    let Some(cols) = cols else {
        return chosen(&natural, &shown);
    };
    loop {
        let mut widths = natural.clone();
        let floors = |only_names: bool| -> Vec<usize> {
            let floor = |(column, natural): (&Column, &usize)| match column.least {
                Some(least) if only_names && column.name => NAME_KEPT.max(least).min(*natural),
                Some(least) if !only_names => least.min(*natural),
                Some(_) | None => *natural,
            };
            columns.iter().zip(&natural).map(floor).collect()
        };
        shrink(&mut widths, &shown, &floors(true), cols);
        shrink(&mut widths, &shown, &floors(false), cols);
        if total(&widths, &shown) <= cols {
            return chosen(&widths, &shown);
        }
        match next_out(columns, rows, &shown) {
            Some(at) => shown[at] = false,
            None => return chosen(&widths, &shown),
        }
    }
}

fn chosen(widths: &[usize], shown: &[bool]) -> Vec<Option<usize>> {
    let one = |(width, shown): (&usize, &bool)| shown.then_some(*width);
    widths.iter().zip(shown).map(one).collect()
}

/// The columns of a line with all that is shown.
fn total(widths: &[usize], shown: &[bool]) -> usize {
    let (mut sum, mut count) = (0, 0);
    for (width, _) in widths.iter().zip(shown).filter(|(_, shown)| **shown) {
        sum += width;
        count += 1;
    }
    sum + GAP * usize::saturating_sub(count, 1)
}

/// Takes columns from the widest that is above its floor, until all fit or all are at theirs.
fn shrink(widths: &mut [usize], shown: &[bool], floors: &[usize], cols: usize) {
    let mut over = total(widths, shown).saturating_sub(cols);
    while over > 0 {
        let above = |at: &usize| shown[*at] && widths[*at] > floors[*at];
        let Some(widest) = (0..widths.len()).filter(above).max_by_key(|at| widths[*at]) else {
            return;
        };
        widths[widest] -= 1;
        over -= 1;
    }
}

/// The column that is left out next: one that is empty, else the one whose turn it is.
fn next_out(columns: &[Column], rows: &[Vec<Cell>], shown: &[bool]) -> Option<usize> {
    let empty = |at: usize| {
        rows.iter()
            .filter_map(|row| row.get(at))
            .all(|c| c.width() == 0)
    };
    let mut can = (0..columns.len()).filter(|at| shown[*at] && columns[*at].turn > 0);
    let all: Vec<usize> = can.by_ref().collect();
    let bare = all.iter().copied().find(|at| empty(*at));
    bare.or_else(|| all.into_iter().min_by_key(|at| columns[*at].turn))
}

/// The first `cols` columns, with an ellipsis when something was left out.
#[must_use]
pub(crate) fn cut(text: &str, cols: usize) -> String {
    if text.width() <= cols {
        return text.to_owned();
    }
    let mut used = 0;
    let mut kept: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used < cols
        })
        .collect();
    // A mark behind a character can make it wider than the two are one by one.
    while kept.width() >= cols && kept.pop().is_some() {}
    if cols > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests;
