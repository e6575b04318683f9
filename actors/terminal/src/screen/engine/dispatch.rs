//! The table of what each control character, escape sequence and control sequence means.
//!
//! The engine brings a table of its own with its parser. This one stands in its place, because that one leaves sequences out, repeats
//! without bound and logs what it does not know.

use rio_vt::ansi::mode::{Mode as AnsiMode, NamedPrivateMode, PrivateMode};
use rio_vt::ansi::{
    ClearMode, CursorShape, KeyboardModes, KeyboardModesApplyBehavior, LineClearMode,
    TabulationClearMode,
};
use rio_vt::crosswords::pos::{CharsetIndex, Column, Line, StandardCharset};
use rio_vt::performer::handler::Handler as _;
use rio_vt::performer::parser::{Params, ParamsIter, Perform};

use super::Engine;

/// The parameters of a sequence, one after the other; 0 is the same as none.
struct Numbers<'a>(ParamsIter<'a>);

impl Numbers<'_> {
    fn next_or(&mut self, default: u16) -> u16 {
        match self.0.next() {
            Some(&[number, ..]) if number != 0 => number,
            _ => default,
        }
    }

    fn count(&mut self) -> usize {
        self.next_or(1).into()
    }
}

impl Perform for Engine {
    fn print(&mut self, c: char) {
        if !self.meter.is_spent() {
            self.charge_text(1);
            self.input(c);
        }
    }

    #[inline]
    fn print_str(&mut self, text: &str) {
        if !self.meter.is_spent() {
            self.charge_text(text.len());
            self.input_ascii(text);
        }
    }

    #[inline]
    fn print_codepoints(&mut self, codepoints: &[u32]) {
        if !self.meter.is_spent() {
            self.charge_text(codepoints.len());
            self.input_codepoints(codepoints);
        }
    }

    fn execute(&mut self, byte: u8) {
        if self.meter.is_spent() {
            return;
        }
        match byte {
            0x07 => self.events.bell = true,
            0x08 => self.term.backspace(),
            b'\t' => self.tab(),
            b'\n' | 0x0b | 0x0c => self.linefeed(),
            b'\r' => self.term.carriage_return(),
            0x0e => self.set_active_charset(CharsetIndex::G1),
            0x0f => self.set_active_charset(CharsetIndex::G0),
            _ => {}
        }
        self.meter.end_sequence();
    }

    fn hook(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        if !self.meter.is_spent() {
            self.begin_dcs(params, intermediates, ignore, action);
        }
    }

    fn put(&mut self, byte: u8) {
        self.put_slice(&[byte]);
    }

    fn put_slice(&mut self, bytes: &[u8]) {
        if !self.meter.is_spent() {
            self.extend_dcs(bytes);
        }
    }

    fn unhook(&mut self) {
        if !self.meter.is_spent() {
            self.end_dcs();
            self.meter.end_sequence();
        }
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], bell_terminated: bool) {
        if !self.meter.is_spent() {
            self.osc(params, bell_terminated);
            self.meter.end_sequence();
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _ignore: bool, byte: u8) {
        if !self.meter.is_spent() {
            self.escape(intermediates, byte);
            self.meter.end_sequence();
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        if self.meter.is_spent() {
            return;
        }
        if !ignore {
            match intermediates {
                [] => self.control(params, action),
                [b'?'] => self.private_control(params, action),
                _ => self.marked_control(params, intermediates, action),
            }
        }
        self.meter.end_sequence();
    }
}

impl Engine {
    /// Text writes its cells, and clears a row for each row that it fills.
    #[inline]
    fn charge_text(&mut self, characters: usize) {
        let rows = match self.region_rows() {
            1 => 0,
            rows => characters * 2 / self.term.columns() * rows,
        };
        self.meter.charge(characters * 4, rows);
    }

    /// The number of rows that move when the scroll region scrolls by one: none when it is the whole screen, a ring.
    pub(super) fn region_rows(&self) -> usize {
        let (top, end) = self.region;
        match top == 0 && end as usize == self.term.screen_lines() {
            true => 1,
            false => (end - top) as usize,
        }
    }

    pub(super) fn charge_screens(&mut self, count: usize) {
        let cells = self.term.screen_lines() * self.term.columns();
        self.meter.charge(count * cells, 0);
    }

    /// A change within the cursor's row.
    fn charge_row(&mut self) {
        self.meter.charge(self.term.columns(), 0);
    }

    /// The scroll region is about to move by so many rows.
    fn charge_scroll(&mut self, rows: usize) {
        let (top, end) = self.region;
        let region = (end - top) as usize;
        let cleared = rows.min(region);
        let moved = if rows == 1 {
            self.region_rows()
        } else {
            region
        };
        self.meter.charge(cleared * self.term.columns(), moved);
    }

    pub(super) fn linefeed(&mut self) {
        if self.term.grid.cursor.pos.row + 1 == self.region.1 {
            self.charge_scroll(1);
        }
        self.term.newline();
    }

    fn escape(&mut self, intermediates: &[u8], byte: u8) {
        match (byte, intermediates) {
            (b'D', []) => self.index(),
            (b'E', []) => {
                self.index();
                self.term.carriage_return();
            }
            (b'H', []) => self.set_tab(),
            (b'M', []) => {
                if self.term.grid.cursor.pos.row == self.region.0 {
                    self.charge_scroll(1);
                }
                self.term.reverse_index();
            }
            (b'Z', []) => self.identify(None),
            (b'c', []) => {
                self.charge_screens(2);
                self.reset();
            }
            (b'7', []) => self.save_cursor(),
            (b'8', []) => self.restore_cursor(),
            (b'8', [b'#']) => {
                self.charge_screens(1);
                self.align();
            }
            (b'=', []) => self.term.set_keypad_application_mode(),
            (b'>', []) => self.term.unset_keypad_application_mode(),
            (b'n', []) => self.set_active_charset(CharsetIndex::G2),
            (b'o', []) => self.set_active_charset(CharsetIndex::G3),
            (b'0' | b'A' | b'B', [place]) => self.designate(*place, byte),
            _ => {}
        }
    }

    fn index(&mut self) {
        if self.term.grid.cursor.pos.row + 1 == self.region.1 {
            self.charge_scroll(1);
        }
        self.term.linefeed();
    }

    fn designate(&mut self, place: u8, set: u8) {
        let index = match place {
            b'(' => CharsetIndex::G0,
            b')' => CharsetIndex::G1,
            b'*' => CharsetIndex::G2,
            b'+' => CharsetIndex::G3,
            _ => return,
        };
        let charset = match set {
            b'0' => StandardCharset::SpecialCharacterAndLineDrawing,
            _ => StandardCharset::Ascii,
        };
        self.british[index as usize] = set == b'A';
        self.term.configure_charset(index, charset);
    }

    /// Control sequences without a mark.
    fn control(&mut self, params: &Params, action: char) {
        let mut numbers = Numbers(params.iter());
        let cols = self.term.columns();
        match action {
            '@' | 'P' | 'X' => {
                self.charge_row();
                let count = numbers.count().min(cols);
                match action {
                    '@' => self.term.insert_blank(count),
                    'P' => self.delete_chars(count),
                    _ => self.term.erase_chars(Column(count)),
                }
            }
            'A' => self.move_up(numbers.count()),
            'B' => self.move_down(numbers.count()),
            'E' => {
                self.move_down(numbers.count());
                self.term.carriage_return();
            }
            'F' => {
                self.move_up(numbers.count());
                self.term.carriage_return();
            }
            'C' | 'a' => self.term.move_forward(Column(numbers.count().min(cols))),
            'D' | 'j' => self.term.move_backward(Column(numbers.count().min(cols))),
            'G' | '`' => self.move_to_col(numbers.count() - 1),
            'd' => {
                let row = numbers.next_or(1);
                self.term.goto_line(Line(i32::from(row) - 1));
            }
            'e' => self.move_rows(i32::from(numbers.next_or(1))),
            'k' => self.move_rows(-i32::from(numbers.next_or(1))),
            'H' | 'f' => {
                let (row, col) = (numbers.next_or(1), numbers.next_or(1));
                self.term
                    .goto(Line(i32::from(row) - 1), Column(usize::from(col) - 1));
            }
            'I' => self.term.move_forward_tabs(numbers.next_or(1)),
            'Z' => self.back_tab(numbers.count()),
            'J' => self.erase_screen(numbers.next_or(0)),
            'K' => self.erase_line(numbers.next_or(0)),
            'L' | 'M' | 'S' | 'T' => self.scroll(action, numbers.count()),
            'b' => self.repeat(numbers.count()),
            'm' => self.sgr(params),
            _ => self.setting(params, action),
        }
    }

    /// Control sequences without a mark that draw nothing.
    fn setting(&mut self, params: &Params, action: char) {
        let mut numbers = Numbers(params.iter());
        match action {
            'c' if numbers.next_or(0) == 0 => self.identify(None),
            'g' => match numbers.next_or(0) {
                0 => self.clear_tabs(TabulationClearMode::Current),
                3 => self.clear_tabs(TabulationClearMode::All),
                _ => {}
            },
            'h' => each(params, |mode| self.set_mode(AnsiMode::new(mode), true)),
            'l' => each(params, |mode| self.set_mode(AnsiMode::new(mode), false)),
            'n' => self.device_status(numbers.next_or(0)),
            'r' => {
                let top = numbers.count();
                let bottom = Some(numbers.next_or(0)).filter(|&bottom| bottom != 0);
                self.set_scrolling_region(top, bottom.map(usize::from));
            }
            's' => self.save_cursor(),
            'u' => self.restore_cursor(),
            't' => match numbers.next_or(1) {
                14 if numbers.next_or(0) == 0 => self.text_area_size_pixels(),
                16 => self.cell_size_pixels(),
                18 => self.text_area_size_chars(),
                22 => self.push_title(),
                23 => self.pop_title(),
                _ => {}
            },
            _ => {}
        }
    }

    fn erase_screen(&mut self, what: u16) {
        let cols = self.term.columns();
        let row = self.term.grid.cursor.pos.row.0 as usize;
        let (mode, rows) = match what {
            0 => (ClearMode::Below, self.term.screen_lines() - row),
            1 => (ClearMode::Above, row + 1),
            2 => (ClearMode::All, self.term.screen_lines()),
            3 => (ClearMode::Saved, 0),
            _ => return,
        };
        self.meter.charge(rows * cols, 0);
        self.clear_screen(mode);
    }

    fn erase_line(&mut self, what: u16) {
        let mode = match what {
            0 => LineClearMode::Right,
            1 => LineClearMode::Left,
            2 => LineClearMode::All,
            _ => return,
        };
        self.charge_row();
        self.term.clear_line(mode);
    }

    fn scroll(&mut self, action: char, count: usize) {
        self.charge_scroll(count.max(2));
        match action {
            'L' => self.term.insert_blank_lines(count),
            'M' => self.term.delete_lines(count),
            'S' => self.term.scroll_up(count),
            _ => self.term.scroll_down(count),
        }
    }

    /// Control sequences marked with `?`.
    fn private_control(&mut self, params: &Params, action: char) {
        let mut numbers = Numbers(params.iter());
        match action {
            'h' => self.private_modes(params, true),
            'l' => self.private_modes(params, false),
            'n' => self.private_status(numbers.next_or(0)),
            'u' => self.report_keyboard_mode(),
            'W' if numbers.next_or(0) == 5 => self.set_tabs(8),
            _ => {}
        }
    }

    fn private_modes(&mut self, params: &Params, on: bool) {
        let mut cleared = false;
        each(params, |mode| {
            let mode = PrivateMode::new(mode);
            if mode == NamedPrivateMode::ColumnMode.into() {
                // Once is as good as often.
                if std::mem::replace(&mut cleared, true) {
                    return;
                }
                self.charge_screens(1);
            }
            self.set_private_mode(mode, on);
        });
    }

    /// Control sequences with other marks.
    fn marked_control(&mut self, params: &Params, marks: &[u8], action: char) {
        let mut numbers = Numbers(params.iter());
        match (action, marks) {
            ('c', [b'>']) if numbers.next_or(0) == 0 => self.identify(Some('>')),
            ('m', [b'>']) => {
                // Without numbers all resources are set back. Source: xterm ctlseqs, XTMODKEYS.
                match (numbers.next_or(0), numbers.next_or(0)) {
                    (4, level @ 0..=2) => self.term.set_modify_other_keys(level as u8),
                    (0, 0) => self.term.set_modify_other_keys(0),
                    _ => {}
                }
            }
            ('n', [b'>']) if numbers.next_or(0) == 4 => self.term.set_modify_other_keys(0),
            ('p', [b'!']) => self.soft_reset(),
            ('p', [b'$']) => self.report_mode(AnsiMode::new(numbers.next_or(0))),
            ('p', [b'?', b'$']) => self.report_private_mode(PrivateMode::new(numbers.next_or(0))),
            ('q', [b'>']) if numbers.next_or(0) == 0 => self.report_version(),
            ('q', [b' ']) => self.cursor_style(numbers.next_or(0)),
            ('u', [b'>']) => self.push_keyboard_mode(flags(numbers.next_or(0))),
            ('u', [b'<']) => self.pop_keyboard_modes(numbers.next_or(1)),
            ('u', [b'=']) => {
                let flags = flags(numbers.next_or(0));
                let apply = match numbers.next_or(1) {
                    3 => KeyboardModesApplyBehavior::Difference,
                    2 => KeyboardModesApplyBehavior::Union,
                    _ => KeyboardModesApplyBehavior::Replace,
                };
                self.set_keyboard_mode(flags, apply);
            }
            _ => {}
        }
    }

    fn cursor_style(&mut self, style: u16) {
        let shape = match style {
            0 => None,
            1 | 2 => Some(CursorShape::Block),
            3 | 4 => Some(CursorShape::Underline),
            5 | 6 => Some(CursorShape::Beam),
            _ => return,
        };
        self.term.set_cursor_style(shape, style % 2 == 1);
    }
}

/// Gives each parameter to `act`.
fn each(params: &Params, mut act: impl FnMut(u16)) {
    for param in params.iter() {
        act(param.first().copied().unwrap_or(0));
    }
}

fn flags(bits: u16) -> KeyboardModes {
    KeyboardModes::from_bits_truncate(bits as u8)
}
