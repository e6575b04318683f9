//! One row of a screen as cells: read from the server's text once, compared and written cell by cell after that.

use std::rc::Rc;

use protocol::event::ScreenRow;
use unicode_width::UnicodeWidthChar;

/// The attributes and the link of a cell, as the sequences that set them from any state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pen {
    /// A complete SGR sequence, empty for the default attributes.
    pub(super) sgr: Vec<u8>,
    /// A complete OSC 8 sequence, empty without a link.
    pub(super) link: Vec<u8>,
}

/// The content of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Glyph {
    Char(char),
    /// Several characters that take one place.
    Cluster(Rc<str>),
}

/// One column of a row.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(super) glyph: Glyph,
    /// Columns that it takes; 0 for the right half of a wide one.
    pub(super) width: u8,
    /// Terminals disagree about its width: what follows is placed by its column.
    pub(super) doubtful: bool,
    /// None for the default attributes.
    pub(super) pen: Option<Rc<Pen>>,
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        let pens = match (&self.pen, &other.pen) {
            (None, None) => true,
            (Some(a), Some(b)) => Rc::ptr_eq(a, b) || a == b,
            (Some(_), None) | (None, Some(_)) => false,
        };
        pens && self.width == other.width && self.glyph == other.glyph
    }
}

/// The cell that stands where nothing was written.
pub(super) const BLANK: Cell = Cell {
    glyph: Glyph::Char(' '),
    width: 1,
    doubtful: false,
    pen: None,
};

/// A row; blanks at its end are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(super) cells: Vec<Cell>,
    /// Equal rows have equal ones.
    pub(super) hash: u64,
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.cells == other.cells
    }
}

impl Row {
    pub(super) fn of(mut cells: Vec<Cell>) -> Self {
        let used = cells.iter().rposition(|cell| *cell != BLANK);
        cells.truncate(used.map_or(0, |last| last + 1));
        let hash = cells.iter().fold(0, |hash, cell| mix(hash, hash_of(cell)));
        Self { cells, hash }
    }

    /// The cell of a column.
    pub(super) fn cell(&self, col: usize) -> &Cell {
        self.cells.get(col).unwrap_or(&BLANK)
    }

    /// A row of the server.
    pub(crate) fn read(row: &ScreenRow) -> Self {
        let mut reader = Reader::default();
        let mut clusters = row
            .clusters
            .as_deref()
            .unwrap_or_default()
            .iter()
            .peekable();
        let text = &row.ansi;
        let mut at = 0;
        while let Some(&first) = text.get(at) {
            if first == 0x1b {
                let length = sequence_length(&text[at..]);
                reader.sequence(&text[at..at + length]);
                at += length;
                continue;
            }
            let told = clusters.next_if(|cluster| cluster.at as usize <= at);
            let told = told.filter(|cluster| cluster.at as usize == at && cluster.bytes > 0);
            at += match told {
                Some(cluster) => {
                    let end = (at + cluster.bytes as usize).min(text.len());
                    reader.cluster(&text[at..end], cluster.cells, cluster.doubtful);
                    end - at
                }
                None if first < 0x80 => {
                    reader.char(char::from(first), 1);
                    1
                }
                None => {
                    let (length, c) = character(&text[at..]);
                    // A server that tells the widths leaves out what takes one column.
                    let own = c.width().unwrap_or(0);
                    reader.char(c, if row.clusters.is_some() { 1 } else { own });
                    length
                }
            };
        }
        Self::of(reader.cells)
    }

    /// A line of plain text, as messages are; cut at `cols` columns and as wide.
    pub(crate) fn message(text: &str, cols: u16) -> Self {
        let pen = Some(Rc::new(Pen {
            sgr: b"\x1b[0;7m".to_vec(),
            link: Vec::new(),
        }));
        let mut reader = Reader {
            pen: pen.clone(),
            ..Reader::default()
        };
        for c in text.chars().filter(|c| !c.is_control()) {
            reader.char(c, c.width().unwrap_or(0));
        }
        reader.cells.resize(cols.into(), Cell { pen, ..BLANK });
        // Half a character is none.
        if let Some(last) = reader.cells.last_mut()
            && last.width > 1
        {
            (last.glyph, last.width) = (Glyph::Char(' '), 1);
        }
        Self::of(reader.cells)
    }

    /// The part from column `from` that is `cols` wide. Of a wide character at an edge only the place is left.
    pub(crate) fn part(&self, from: u16, cols: u16) -> Self {
        let (from, cols) = (usize::from(from), usize::from(cols));
        let mut cells: Vec<Cell> = self.cells.iter().skip(from).take(cols).cloned().collect();
        let blank = |cell: &mut Cell| {
            (cell.glyph, cell.width, cell.doubtful) = (Glyph::Char(' '), 1, false)
        };
        if let Some(first) = cells.first_mut()
            && first.width == 0
        {
            blank(first);
        }
        if let Some(last) = cells.last_mut().filter(|last| last.width > 1) {
            blank(last);
        }
        Self::of(cells)
    }

    /// The number of columns that it takes.
    pub(crate) fn columns(&self) -> usize {
        self.cells.len()
    }
}

/// Cells that are being read.
#[derive(Default)]
struct Reader {
    cells: Vec<Cell>,
    pen: Option<Rc<Pen>>,
}

impl Reader {
    fn char(&mut self, c: char, width: usize) {
        if c.is_control() {
            return;
        }
        if width == 0 {
            return self.join(c);
        }
        self.push(Glyph::Char(c), width, false);
    }

    /// A character without a place of its own belongs to the one before it.
    fn join(&mut self, c: char) {
        let Some(cell) = self.cells.iter_mut().rev().find(|cell| cell.width > 0) else {
            return;
        };
        let mut text = match &cell.glyph {
            Glyph::Char(c) => String::from(*c),
            Glyph::Cluster(text) => String::from(&**text),
        };
        text.push(c);
        cell.glyph = Glyph::Cluster(text.into());
    }

    fn cluster(&mut self, text: &[u8], cells: u8, doubtful: bool) {
        let text: String = String::from_utf8_lossy(text)
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        let mut chars = text.chars();
        let glyph = match (chars.next(), chars.next()) {
            (None, _) => return,
            (Some(c), None) => Glyph::Char(c),
            (Some(_), Some(_)) => Glyph::Cluster(text.as_str().into()),
        };
        self.push(glyph, cells.clamp(1, 2).into(), doubtful);
    }

    fn push(&mut self, glyph: Glyph, width: usize, doubtful: bool) {
        self.cells.push(Cell {
            glyph,
            width: if width > 1 { 2 } else { 1 },
            doubtful,
            pen: self.pen.clone(),
        });
        if width > 1 {
            self.cells.push(Cell {
                width: 0,
                pen: self.pen.clone(),
                ..BLANK
            });
        }
    }

    /// SGR and OSC 8; there is nothing else in a row, and nothing else is passed on.
    fn sequence(&mut self, bytes: &[u8]) {
        let before = self.pen.as_deref();
        let mut pen = Pen {
            sgr: before.map_or_else(Vec::new, |pen| pen.sgr.clone()),
            link: before.map_or_else(Vec::new, |pen| pen.link.clone()),
        };
        if let Some(inner) = bytes
            .strip_prefix(b"\x1b[")
            .and_then(|b| b.strip_suffix(b"m"))
        {
            if !inner.iter().all(|b| matches!(b, b'0'..=b'9' | b';' | b':')) {
                return;
            }
            match inner {
                b"" | b"0" => pen.sgr.clear(),
                // It says all there is to say.
                _ if inner.starts_with(b"0;") => pen.sgr = bytes.to_vec(),
                _ => pen.sgr.extend_from_slice(bytes),
            }
        } else if let Some(link) = bytes.strip_prefix(b"\x1b]8;") {
            let end = [&b"\x1b\\"[..], b"\x07"]
                .into_iter()
                .find_map(|end| link.strip_suffix(end));
            match end {
                Some(b";") => pen.link.clear(),
                Some(link) if !link.iter().any(u8::is_ascii_control) => pen.link = bytes.to_vec(),
                Some(_) | None => return,
            }
        } else {
            return;
        }
        let plain = pen.sgr.is_empty() && pen.link.is_empty();
        self.pen = (!plain).then(|| Rc::new(pen));
    }
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
    let ends = |b: &u8| matches!(b, 0x07 | 0x1b);
    let at = bytes.iter().skip(2).position(ends)? + 2;
    Some(if bytes[at] == 0x1b {
        (at + 2).min(bytes.len())
    } else {
        at + 1
    })
}

/// The first character and its length; bytes that are none stand for one.
fn character(bytes: &[u8]) -> (usize, char) {
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
        Some(c) => (length, c),
        None => (1, char::REPLACEMENT_CHARACTER),
    }
}

/// One step of a hash that need not withstand anybody.
fn mix(hash: u64, value: u64) -> u64 {
    (hash.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95)
}

fn hash_of(cell: &Cell) -> u64 {
    let bytes = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(7, |hash, byte| mix(hash, u64::from(*byte)))
    };
    let glyph = match &cell.glyph {
        Glyph::Char(c) => u64::from(u32::from(*c)),
        Glyph::Cluster(text) => bytes(text.as_bytes()),
    };
    // Rows that differ in colour alone are rare, and compared in full.
    let styled = u64::from(cell.pen.is_some()) << 40;
    glyph ^ styled ^ (u64::from(cell.width) << 32)
}

#[cfg(test)]
mod tests;
