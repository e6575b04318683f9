//! Rows of cells as text and as ANSI sequences.

use rio_vt::config::colors::{AnsiColor, ColorRgb};
use rio_vt::crosswords::grid::{Dimensions, Grid};
use rio_vt::crosswords::pos::{Column, Line};
use rio_vt::crosswords::square::{Square, Wide};
use rio_vt::crosswords::style::{Style, StyleFlags, UnderlineKind};

use super::engine::OVERLINE;
use super::palette::Palette;

/// The bits of a cell that plain ASCII leaves zero: the codepoint above 0x7f, wide, the content tag and the extras.
/// Source: `rio_vt::crosswords::square`, the layout of `Square`.
const NOT_PLAIN: u64 = 0x1f_ff80 | (0b11 << 21) | (0b11 << 30) | (0xffff << 48);
/// The bits of a cell's codepoint.
const CODEPOINT: u64 = 0x1f_ffff;

/// Text that is being put together: whether it is UTF-8 is looked at once, at the end, and not for each row.
#[derive(Default)]
pub(super) struct TextBytes(Vec<u8>);

impl TextBytes {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) fn end_line(&mut self) {
        self.0.push(b'\n');
    }

    pub(super) fn into_string(self) -> String {
        // Only characters are pushed.
        String::from_utf8(self.0).unwrap_or_default()
    }
}

/// The cells of a row.
pub(super) fn cells(grid: &Grid<Square>, line: Line) -> &[Square] {
    &grid[line].inner
}

/// True if the row's text goes on in the next row.
pub(super) fn is_wrapped(grid: &Grid<Square>, line: Line) -> bool {
    cells(grid, line).last().is_some_and(|cell| cell.wrapline())
}

/// True if a cell shows nothing but its background.
fn is_blank(cell: Square) -> bool {
    let codepoint = cell.raw() & CODEPOINT;
    cell.is_bg_only()
        || (matches!(codepoint, 0 | 0x09 | 0x20) && cell.extras_id().is_none() && !cell.is_spacer())
}

/// True if the row shows no text.
pub(super) fn is_blank_row(grid: &Grid<Square>, line: Line) -> bool {
    cells(grid, line).iter().all(|&cell| is_blank(cell))
}

/// The number of cells of the row up to the last one with text.
pub(super) fn text_len(grid: &Grid<Square>, line: Line) -> usize {
    let mut row = cells(grid, line);
    // What was never written, several cells at a time.
    while let Some((left, right)) = row.split_last_chunk::<8>() {
        if right.iter().fold(0, |bits, cell| bits | cell.raw()) & (NOT_PLAIN | CODEPOINT) != 0 {
            break;
        }
        row = left;
    }
    row.iter()
        .rposition(|&cell| !is_blank(cell))
        .map_or(0, |last| last + 1)
}

/// True if the row's text goes on in the next row now: a program may have erased what once went on there.
pub(super) fn goes_on(grid: &Grid<Square>, line: Line) -> bool {
    let next = Line(line.0 + 1);
    is_wrapped(grid, line)
        && next.0 < grid.screen_lines() as i32
        && cells(grid, next).first().is_some_and(|cell| {
            let written = cell.raw() & CODEPOINT != 0 || cell.is_spacer();
            written && !cell.is_bg_only()
        })
}

/// The cells of the row's text. Blanks at its end are no part of it unless it goes on in the next row, or the terminal's cursor is
/// behind them: then they were printed, such as the one that a prompt ends with.
pub(super) fn text_cells(grid: &Grid<Square>, line: Line) -> &[Square] {
    let row = cells(grid, line);
    if goes_on(grid, line) {
        return row;
    }
    let text = text_len(grid, line);
    match grid.cursor.pos.row == line {
        true => &row[..text.max(cursor_col(grid))],
        false => &row[..text],
    }
}

/// Appends the row's text.
pub(super) fn push_text(grid: &Grid<Square>, line: Line, out: &mut TextBytes) {
    let row = text_cells(grid, line);
    let start = out.0.len();
    if !push_plain(row, &mut out.0) {
        out.0.truncate(start);
        let mut text = String::with_capacity(row.len());
        row.iter()
            .for_each(|&cell| push_cell(grid, cell, &mut text));
        out.0.extend_from_slice(text.as_bytes());
    }
}

/// Appends cells that hold nothing but ASCII, many at a time; false when there are others.
fn push_plain(row: &[Square], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    out.resize(start + row.len(), b' ');
    let (eights, rest) = row.as_chunks::<8>();
    let (words, last) = out[start..].as_chunks_mut::<8>();
    let mut bits = 0;
    for (word, cells) in words.iter_mut().zip(eights) {
        let cells = cells.map(Square::raw);
        bits |= cells.iter().fold(0, |bits, cell| bits | cell);
        *word = visible(cells.map(|cell| cell as u8));
    }
    for (byte, cell) in last.iter_mut().zip(rest) {
        bits |= cell.raw();
        *byte = (cell.raw() as u8).max(b' ');
    }
    bits & NOT_PLAIN == 0
}

/// ASCII with spaces for what shows nothing; of other bytes, anything.
fn visible(bytes: [u8; 8]) -> [u8; 8] {
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let word = u64::from_ne_bytes(bytes);
    // The high bit of each byte below a space.
    let blank = !word.wrapping_add(u64::from_ne_bytes([0x60; 8])) & HIGH;
    ((word & !((blank >> 7) * 0xff)) | (blank >> 2)).to_ne_bytes()
}

pub(super) fn push_cell(grid: &Grid<Square>, cell: Square, out: &mut String) {
    match cell.wide() {
        Wide::Spacer | Wide::LeadingSpacer => return,
        Wide::Narrow | Wide::Wide => {}
    }
    if cell.is_bg_only() {
        return out.push(' ');
    }
    out.push(match cell.c() {
        c if c < ' ' => ' ',
        c => c,
    });
    if let Some(extras) = cell.extras_id().and_then(|id| grid.extras_table.get(id)) {
        out.extend(&extras.zerowidth);
    }
}

/// Appends the row with its colours and attributes, self-contained: it begins with the default attributes and ends
/// with them. Blanks at its end are cut, so the reader clears to the end of the line.
pub(super) fn push_ansi(grid: &Grid<Square>, line: Line, out: &mut String) {
    push_shown(grid, line, Palette::OWN, out, |_, _, _| {});
}

/// As [`push_ansi`], with the colours that a program has set by their value. `note` is given the text so far, where the last
/// cell's text begins in it, and the cell.
pub(super) fn push_shown(
    grid: &Grid<Square>,
    line: Line,
    palette: Palette<'_>,
    out: &mut String,
    mut note: impl FnMut(&str, usize, Square),
) {
    let row = cells(grid, line);
    let shows = |col: &usize| !is_blank(row[*col]) || shows_blank(&grid.style_of(&row[*col]));
    let end = match palette.has_background() {
        true => row.len(),
        false => (0..row.len()).rev().find(shows).map_or(0, |last| last + 1),
    };
    out.push_str("\x1b[m");
    let mut brush = Brush::new(palette);
    for &cell in &row[..end] {
        if cell.is_spacer() {
            continue;
        }
        brush.dip(grid, cell, out);
        let from = out.len();
        match cell.is_leading_spacer() {
            true => out.push(' '),
            false => push_cell(grid, cell, out),
        }
        note(out, from, cell);
    }
    brush.clean(grid, out);
}

/// True if a blank in this style shows something.
fn shows_blank(style: &Style) -> bool {
    style.renders_on_blank() || style.flags.contains(OVERLINE)
}

/// The attributes that the text has which is being written.
#[derive(Clone, Copy)]
pub(super) struct Brush<'a> {
    style: Style,
    link: Option<u16>,
    palette: Palette<'a>,
}

impl<'a> Brush<'a> {
    /// The default attributes.
    pub(super) fn new(palette: Palette<'a>) -> Self {
        Self {
            style: Style::default(),
            link: None,
            palette,
        }
    }

    /// Appends what leads from the attributes so far to those of `cell`.
    pub(super) fn dip(&mut self, grid: &Grid<Square>, cell: Square, out: &mut String) {
        let style = self.palette.apply(grid.style_of(&cell));
        if style != self.style {
            push_sgr(&style, out);
            self.style = style;
        }
        let link = if cell.has_hyperlink() {
            cell.extras_id_checked()
        } else {
            None
        };
        if link != self.link {
            push_link(grid, link, out);
            self.link = link;
        }
    }

    /// Appends what leads back to the default attributes.
    pub(super) fn clean(self, grid: &Grid<Square>, out: &mut String) {
        if self.link.is_some() {
            push_link(grid, None, out);
        }
        if self.style != Style::default() {
            out.push_str("\x1b[m");
        }
    }
}

fn push_link(grid: &Grid<Square>, id: Option<u16>, out: &mut String) {
    let link = id
        .and_then(|id| grid.extras_table.get(id))
        .and_then(|extras| extras.hyperlink.as_ref());
    match link {
        Some(link) if link.id().is_empty() => {
            push_fmt(out, format_args!("\x1b]8;;{}\x1b\\", link.uri()))
        }
        Some(link) => push_fmt(
            out,
            format_args!("\x1b]8;id={};{}\x1b\\", link.id(), link.uri()),
        ),
        None => out.push_str("\x1b]8;;\x1b\\"),
    }
}

fn push_fmt(out: &mut String, text: std::fmt::Arguments<'_>) {
    use std::fmt::Write as _;
    // Writing into a string cannot fail.
    let _ = out.write_fmt(text);
}

/// Appends the sequence that sets exactly this style.
fn push_sgr(style: &Style, out: &mut String) {
    out.push_str("\x1b[");
    push_sgr_codes(style, out);
    out.push('m');
}

/// The parameters of the sequence that sets exactly this style.
pub(super) fn sgr(style: &Style) -> String {
    let mut codes = String::new();
    push_sgr_codes(style, &mut codes);
    codes
}

fn push_sgr_codes(style: &Style, out: &mut String) {
    const FLAGS: [(StyleFlags, &str); 9] = [
        (StyleFlags::BOLD, ";1"),
        (StyleFlags::DIM, ";2"),
        (StyleFlags::ITALIC, ";3"),
        (StyleFlags::SLOW_BLINK, ";5"),
        (StyleFlags::RAPID_BLINK, ";6"),
        (StyleFlags::INVERSE, ";7"),
        (StyleFlags::HIDDEN, ";8"),
        (StyleFlags::STRIKEOUT, ";9"),
        (OVERLINE, ";53"),
    ];
    out.push('0');
    for (flag, code) in FLAGS {
        if style.flags.contains(flag) {
            out.push_str(code);
        }
    }
    match style.flags.underline_kind() {
        None => {}
        Some(UnderlineKind::Single) => out.push_str(";4"),
        Some(UnderlineKind::Double) => out.push_str(";4:2"),
        Some(UnderlineKind::Curly) => out.push_str(";4:3"),
        Some(UnderlineKind::Dotted) => out.push_str(";4:4"),
        Some(UnderlineKind::Dashed) => out.push_str(";4:5"),
    }
    push_color(style.fg, 30, out);
    push_color(style.bg, 40, out);
    if let Some(color) = style.underline_color {
        match color {
            AnsiColor::Spec(ColorRgb { r, g, b }) => {
                push_fmt(out, format_args!(";58:2::{r}:{g}:{b}"))
            }
            AnsiColor::Indexed(index) => push_fmt(out, format_args!(";58:5:{index}")),
            AnsiColor::Named(_) => {}
        }
    }
}

/// Appends a colour; `base` is 30 for the foreground, 40 for the background.
fn push_color(color: AnsiColor, base: u16, out: &mut String) {
    match color {
        AnsiColor::Spec(ColorRgb { r, g, b }) => {
            push_fmt(out, format_args!(";{};2;{r};{g};{b}", base + 8))
        }
        AnsiColor::Indexed(index) => push_fmt(out, format_args!(";{};5;{index}", base + 8)),
        AnsiColor::Named(name) => match name as u16 {
            index @ 0..8 => push_fmt(out, format_args!(";{}", base + index)),
            index @ 8..16 => push_fmt(out, format_args!(";{}", base + 60 + index - 8)),
            _ => {}
        },
    }
}

/// The column where a wide character's cursor is shown: on its first half.
pub(super) fn cursor_col(grid: &Grid<Square>) -> usize {
    let at = grid.cursor.pos;
    let on_spacer = grid[at.row][at.col].is_spacer();
    at.col.0 - usize::from(on_spacer && at.col > Column(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_a_space_and_all_else_stays() {
        for byte in 0..0x80 {
            for place in 0..8 {
                let mut bytes = *b"a~\x7f Z09!";
                bytes[place] = byte;
                let seen = bytes.map(|byte| byte.max(b' '));
                assert_eq!(visible(bytes), seen, "{byte} at {place}");
            }
        }
    }
}
