//! Writes rows of cells to the outer terminal: only cells that differ from what it shows, with its pen and its cursor
//! remembered. Pure: no I/O and no clock.

mod scroll;

use std::io::Write;
use std::rc::Rc;

use protocol::Size;

use super::row::{Cell, Glyph, Pen, Row};

/// Equal cells between two that differ are written again when they are so few: less than a move takes.
const GAP: usize = 4;

/// The picture that the terminal is to show.
pub(crate) struct Picture {
    /// A row for each of its rows.
    pub(crate) rows: Vec<Rc<Row>>,
    /// Where the cursor is, if it is shown.
    pub(crate) cursor: Option<(u16, u16)>,
    /// Its shape as in DECSCUSR, 0 for the terminal's own.
    pub(crate) shape: u8,
}

/// A writer that knows what the terminal shows.
#[derive(Debug)]
pub(crate) struct Writer {
    size: Size,
    /// The rows on it; none when that is not known.
    rows: Option<Vec<Rc<Row>>>,
    /// Its attributes.
    pen: Option<Rc<Pen>>,
    /// Its cursor, when that is known.
    at: Option<(u16, u16)>,
    cursor_shown: bool,
    shape: u8,
}

impl Writer {
    /// For a terminal that was just made ready: nothing is known of what it shows.
    pub(crate) fn new(size: Size) -> Self {
        Self {
            size,
            rows: None,
            pen: None,
            at: None,
            cursor_shown: true,
            shape: 0,
        }
    }

    /// The terminal was made ready anew, or has another size: all of it is written again.
    pub(crate) fn forget(&mut self, size: Size) {
        *self = Self::new(size);
    }

    /// Somebody else may have written to the terminal, or its size is another one: all rows are written again.
    pub(crate) fn distrust(&mut self, size: Size) {
        self.size = size;
        (self.rows, self.at) = (None, None);
    }

    /// Writes what leads to `picture`.
    pub(crate) fn draw(&mut self, picture: &Picture, out: &mut Vec<u8>) {
        let known = self.rows.take();
        let changed = known.as_ref().map(|rows| changed_rows(rows, &picture.rows));
        // One row is one write anyway; more than that shall not be seen half done.
        let together = changed.as_ref().is_none_or(|rows| rows.len() > 1);
        if together {
            out.extend_from_slice(b"\x1b[?2026h");
            self.hide_cursor(out);
        }
        let mut rows = known.unwrap_or_else(|| {
            self.clear(out);
            vec![Rc::default(); picture.rows.len()]
        });
        if changed.is_some_and(|changed| changed.len() > 2) {
            self.scroll(&mut rows, &picture.rows, out);
        }
        for (index, (shown, wanted)) in rows.iter_mut().zip(&picture.rows).enumerate() {
            if !Rc::ptr_eq(shown, wanted) {
                self.write_row(index, shown, wanted, out);
                *shown = Rc::clone(wanted);
            }
        }
        self.rows = Some(rows);
        self.place_cursor(picture, out);
        if together {
            out.extend_from_slice(b"\x1b[?2026l");
        }
    }

    fn clear(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\x1b[m\x1b[H\x1b[2J");
        (self.pen, self.at) = (None, Some((0, 0)));
    }

    fn write_row(&mut self, index: usize, shown: &Row, wanted: &Row, out: &mut Vec<u8>) {
        let Ok(row) = u16::try_from(index) else {
            return;
        };
        let cols = usize::from(self.size.cols);
        let end = wanted.columns().min(cols);
        // Behind a cluster of doubtful width anything may have become of the rest of the row.
        let mut rest = false;
        let mut col = 0;
        let mut written = None;
        while col < end {
            let cell = wanted.cell(col);
            let width = usize::from(cell.width.max(1));
            let differs = rest || (col..col + width).any(|col| wanted.cell(col) != shown.cell(col));
            if !differs || cell.width == 0 {
                col += 1;
                continue;
            }
            let from = match written {
                Some(before) if col - before <= GAP => before,
                Some(_) | None => col,
            };
            for col in from..=col {
                self.write_cell(row, col, wanted.cell(col), out);
            }
            rest |= cell.doubtful;
            col += width;
            written = Some(col);
        }
        if (rest || shown.columns() > end) && end < cols {
            self.go_to(row, end, out);
            self.take(None, out);
            out.extend_from_slice(b"\x1b[K");
        }
    }

    fn write_cell(&mut self, row: u16, col: usize, cell: &Cell, out: &mut Vec<u8>) {
        let width = usize::from(cell.width);
        if width == 0 || col + width > usize::from(self.size.cols) {
            return;
        }
        self.go_to(row, col, out);
        self.take(cell.pen.as_ref(), out);
        if cell.doubtful {
            // Where the terminal makes it narrower, nothing of before is left beside it.
            put(out, format_args!("\x1b[{width}X"));
        }
        let is_last = col + width == usize::from(self.size.cols);
        match &cell.glyph {
            Glyph::Char(c) => put(out, format_args!("{c}")),
            // With wrapping off the cursor stays on the last cell, where a mark would join the cell before it.
            Glyph::Cluster(text) if is_last => put(out, format_args!("\x1b[?7h{text}\x1b[?7l")),
            Glyph::Cluster(text) => out.extend_from_slice(text.as_bytes()),
        }
        let next = u16::try_from(col + width).ok();
        self.at = next
            .filter(|_| !is_last && !cell.doubtful)
            .map(|col| (row, col));
    }

    fn go_to(&mut self, row: u16, col: usize, out: &mut Vec<u8>) {
        let Ok(col) = u16::try_from(col) else { return };
        match self.at {
            Some(at) if at == (row, col) => {}
            Some((same, from)) if same == row && from < col => match col - from {
                1 => out.extend_from_slice(b"\x1b[C"),
                more => put(out, format_args!("\x1b[{more}C")),
            },
            Some((same, _)) if same == row && col == 0 => out.push(b'\r'),
            Some((same, _)) if same == row => put(out, format_args!("\x1b[{}G", col + 1)),
            Some(_) | None => put(out, format_args!("\x1b[{};{}H", row + 1, col + 1)),
        }
        self.at = Some((row, col));
    }

    /// Gives the terminal these attributes.
    fn take(&mut self, pen: Option<&Rc<Pen>>, out: &mut Vec<u8>) {
        let of = |pen: Option<&Rc<Pen>>| {
            pen.map_or((Vec::new(), Vec::new()), |pen| {
                (pen.sgr.clone(), pen.link.clone())
            })
        };
        if self
            .pen
            .as_ref()
            .zip(pen)
            .is_some_and(|(a, b)| Rc::ptr_eq(a, b))
            || (self.pen.is_none() && pen.is_none())
        {
            return;
        }
        let ((sgr, link), (wanted_sgr, wanted_link)) = (of(self.pen.as_ref()), of(pen));
        if sgr != wanted_sgr {
            // What does not begin from the default attributes adds to them.
            if !wanted_sgr.starts_with(b"\x1b[0;") {
                out.extend_from_slice(b"\x1b[m");
            }
            out.extend_from_slice(&wanted_sgr);
        }
        if link != wanted_link {
            out.extend_from_slice(if wanted_link.is_empty() {
                b"\x1b]8;;\x1b\\"
            } else {
                &wanted_link
            });
        }
        self.pen = pen.cloned();
    }

    fn hide_cursor(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.cursor_shown, false) {
            out.extend_from_slice(b"\x1b[?25l");
        }
    }

    fn place_cursor(&mut self, picture: &Picture, out: &mut Vec<u8>) {
        let inside = picture
            .cursor
            .filter(|(row, _)| *row < self.size.rows && self.size.cols > 0);
        let Some((row, col)) = inside else {
            return self.hide_cursor(out);
        };
        self.go_to(row, col.min(self.size.cols - 1).into(), out);
        if picture.shape != self.shape {
            self.shape = picture.shape;
            put(out, format_args!("\x1b[{} q", picture.shape));
        }
        if !std::mem::replace(&mut self.cursor_shown, true) {
            out.extend_from_slice(b"\x1b[?25h");
        }
    }
}

/// The rows that differ. Rows that are equal become the same, which spares the next comparison nothing but time.
fn changed_rows(shown: &[Rc<Row>], wanted: &[Rc<Row>]) -> Vec<usize> {
    let pairs = shown.iter().zip(wanted).enumerate();
    let differs =
        pairs.filter(|(_, (shown, wanted))| !Rc::ptr_eq(shown, wanted) && shown != wanted);
    differs.map(|(index, _)| index).collect()
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text)
        .expect("writing into memory does not fail");
}

#[cfg(test)]
mod tests;
