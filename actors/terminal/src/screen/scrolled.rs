//! The view of somebody who has scrolled back.

use rio_vt::crosswords::grid::Dimensions;

use super::palette::Palette;
use super::{Screen, ScreenUpdate, clusters};

impl Screen {
    /// The number of the row that is first after scrolling back by `rows` (on towards the end when negative) from row `first`,
    /// or from the end; none at the end, where the screen itself is shown.
    #[must_use]
    pub fn scroll_from(&self, first: Option<u64>, rows: i32) -> Option<u64> {
        if self.engine.is_alternate() {
            return None;
        }
        let end = self.engine.screen_top();
        let oldest = end - self.engine.grid().history_size() as u64;
        let first = first.map_or(end, |first| first.clamp(oldest, end));
        let moved = first
            .saturating_add_signed(-i64::from(rows))
            .clamp(oldest, end);
        (moved < end).then_some(moved)
    }

    /// The screen as it is shown with this row first. Rows that are kept no more give way to the oldest.
    #[must_use]
    pub fn update_scrolled(&self, first: u64) -> ScreenUpdate {
        let Some(first) = self.scroll_from(Some(first), 0) else {
            return self.update_since(0);
        };
        let grid = self.engine.grid();
        let palette = Palette::of(self.engine.term.colors());
        let back = self.engine.screen_top() - first;
        let mut update = self.update_since(0);
        update.rows = (0..update.size.rows)
            .map(|row| {
                clusters::screen_row(
                    grid,
                    palette,
                    row,
                    self.engine.line_of(first + u64::from(row)),
                )
            })
            .collect();
        update.cursor.visible = false;
        update.rows_back = back;
        update
    }
}

#[cfg(test)]
mod tests;
