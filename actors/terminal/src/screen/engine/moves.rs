//! The places of the cursor: margins, tab stops, saved places, the two screens.

use rio_vt::ansi::TabulationClearMode;
use rio_vt::ansi::mode::{Mode as AnsiMode, NamedMode, NamedPrivateMode};
use rio_vt::crosswords::Mode;
use rio_vt::crosswords::grid::Dimensions;
use rio_vt::crosswords::pos::{CharsetIndex, Column, Cursor, Line, StandardCharset};
use rio_vt::crosswords::square::Square;
use rio_vt::crosswords::style::Style;
use rio_vt::performer::handler::Handler as _;

use super::{Engine, portable};

/// The state that DECSC keeps besides what the engine does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::screen) struct SavedCursor {
    pub(in crate::screen) origin: bool,
    pub(in crate::screen) charset: CharsetIndex,
    pub(in crate::screen) british: [bool; 4],
}

impl Engine {
    fn is_origin(&self) -> bool {
        self.term.mode().contains(Mode::ORIGIN)
    }

    pub(super) fn set_origin(&mut self, on: bool) {
        let mode = NamedPrivateMode::Origin.into();
        match on {
            true => self.term.set_private_mode(mode),
            false => self.term.unset_private_mode(mode),
        }
    }

    /// The first row that addresses count from.
    pub(super) fn origin_row(&self) -> i32 {
        if self.is_origin() { self.region.0 } else { 0 }
    }

    fn move_to_row(&mut self, row: i32) {
        let cursor = &mut self.term.grid.cursor;
        cursor.pos.row = Line(row);
        cursor.should_wrap = false;
    }

    pub(super) fn move_to_col(&mut self, col: usize) {
        let last = self.term.grid.last_column();
        let cursor = &mut self.term.grid.cursor;
        cursor.pos.col = Column(col).min(last);
        cursor.should_wrap = false;
    }

    /// Up, from inside of the scroll region at most to its top. Source: xterm, CursorUp.
    pub(super) fn move_up(&mut self, rows: usize) {
        let row = self.term.grid.cursor.pos.row.0;
        let top = if row < self.region.0 {
            0
        } else {
            self.region.0
        };
        self.move_to_row((row - rows as i32).max(top));
    }

    /// Down, from inside of the scroll region at most to its bottom. Source: xterm, CursorDown.
    pub(super) fn move_down(&mut self, rows: usize) {
        let row = self.term.grid.cursor.pos.row.0;
        let end = if row >= self.region.1 {
            self.term.screen_lines() as i32
        } else {
            self.region.1
        };
        self.move_to_row((row + rows as i32).min(end - 1));
    }

    /// To a row by its distance, as an address. Source: ECMA-48 8.3.160, VPR, and 8.3.159, VPB.
    pub(super) fn move_rows(&mut self, rows: i32) {
        let (top, end) = match self.is_origin() {
            true => self.region,
            false => (0, self.term.screen_lines() as i32),
        };
        let row = self.term.grid.cursor.pos.row.0 + rows;
        self.move_to_row(row.clamp(top, end - 1));
    }

    /// To the next tab stop. In a row that is full the cursor stays where it is. Source: xterm, TabToNextStop.
    pub(super) fn tab(&mut self) {
        if !self.term.grid.cursor.should_wrap {
            self.term.put_tab(1);
        }
    }

    pub(super) fn back_tab(&mut self, count: usize) {
        let mut col = self.term.grid.cursor.pos.col.0;
        for _ in 0..count {
            if col == 0 {
                break;
            }
            col = (0..col).rev().find(|&col| self.tabs[col]).unwrap_or(0);
        }
        self.move_to_col(col);
    }

    pub(in crate::screen) fn set_tab(&mut self) {
        self.tabs[self.term.grid.cursor.pos.col.0] = true;
        self.term.set_horizontal_tabstop();
    }

    pub(super) fn set_tabs(&mut self, interval: usize) {
        self.clear_tabs(TabulationClearMode::All);
        let cursor = self.term.grid.cursor.pos;
        for col in (0..self.tabs.len()).step_by(interval) {
            self.term.grid.cursor.pos.col = Column(col);
            self.set_tab();
        }
        self.term.grid.cursor.pos = cursor;
    }

    pub(in crate::screen) fn clear_tabs(&mut self, mode: TabulationClearMode) {
        match mode {
            TabulationClearMode::Current => self.tabs[self.term.grid.cursor.pos.col.0] = false,
            TabulationClearMode::All => self.tabs.fill(false),
        }
        self.term.clear_tabs(mode);
    }

    pub(in crate::screen) fn set_scrolling_region(&mut self, top: usize, bottom: Option<usize>) {
        let rows = self.term.screen_lines();
        let end = bottom.unwrap_or(rows).min(rows);
        // A region below the screen or of no rows is no region. Source: VT510 manual, DECSTBM.
        if (1..end).contains(&top) {
            self.region = (top as i32 - 1, end as i32);
            self.term.set_scrolling_region(top, Some(end));
        }
    }

    fn clear_region(&mut self) {
        self.region = (0, self.term.screen_lines() as i32);
        // Without rows to scroll the engine does nothing, and has nothing to do.
        self.term.set_scrolling_region(1, None);
    }

    pub(in crate::screen) fn set_active_charset(&mut self, index: CharsetIndex) {
        self.charset = index;
        self.term.set_active_charset(index);
    }

    pub(in crate::screen) fn save_cursor(&mut self) {
        self.term.save_cursor_position();
        self.saved[usize::from(self.is_alternate())] = SavedCursor {
            origin: self.is_origin(),
            charset: self.charset,
            british: self.british,
        };
    }

    pub(in crate::screen) fn restore_cursor(&mut self) {
        self.term.restore_cursor_position();
        self.restore_saved();
    }

    fn restore_saved(&mut self) {
        let saved = self.saved[usize::from(self.is_alternate())];
        self.set_origin(saved.origin);
        self.set_active_charset(saved.charset);
        self.british = saved.british;
    }

    /// Fills the screen with `E`, without margins and from its first cell. Source: VT510 manual, DECALN.
    pub(super) fn align(&mut self) {
        self.clear_region();
        self.term.decaln();
        self.move_to_row(0);
        self.move_to_col(0);
    }

    /// Source: xterm, ReallyReset; VT510 manual, DECSTR.
    pub(super) fn soft_reset(&mut self) {
        let cursor = self.term.grid.cursor.pos;
        self.clear_region();
        self.term.grid.cursor.pos = cursor;
        self.set_origin(false);
        self.set_mode(AnsiMode::Named(NamedMode::Insert), false);
        self.term
            .unset_private_mode(NamedPrivateMode::CursorKeys.into());
        for mode in [NamedPrivateMode::ShowCursor, NamedPrivateMode::LineWrap] {
            self.term.set_private_mode(mode.into());
        }
        self.term.unset_keypad_application_mode();
        self.term.set_modify_other_keys(0);
        self.term.grid.set_template_style(Style::default());
        self.term.set_hyperlink(None);
        for index in [
            CharsetIndex::G0,
            CharsetIndex::G1,
            CharsetIndex::G2,
            CharsetIndex::G3,
        ] {
            self.term.configure_charset(index, StandardCharset::Ascii);
        }
        self.british = [false; 4];
        self.set_active_charset(CharsetIndex::G0);
        self.term.grid.saved_cursor = Cursor::<Square>::default();
        self.saved[usize::from(self.is_alternate())] = SavedCursor::default();
    }

    pub(super) fn enter_alternate(&mut self) {
        if !self.is_alternate() {
            self.primary_end = (self.epochs.count, self.end_mark());
            self.charge_screens(1);
            self.swap_screens();
        }
    }

    /// `goes_back`: the cursor is where it was on the primary screen (DECSET 1049); else it stays where it is (47, 1047).
    pub(super) fn leave_alternate(&mut self, goes_back: bool) {
        if !self.is_alternate() {
            return;
        }
        let cursor = portable(self.grid(), &self.grid().cursor);
        self.swap_screens();
        match goes_back {
            true => self.restore_saved(),
            false => self.term.grid.cursor = cursor,
        }
    }
}
