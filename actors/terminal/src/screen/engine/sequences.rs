//! Modes, resets and reports: what sequences set and ask.

use protocol::terminal::CellPixels;
use rio_vt::ansi::mode::{Mode as AnsiMode, NamedMode, NamedPrivateMode, PrivateMode};
use rio_vt::ansi::{ClearMode, CursorShape, KeyboardModes, KeyboardModesApplyBehavior};
use rio_vt::config::colors::{ColorRgb, NamedColor};
use rio_vt::crosswords::Mode;
use rio_vt::crosswords::grid::Dimensions;
use rio_vt::crosswords::pos::{CharsetIndex, Column, Cursor, Line};
use rio_vt::performer::handler::Handler;

use super::{
    Engine, KEYBOARD_MODES, KeyboardStack, MAX_TITLE_BYTES, MAX_TITLES, SavedCursor, default_tabs,
};
use crate::screen::{Copies, palette};

impl Engine {
    pub(super) fn delete_chars(&mut self, count: usize) {
        // With more than there are the engine erases what is before the cursor too.
        let grid = &self.term.grid;
        let there = grid.columns() - grid.cursor.pos.col.0;
        self.term.delete_chars(count.min(there));
    }

    pub(super) fn rename(&mut self, title: String) {
        if self.permissions.title_locked {
            return;
        }
        let mut title = title;
        title.retain(|c| !c.is_control());
        title.truncate(title.floor_char_boundary(MAX_TITLE_BYTES));
        if title != self.term.title {
            self.term.title = title;
            self.events.title_changed = true;
        }
    }

    pub(super) fn push_title(&mut self) {
        if self.titles.len() == MAX_TITLES {
            self.titles.remove(0);
        }
        self.titles.push(self.term.title.clone());
    }

    pub(super) fn pop_title(&mut self) {
        if let Some(title) = self.titles.pop() {
            self.rename(title);
        }
    }

    pub(super) fn clear_screen(&mut self, mode: ClearMode) {
        let at = self.term.grid.cursor.pos;
        let rewrites = match mode {
            ClearMode::Below => at.row == 0 && at.col == 0,
            ClearMode::Above => {
                // The engine leaves the first row alone when the cursor is in the second.
                if at.row == 1 {
                    self.term.grid.sync_template_style();
                    self.term.grid.reset_region(..at.row);
                }
                false
            }
            ClearMode::All | ClearMode::Saved => false,
        };
        let erases = matches!(mode, ClearMode::Saved);
        self.term.clear_screen(mode);
        if self.is_alternate() {
            return;
        }
        if rewrites {
            self.epochs.cleared(self.screen_top());
        }
        if erases {
            self.erased = (self.epochs.count, self.screen_top());
        }
    }

    pub(super) fn reset(&mut self) {
        let title = std::mem::take(&mut self.term.title);
        self.events.title_changed |= !title.is_empty();
        self.term.reset_state();
        self.region = (0, self.term.screen_lines() as i32);
        self.tabs = default_tabs(self.term.columns());
        self.charset = CharsetIndex::G0;
        self.inserting = false;
        self.titles.clear();
        self.keyboard = KeyboardStack::default();
        self.keyboard_of_other_screen = KeyboardStack::default();
        self.alternate_saved = Cursor::default();
        self.saved = [SavedCursor::default(); 2];
        self.british = [false; 4];
        self.epochs.cleared(self.screen_top());
        self.facts.clear();
    }

    pub(in crate::screen) fn set_mode(&mut self, mode: AnsiMode, on: bool) {
        match (mode, on) {
            (AnsiMode::Named(NamedMode::Insert), _) => self.inserting = on,
            (AnsiMode::Named(NamedMode::LineFeedNewLine), true) => self.term.set_mode(mode),
            (AnsiMode::Named(NamedMode::LineFeedNewLine), false) => self.term.unset_mode(mode),
            (AnsiMode::Unknown(_), _) => {}
        }
    }

    pub(super) fn set_private_mode(&mut self, mode: PrivateMode, on: bool) {
        match (mode, on) {
            (PrivateMode::Named(NamedPrivateMode::SwapScreenAndSetRestoreCursor), true) => {
                if !self.is_alternate() {
                    self.save_cursor();
                }
                self.enter_alternate();
            }
            (PrivateMode::Named(NamedPrivateMode::SwapScreenAndSetRestoreCursor), false) => {
                self.leave_alternate(true);
            }
            (PrivateMode::Unknown(47 | 1047), true) => self.enter_alternate(),
            (PrivateMode::Unknown(47 | 1047), false) => self.leave_alternate(false),
            (PrivateMode::Unknown(1048), true) => self.save_cursor(),
            (PrivateMode::Unknown(1048), false) => self.restore_cursor(),
            (PrivateMode::Named(NamedPrivateMode::ColumnMode), _) => self.column_mode(),
            (PrivateMode::Named(NamedPrivateMode::Origin), _) => {
                self.set_origin(on);
                // Source: VT510 manual, DECOM: the cursor goes home.
                self.term.goto(Line(0), Column(0));
            }
            (PrivateMode::Named(_), true) => self.term.set_private_mode(mode),
            (PrivateMode::Named(_), false) => self.term.unset_private_mode(mode),
            (PrivateMode::Unknown(_), _) => {}
        }
    }

    pub(in crate::screen) fn change_color(&mut self, index: usize, color: Option<ColorRgb>) {
        if index < palette::COLORS {
            match color {
                Some(color) => self.term.set_color(index, color),
                None => self.term.reset_color(index),
            }
            self.colors_changed |= index != NamedColor::Cursor as usize;
        }
    }

    pub(in crate::screen) fn push_keyboard_mode(&mut self, mode: KeyboardModes) {
        self.keyboard.top = (self.keyboard.top + 1) % KEYBOARD_MODES;
        self.keyboard.modes[self.keyboard.top] = mode.bits();
        self.term.push_keyboard_mode(mode);
    }

    pub(super) fn pop_keyboard_modes(&mut self, count: u16) {
        if usize::from(count) >= KEYBOARD_MODES {
            self.keyboard = KeyboardStack::default();
        } else {
            for _ in 0..count {
                self.keyboard.modes[self.keyboard.top] = 0;
                self.keyboard.top = (self.keyboard.top + KEYBOARD_MODES - 1) % KEYBOARD_MODES;
            }
        }
        self.term.pop_keyboard_modes(count);
    }

    pub(super) fn set_keyboard_mode(
        &mut self,
        mode: KeyboardModes,
        apply: KeyboardModesApplyBehavior,
    ) {
        Handler::set_keyboard_mode(&mut self.term, mode, apply);
        self.keyboard.modes[self.keyboard.top] = self.term.keyboard_mode().bits();
    }

    pub(super) fn identify(&mut self, mark: Option<char>) {
        // A VT220 with colours, and with a clipboard (52) where it is passed on. Source: xterm ctlseqs, DA1 and DA2.
        match (mark, self.permissions.copies) {
            (None, Copies::Ignored) => self.reply(format_args!("\x1b[?62;22c")),
            (None, Copies::PassedOn) => self.reply(format_args!("\x1b[?62;22;52c")),
            (Some('>'), _) => self.reply(format_args!("\x1b[>1;10;0c")),
            (Some(_), _) => {}
        }
    }

    pub(super) fn device_status(&mut self, kind: u16) {
        match kind {
            5 => self.reply(format_args!("\x1b[0n")),
            6 => {
                let (row, col) = self.reported_place();
                self.reply(format_args!("\x1b[{row};{col}R"));
            }
            _ => {}
        }
    }

    /// Source: xterm ctlseqs, DSR, DEC-specific: the cursor with its page, no printer, keys that nobody has locked, no locator.
    pub(super) fn private_status(&mut self, kind: u16) {
        match kind {
            6 => {
                let (row, col) = self.reported_place();
                self.reply(format_args!("\x1b[?{row};{col};1R"));
            }
            15 => self.reply(format_args!("\x1b[?13n")),
            25 => self.reply(format_args!("\x1b[?20n")),
            26 => self.reply(format_args!("\x1b[?27;1;0;0n")),
            53 | 55 => self.reply(format_args!("\x1b[?50n")),
            _ => {}
        }
    }

    /// The form of the cursor as DECSCUSR numbers it.
    pub(super) fn cursor_number(&self) -> u8 {
        let steady = match self.term.cursor_shape {
            CursorShape::Block | CursorShape::Hidden => 2,
            CursorShape::Underline => 4,
            CursorShape::Beam => 6,
        };
        steady - u8::from(self.term.blinking_cursor)
    }

    fn reported_place(&self) -> (i32, usize) {
        let at = self.term.grid.cursor.pos;
        (at.row.0 - self.origin_row() + 1, at.col.0 + 1)
    }

    pub(super) fn report_version(&mut self) {
        self.reply(format_args!(
            "\x1bP>|fugue({})\x1b\\",
            env!("CARGO_PKG_VERSION")
        ));
    }

    pub(super) fn report_keyboard_mode(&mut self) {
        let bits = self.term.keyboard_mode().bits();
        self.reply(format_args!("\x1b[?{bits}u"));
    }

    pub(super) fn report_mode(&mut self, mode: AnsiMode) {
        let state = match mode {
            AnsiMode::Named(NamedMode::Insert) => mode_state(self.inserting),
            AnsiMode::Named(NamedMode::LineFeedNewLine) => {
                mode_state(self.term.mode().contains(Mode::LINE_FEED_NEW_LINE))
            }
            AnsiMode::Unknown(_) => 0,
        };
        self.reply(format_args!("\x1b[{};{state}$y", mode.raw()));
    }

    pub(super) fn report_private_mode(&mut self, mode: PrivateMode) {
        let state = self.private_mode(mode).map_or(0, mode_state);
        self.reply(format_args!("\x1b[?{};{state}$y", mode.raw()));
    }

    pub(super) fn text_area_size_chars(&mut self) {
        let size = self.size();
        self.reply(format_args!("\x1b[8;{};{}t", size.rows, size.cols));
    }

    /// Not answered where nobody knows. Source: xterm ctlseqs, XTWINOPS 14 and 16.
    pub(super) fn text_area_size_pixels(&mut self) {
        if let Some(cell) = self.terminal.cell {
            let (width, height) = cell.of_screen(self.size());
            self.reply(format_args!("\x1b[4;{height};{width}t"));
        }
    }

    pub(super) fn cell_size_pixels(&mut self) {
        if let Some(CellPixels { width, height }) = self.terminal.cell {
            self.reply(format_args!("\x1b[6;{height};{width}t"));
        }
    }

    fn column_mode(&mut self) {
        self.region = (0, self.term.screen_lines() as i32);
        self.term
            .set_private_mode(NamedPrivateMode::ColumnMode.into());
        if !self.is_alternate() {
            self.epochs.cleared(self.screen_top());
        }
    }

    /// True if a mode is on, `None` for one that does not exist here.
    fn private_mode(&self, mode: PrivateMode) -> Option<bool> {
        let flag = match mode {
            PrivateMode::Unknown(47 | 1047) => Mode::ALT_SCREEN,
            PrivateMode::Unknown(_) => return None,
            PrivateMode::Named(named) => match named {
                NamedPrivateMode::BlinkingCursor => return Some(self.term.blinking_cursor),
                NamedPrivateMode::ColumnMode => return None,
                NamedPrivateMode::CursorKeys => Mode::APP_CURSOR,
                NamedPrivateMode::Origin => Mode::ORIGIN,
                NamedPrivateMode::LineWrap => Mode::LINE_WRAP,
                NamedPrivateMode::ShowCursor => Mode::SHOW_CURSOR,
                NamedPrivateMode::ReportX10MouseClicks => Mode::MOUSE_REPORT_X10,
                NamedPrivateMode::ReportMouseClicks => Mode::MOUSE_REPORT_CLICK,
                NamedPrivateMode::ReportCellMouseMotion => Mode::MOUSE_DRAG,
                NamedPrivateMode::ReportAllMouseMotion => Mode::MOUSE_MOTION,
                NamedPrivateMode::ReportFocusInOut => Mode::FOCUS_IN_OUT,
                NamedPrivateMode::Utf8Mouse => Mode::UTF8_MOUSE,
                NamedPrivateMode::SgrMouse => Mode::SGR_MOUSE,
                NamedPrivateMode::AlternateScroll => Mode::ALTERNATE_SCROLL,
                NamedPrivateMode::UrgencyHints => Mode::URGENCY_HINTS,
                NamedPrivateMode::SwapScreenAndSetRestoreCursor => Mode::ALT_SCREEN,
                NamedPrivateMode::BracketedPaste => Mode::BRACKETED_PASTE,
                NamedPrivateMode::GraphemeCluster => Mode::GRAPHEME_CLUSTER,
                NamedPrivateMode::SyncUpdate => Mode::SYNC_UPDATE,
            },
        };
        Some(self.term.mode().contains(flag))
    }
}

/// DECRPM's answer: 1 set, 2 reset.
fn mode_state(set: bool) -> u8 {
    if set { 1 } else { 2 }
}
