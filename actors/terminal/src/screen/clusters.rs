//! Rows as viewers get them: their text, and which parts of it are no single character in one column.
//!
//! The engine's table of widths is the only one that counts. Where the terminals of people may have another one, what follows is
//! marked to be placed by its column.

use protocol::event::{Cluster, ScreenRow};
use rio_vt::crosswords::grid::Grid;
use rio_vt::crosswords::pos::Line;
use rio_vt::crosswords::square::{Square, Wide};
use unicode_width::UnicodeWidthStr;

use super::palette::Palette;
use super::render;

/// The first character of those that newer and older tables see differently: emoji and other pictures.
const PICTURES: char = '\u{1f000}';

/// A row of the screen or its history as row `row` of a viewer's.
pub(super) fn screen_row(
    grid: &Grid<Square>,
    palette: Palette<'_>,
    row: u16,
    line: Line,
) -> ScreenRow {
    let mut ansi = String::with_capacity(grid[line].inner.len() + 16);
    let mut clusters = Vec::new();
    render::push_shown(grid, line, palette, &mut ansi, |text, from, cell| {
        let text = &text[from..];
        let cells = if cell.wide() == Wide::Wide { 2 } else { 1 };
        let is_plain = cells == 1 && (text.len() == 1 || is_plain(text));
        if !is_plain {
            clusters.push(Cluster {
                // The longest row has some megabytes, the longest cluster some hundred bytes.
                at: from as u32,
                bytes: text.len() as u16,
                cells,
                doubtful: is_doubtful(text, cells),
            });
        }
    });
    ScreenRow {
        row,
        ansi: ansi.into_bytes(),
        clusters: Some(clusters),
    }
}

/// One character that every table gives one column.
fn is_plain(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some() && chars.next().is_none() && !is_doubtful(text, 1)
}

/// True if terminals disagree about the width of a cluster.
fn is_doubtful(text: &str, cells: u8) -> bool {
    let changes_width =
        |c: char| matches!(c, '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' | '\u{20e3}') || c >= PICTURES;
    text.width() != usize::from(cells) || text.chars().any(changes_width)
}

#[cfg(test)]
mod tests;
