//! Changing the size, and reaching the primary screen while the alternate one is active.

use protocol::Size;
use rio_vt::crosswords::CrosswordsSize;
use rio_vt::crosswords::grid::Dimensions;
use rio_vt::crosswords::pos::{Column, Line};
use rio_vt::crosswords::square::{CellFlags, Square, Wide};

use super::engine::Engine;
use super::render;

/// A flag of cells that the engine keeps and moves along but does not use: it marks where lines begin while they are wrapped anew.
const BEGINS_LINE: CellFlags = CellFlags::RESERVED_GRAPHICS;

impl Engine {
    /// Runs `work` with the primary screen as the active one. What `work` does to the alternate screen is lost.
    pub(super) fn with_primary<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        if !self.is_alternate() {
            return work(self);
        }
        let (grid, kept) = (self.term.grid.clone(), self.kept.clone());
        self.swap_screens();
        let result = work(self);
        // Entering it again clears it.
        self.swap_screens();
        (self.term.grid, self.kept) = (grid, kept);
        result
    }

    /// Changes the size of both screens.
    pub(super) fn resize(&mut self, size: Size) {
        let (rows, cols) = (usize::from(size.rows), usize::from(size.cols));
        let is_alternate = self.is_alternate();
        self.with_primary(|engine| {
            engine.resize_rows(rows);
            engine.resize_cols(cols);
        });
        if is_alternate {
            self.term.grid.resize(false, rows, cols);
            self.repair_rows();
        }
        self.resized();
    }

    fn repair_rows(&mut self) {
        let top = -(self.grid().history_size() as i32);
        let bottom = self.grid().screen_lines() as i32;
        (top..bottom).for_each(|line| self.repair_wide(Line(line)));
    }

    /// Blanks what stands in the row for wide characters that are not whole: a row that was cut ends in half of one, and one
    /// that was extended has its filling before a wide character no longer at its end.
    pub(super) fn repair_wide(&mut self, line: Line) {
        // Reading through the shared reference leaves the row unmarked.
        let row = &self.term.grid.raw[line].inner;
        if row.iter().all(|cell| cell.wide() == Wide::Narrow) {
            return;
        }
        let is_at = |col: Option<usize>, wide: Wide| {
            let cell = col.and_then(|col| row.get(col));
            cell.is_some_and(|cell| cell.wide() == wide)
        };
        let is_whole = |col: usize| match row[col].wide() {
            Wide::Narrow => true,
            Wide::Wide => is_at(Some(col + 1), Wide::Spacer),
            Wide::Spacer => is_at(col.checked_sub(1), Wide::Wide),
            Wide::LeadingSpacer => col + 1 == row.len(),
        };
        let broken: Vec<usize> = (0..row.len()).filter(|&col| !is_whole(col)).collect();
        for col in broken {
            let cell = &mut self.term.grid[line][Column(col)];
            match cell.is_leading_spacer() {
                true => cell.set_wide(Wide::Narrow),
                false => *cell = Square::default(),
            }
        }
    }

    fn resize_rows(&mut self, rows: usize) {
        // The row with the cursor keeps its number. The engine miscounts when it has no history to take rows from.
        let before = self.row_of(self.grid().cursor.pos.row);
        let cols = self.grid().columns();
        self.term.resize(CrosswordsSize::new(cols, rows));
        let after = self.row_of(self.grid().cursor.pos.row);
        self.row_base = self.row_base.wrapping_add(before.wrapping_sub(after));
    }

    fn resize_cols(&mut self, cols: usize) {
        if cols == self.grid().columns() {
            return;
        }
        self.cut_blanks(cols);
        let old = self.mark_lines();
        let rows = self.grid().screen_lines();
        self.term.resize(CrosswordsSize::new(cols, rows));
        self.repair_rows();
        let new = self.unmark_lines();
        // Lines get lost at the top only.
        let lost = old.len().saturating_sub(new.len());
        let first = new.first().copied().unwrap_or_else(|| self.screen_top());
        let above = (0..lost).map(|line| first.saturating_sub((lost - line) as u64));
        self.epochs
            .reflowed(old.into_iter().zip(above.chain(new.iter().copied())));
    }

    /// Clears the blanks that end a line and are right of `cols`: only text is to be wrapped, no background. A line ends where
    /// nothing is any more that it once went on with.
    ///
    /// It also makes the engine look at the cells themselves. It has a faster way when no row seems to be in use right of
    /// `cols`, but goes by a bound that depends on the past, not on what is there.
    fn cut_blanks(&mut self, cols: usize) {
        let top = -(self.grid().history_size() as i32);
        let bottom = self.grid().screen_lines() as i32;
        for line in (top..bottom).map(Line) {
            if render::goes_on(self.grid(), line) {
                continue;
            }
            if let Some(last) = self.term.grid[line][..].last_mut() {
                last.set_wrapline(false);
            }
            let text_end = render::text_len(self.grid(), line).max(cols);
            let row = &mut self.term.grid[line];
            if text_end < row.len() {
                row[Column(text_end)..].fill(Square::default());
            }
        }
    }

    /// Marks the first cell of each line down to the end of output, and returns their rows.
    fn mark_lines(&mut self) -> Vec<u64> {
        let top = Line(-(self.grid().history_size() as i32));
        let end = self.line_of(self.end_row());
        let mut rows = Vec::new();
        for line in (top.0..=end.0).map(Line) {
            if line == top || !render::is_wrapped(self.grid(), line - 1) {
                rows.push(self.row_of(line));
                self.term.grid[line][Column(0)].insert_cell_flag(BEGINS_LINE);
            }
        }
        rows
    }

    /// Takes the marks away and returns their rows.
    fn unmark_lines(&mut self) -> Vec<u64> {
        let top = -(self.grid().history_size() as i32);
        let bottom = self.grid().screen_lines() as i32;
        let mut rows = Vec::new();
        for line in (top..bottom).map(Line) {
            let marked = |cell: &Square| cell.contains_cell_flag(BEGINS_LINE);
            if render::cells(self.grid(), line).iter().any(marked) {
                rows.push(self.row_of(line));
                for cell in &mut self.term.grid[line][..] {
                    cell.remove_cell_flag(BEGINS_LINE);
                }
            }
        }
        rows
    }
}
