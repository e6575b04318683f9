//! What each sequence does: passed on to the engine, or done here instead.

use rio_vt::ansi::mode::{Mode as AnsiMode, NamedMode, NamedPrivateMode, PrivateMode};
use rio_vt::ansi::{
    ClearMode, CursorShape, KeyboardModes, KeyboardModesApplyBehavior, LineClearMode,
    TabulationClearMode,
};
use rio_vt::codepoint_width::codepoint_width;
use rio_vt::config::colors::ColorRgb;
use rio_vt::crosswords::Mode;
use rio_vt::crosswords::attr::Attr;
use rio_vt::crosswords::grid::Dimensions;
use rio_vt::crosswords::grid::row::SemanticPrompt;
use rio_vt::crosswords::pos::{CharsetIndex, Column, Cursor, Line, StandardCharset};
use rio_vt::crosswords::square::{Hyperlink, Wide};
use rio_vt::performer::handler::Handler;

use super::{
    Engine, KEYBOARD_MODES, KeyboardStack, MARK_TITLE, MAX_CLUSTER_CHARS, MAX_LINK_BYTES,
    MAX_TITLE_BYTES, MAX_TITLES, default_tabs,
};
use crate::pane::screen::palette;

/// Passes sequences on as they are.
macro_rules! pass_on {
    ($($name:ident($($arg:ident: $type:ty),*);)*) => {
        $(#[inline] fn $name(&mut self, $($arg: $type),*) { self.term.$name($($arg),*) })*
    };
}

impl Handler for Engine {
    pass_on! {
        set_cursor_style(style: Option<CursorShape>, blinking: bool);
        set_cursor_shape(shape: CursorShape);
        goto(line: Line, col: Column);
        goto_line(line: Line);
        goto_col(col: Column);
        insert_blank(count: usize);
        move_up(rows: usize);
        move_down(rows: usize);
        move_forward(cols: Column);
        move_backward(cols: Column);
        move_down_and_cr(rows: usize);
        move_up_and_cr(rows: usize);
        put_tab(count: u16);
        backspace();
        carriage_return();
        newline();
        scroll_up(rows: usize);
        scroll_down(rows: usize);
        insert_blank_lines(rows: usize);
        delete_lines(rows: usize);
        erase_chars(count: Column);
        move_backward_tabs(count: u16);
        move_forward_tabs(count: u16);
        save_cursor_position();
        restore_cursor_position();
        clear_line(mode: LineClearMode);
        reverse_index();
        terminal_attribute(attr: Attr);
        set_keypad_application_mode();
        unset_keypad_application_mode();
        configure_charset(index: CharsetIndex, charset: StandardCharset);
        decaln();
        set_modify_other_keys(level: u8);
    }

    #[inline]
    fn linefeed(&mut self) {
        if self.term.mode().contains(Mode::LINE_FEED_NEW_LINE) {
            self.term.newline();
        } else {
            self.term.linefeed();
        }
    }

    fn input(&mut self, c: char) {
        self.last_char = Some(c);
        let width = codepoint_width(c as u32).unwrap_or(0);
        let may_join = c <= '\u{ff}' || self.cluster_len() < MAX_CLUSTER_CHARS;
        match (self.inserting, width) {
            (true, 1..) => self.insert(c, width.into()),
            (_, 0) if !may_join => {}
            _ if may_join => self.input_joined(c),
            _ => self.input_apart(c),
        }
    }

    #[inline]
    fn input_ascii_str(&mut self, text: &str) {
        if self.inserting {
            return text.chars().for_each(|c| self.input(c));
        }
        self.last_char = text.as_bytes().last().map(|&byte| char::from(byte));
        self.term.input_ascii_str(text);
    }

    fn input_codepoints(&mut self, codepoints: &[u32]) {
        let one_by_one = self.inserting || self.term.mode().contains(Mode::GRAPHEME_CLUSTER);
        for block in codepoints.chunks(MAX_CLUSTER_CHARS) {
            if !one_by_one && self.cluster_len() + block.len() <= MAX_CLUSTER_CHARS {
                self.term.input_codepoints(block);
            } else {
                for &codepoint in block {
                    self.input(char::from_u32(codepoint).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
            }
        }
        self.last_char = codepoints
            .last()
            .and_then(|&codepoint| char::from_u32(codepoint));
    }

    fn delete_chars(&mut self, count: usize) {
        // With more than there are the engine erases what is before the cursor too.
        let grid = &self.term.grid;
        let there = grid.columns() - grid.cursor.pos.col.0;
        self.term.delete_chars(count.min(there));
    }

    fn set_title(&mut self, title: Option<String>) {
        let mut title = title.unwrap_or_default();
        title.retain(|c| !c.is_control());
        title.truncate(title.floor_char_boundary(MAX_TITLE_BYTES));
        if title != self.term.title {
            self.term.title = title;
            self.events.title_changed = true;
        }
    }

    fn push_title(&mut self) {
        if self.titles.len() == MAX_TITLES {
            self.titles.remove(0);
        }
        self.titles.push(self.term.title.clone());
    }

    fn pop_title(&mut self) {
        if let Some(title) = self.titles.pop() {
            self.set_title(Some(title));
        }
    }

    fn set_current_directory(&mut self, path: std::path::PathBuf) {
        if self.term.current_directory.as_ref() != Some(&path) {
            self.term.current_directory = Some(path);
            self.events.cwd_changed = true;
        }
    }

    fn set_semantic_prompt(&mut self, mark: SemanticPrompt) {
        self.term.set_semantic_prompt(mark);
        self.events.prompt = true;
    }

    fn bell(&mut self) {
        self.events.bell = true;
    }

    fn desktop_notification(&mut self, title: String, body: String) {
        if title == MARK_TITLE {
            return self.mark(body);
        }
        let mut text = if title.is_empty() {
            body
        } else {
            format!("{title}: {body}")
        };
        text.retain(|c| !c.is_control());
        text.truncate(text.floor_char_boundary(MAX_TITLE_BYTES));
        self.events.notification = Some(text);
    }

    fn set_hyperlink(&mut self, link: Option<Hyperlink>) {
        let link = link.filter(|link| {
            let fits =
                |text: &str| text.len() <= MAX_LINK_BYTES && !text.chars().any(char::is_control);
            fits(link.uri()) && fits(link.id())
        });
        // The engine makes up a new id for each link without one; by the address alone equal links share one entry.
        let link = link.map(|link| match link.id().ends_with("_rio") {
            true => Hyperlink::new(Some(""), link.uri()),
            false => link,
        });
        self.term.set_hyperlink(link);
    }

    fn set_active_charset(&mut self, index: CharsetIndex) {
        self.charset = index;
        self.term.set_active_charset(index);
    }

    fn set_horizontal_tabstop(&mut self) {
        self.tabs[self.term.grid.cursor.pos.col.0] = true;
        self.term.set_horizontal_tabstop();
    }

    fn set_tabs(&mut self, interval: u16) {
        self.clear_tabs(TabulationClearMode::All);
        let cursor = self.term.grid.cursor.pos;
        for col in (0..self.tabs.len()).step_by(interval.max(1).into()) {
            self.term.grid.cursor.pos.col = Column(col);
            self.set_horizontal_tabstop();
        }
        self.term.grid.cursor.pos = cursor;
    }

    fn clear_tabs(&mut self, mode: TabulationClearMode) {
        match mode {
            TabulationClearMode::Current => self.tabs[self.term.grid.cursor.pos.col.0] = false,
            TabulationClearMode::All => self.tabs.fill(false),
        }
        self.term.clear_tabs(mode);
    }

    fn set_scrolling_region(&mut self, top: usize, bottom: Option<usize>) {
        let rows = self.term.screen_lines();
        let end = bottom.unwrap_or(rows).min(rows);
        // A region below the screen or of no rows is no region. Source: VT510 manual, DECSTBM.
        if (1..end).contains(&top) {
            self.region = (top as i32 - 1, end as i32);
            self.term.set_scrolling_region(top, Some(end));
        }
    }

    fn clear_screen(&mut self, mode: ClearMode) {
        let at_home = self.term.grid.cursor.pos.row == 0 && self.term.grid.cursor.pos.col == 0;
        let rewrites = match mode {
            ClearMode::Below => at_home,
            ClearMode::Above | ClearMode::All | ClearMode::Saved => false,
        };
        self.term.clear_screen(mode);
        if rewrites && !self.is_alternate() {
            self.epochs.cleared(self.screen_top());
        }
    }

    fn reset_state(&mut self) {
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
        self.epochs.cleared(self.screen_top());
    }

    fn set_mode(&mut self, mode: AnsiMode) {
        match mode {
            AnsiMode::Named(NamedMode::Insert) => self.inserting = true,
            AnsiMode::Named(NamedMode::LineFeedNewLine) => self.term.set_mode(mode),
            AnsiMode::Unknown(_) => {}
        }
    }

    fn unset_mode(&mut self, mode: AnsiMode) {
        match mode {
            AnsiMode::Named(NamedMode::Insert) => self.inserting = false,
            AnsiMode::Named(NamedMode::LineFeedNewLine) => self.term.unset_mode(mode),
            AnsiMode::Unknown(_) => {}
        }
    }

    fn set_private_mode(&mut self, mode: PrivateMode) {
        match mode {
            PrivateMode::Named(NamedPrivateMode::SwapScreenAndSetRestoreCursor)
            | PrivateMode::Unknown(47 | 1047) => self.enter_alternate(),
            PrivateMode::Unknown(1048) => self.term.save_cursor_position(),
            PrivateMode::Named(NamedPrivateMode::ColumnMode) => self.column_mode(),
            PrivateMode::Named(NamedPrivateMode::Origin) => {
                self.term.set_private_mode(mode);
                // Source: VT510 manual, DECOM: the cursor goes home.
                self.term.goto(Line(0), Column(0));
            }
            PrivateMode::Named(_) => self.term.set_private_mode(mode),
            PrivateMode::Unknown(_) => {}
        }
    }

    fn unset_private_mode(&mut self, mode: PrivateMode) {
        match mode {
            PrivateMode::Named(NamedPrivateMode::SwapScreenAndSetRestoreCursor)
            | PrivateMode::Unknown(47 | 1047) => self.leave_alternate(),
            PrivateMode::Unknown(1048) => self.term.restore_cursor_position(),
            PrivateMode::Named(NamedPrivateMode::ColumnMode) => self.column_mode(),
            PrivateMode::Named(NamedPrivateMode::Origin) => {
                self.term.unset_private_mode(mode);
                self.term.goto(Line(0), Column(0));
            }
            PrivateMode::Named(_) => self.term.unset_private_mode(mode),
            PrivateMode::Unknown(_) => {}
        }
    }

    fn set_color(&mut self, index: usize, color: ColorRgb) {
        if index < palette::COLORS {
            self.term.set_color(index, color);
        }
    }

    fn reset_color(&mut self, index: usize) {
        if index < palette::COLORS {
            self.term.reset_color(index);
        }
    }

    fn push_keyboard_mode(&mut self, mode: KeyboardModes) {
        self.keyboard.top = (self.keyboard.top + 1) % KEYBOARD_MODES;
        self.keyboard.modes[self.keyboard.top] = mode.bits();
        self.term.push_keyboard_mode(mode);
    }

    fn pop_keyboard_modes(&mut self, count: u16) {
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

    fn set_keyboard_mode(&mut self, mode: KeyboardModes, apply: KeyboardModesApplyBehavior) {
        Handler::set_keyboard_mode(&mut self.term, mode, apply);
        self.keyboard.modes[self.keyboard.top] = self.term.keyboard_mode().bits();
    }

    fn identify_terminal(&mut self, intermediate: Option<char>) {
        // A VT220 with colours. Source: xterm ctlseqs, DA1 and DA2.
        match intermediate {
            None => self.reply(format_args!("\x1b[?62;22c")),
            Some('>') => self.reply(format_args!("\x1b[>1;10;0c")),
            Some(_) => {}
        }
    }

    fn device_status(&mut self, kind: usize) {
        let at = self.term.grid.cursor.pos;
        let origin = if self.term.mode().contains(Mode::ORIGIN) {
            self.region.0
        } else {
            0
        };
        match kind {
            5 => self.reply(format_args!("\x1b[0n")),
            6 => self.reply(format_args!(
                "\x1b[{};{}R",
                at.row.0 - origin + 1,
                at.col.0 + 1
            )),
            _ => {}
        }
    }

    fn report_version(&mut self) {
        self.reply(format_args!(
            "\x1bP>|fugue({})\x1b\\",
            env!("CARGO_PKG_VERSION")
        ));
    }

    fn report_keyboard_mode(&mut self) {
        let bits = self.term.keyboard_mode().bits();
        self.reply(format_args!("\x1b[?{bits}u"));
    }

    fn report_mode(&mut self, mode: AnsiMode) {
        let state = match mode {
            AnsiMode::Named(NamedMode::Insert) => mode_state(self.inserting),
            AnsiMode::Named(NamedMode::LineFeedNewLine) => {
                mode_state(self.term.mode().contains(Mode::LINE_FEED_NEW_LINE))
            }
            AnsiMode::Unknown(_) => 0,
        };
        self.reply(format_args!("\x1b[{};{state}$y", mode.raw()));
    }

    fn report_private_mode(&mut self, mode: PrivateMode) {
        let state = self.private_mode(mode).map_or(0, mode_state);
        self.reply(format_args!("\x1b[?{};{state}$y", mode.raw()));
    }

    fn dynamic_color_sequence(&mut self, prefix: String, index: usize, terminator: &str) {
        let set = self.term.colors[index.min(palette::COLORS - 1)].map(palette::from_array);
        if let Some(color) = set.or_else(|| palette::default_color(index)) {
            let ColorRgb { r, g, b } = color;
            self.reply(format_args!(
                "\x1b]{prefix};rgb:{r:02x}{r:02x}/{g:02x}{g:02x}/{b:02x}{b:02x}{terminator}"
            ));
        }
    }

    fn text_area_size_chars(&mut self) {
        let size = self.size();
        self.reply(format_args!("\x1b[8;{};{}t", size.rows, size.cols));
    }

    fn xtgettcap_response(&mut self, response: String) {
        self.reply(format_args!("{response}"));
    }
}

impl Engine {
    /// Prints `c`, as a part of the cluster before it where the mode and the rules say so.
    fn input_joined(&mut self, c: char) {
        self.term.input(c);
        if c > '\u{ff}' && self.term.mode().contains(Mode::GRAPHEME_CLUSTER) {
            // A cluster that becomes wide can cover half of a wide character, in the next row when it has to move there.
            let line = self.term.grid.cursor.pos.row;
            self.repair_wide(line);
            if line > 0 {
                self.repair_wide(line - 1);
            }
        }
    }

    /// Puts `c` into a cell of its own even where it would continue a cluster.
    fn input_apart(&mut self, c: char) {
        let clusters = self.term.mode().contains(Mode::GRAPHEME_CLUSTER);
        self.term.set_grapheme_clustering(false);
        self.term.input(c);
        if clusters {
            self.term
                .set_private_mode(NamedPrivateMode::GraphemeCluster.into());
        }
    }

    /// Prints `c` before what is at the cursor. Source: ECMA-48 7.2.10, IRM.
    ///
    /// The engine's own insert mode shifts cells without regard to wide characters, and so leaves halves of them.
    fn insert(&mut self, c: char, width: usize) {
        if self.term.grid.cursor.should_wrap {
            self.term.wrapline();
        }
        let last = self.term.grid.last_column();
        let no_room = width > 1 && self.term.grid.cursor.pos.col == last;
        if no_room && self.term.mode().contains(Mode::LINE_WRAP) {
            self.term.write_at_cursor(' ');
            self.term.grid.cursor_cell().set_wide(Wide::LeadingSpacer);
            self.term.wrapline();
        }
        if self.term.grid.cursor.pos.col + width <= last {
            self.term.insert_blank(width);
        }
        self.input_apart(c);
    }

    fn enter_alternate(&mut self) {
        if !self.is_alternate() {
            self.primary_end = (self.epochs.count, self.end_mark());
            self.swap_screens();
        }
    }

    fn leave_alternate(&mut self) {
        if self.is_alternate() {
            self.swap_screens();
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

    /// Whether a mode is on, `None` for one that does not exist here.
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
