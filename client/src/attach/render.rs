//! Screen updates become bytes for the real terminal. Pure: no I/O and no clock.

mod clip;

use std::io::Write;

use protocol::Size;
use protocol::event::{ScreenCursor, ScreenUpdate, mode};

use clip::{clipped, columns};

/// What the real terminal shows and which of its modes are on.
#[derive(Debug)]
pub(super) struct Renderer {
    terminal: Size,
    pane: Size,
    cursor: ScreenCursor,
    cursor_shown: bool,
    shape: u8,
    modes: u32,
    message: Option<String>,
}

impl Renderer {
    /// For a terminal of this size whose modes are all off and whose cursor is shown.
    pub(super) fn new(terminal: Size) -> Self {
        Self {
            terminal,
            pane: terminal,
            cursor: ScreenCursor::default(),
            cursor_shown: true,
            shape: 0,
            modes: 0,
            message: None,
        }
    }

    /// The terminal has another size now; a full update has to follow.
    pub(super) fn resize(&mut self, terminal: Size) {
        self.terminal = terminal;
    }

    /// A message stands on the last line.
    pub(super) fn has_message(&self) -> bool {
        self.message.is_some()
    }

    /// Draws an update.
    pub(super) fn draw(&mut self, update: &ScreenUpdate, out: &mut Vec<u8>) {
        // One row is one write anyway; more than that shall not be seen half done.
        let together = update.full || update.rows.len() > 1;
        if together {
            out.extend_from_slice(b"\x1b[?2026h");
        }
        if update.full || !update.rows.is_empty() {
            self.hide_cursor(out);
        }
        self.pane = update.size;
        if update.full {
            out.extend_from_slice(b"\x1b[m\x1b[H\x1b[2J");
        }
        for row in update
            .rows
            .iter()
            .filter(|row| row.row < self.terminal.rows)
        {
            self.draw_row(row.row, &row.ansi, update.full, out);
        }
        self.draw_message(out);
        self.set_modes(update.modes, out);
        if let Some(title) = &update.title {
            set_title(title, out);
        }
        if update.bell {
            out.push(0x07);
        }
        self.cursor = update.cursor;
        self.place_cursor(out);
        if together {
            out.extend_from_slice(b"\x1b[?2026l");
        }
    }

    /// Puts a message on the last line, or takes it away; then a full update has to follow.
    pub(super) fn say(&mut self, message: Option<String>, out: &mut Vec<u8>) {
        self.message = message;
        if self.message.is_some() {
            self.hide_cursor(out);
            self.draw_message(out);
            self.place_cursor(out);
        }
    }

    fn draw_row(&self, row: u16, ansi: &[u8], blank: bool, out: &mut Vec<u8>) {
        let limit = usize::from(self.terminal.cols);
        let used = columns(ansi);
        go_to(row, 0, out);
        if used > limit {
            out.extend_from_slice(&clipped(ansi, limit));
        } else {
            out.extend_from_slice(ansi);
        }
        out.extend_from_slice(b"\x1b[m");
        // In the last column the cursor stays on the last cell, which erasing would take away.
        if !blank && used < limit {
            out.extend_from_slice(b"\x1b[K");
        }
    }

    fn draw_message(&self, out: &mut Vec<u8>) {
        let Some(message) = &self.message else { return };
        go_to(self.terminal.rows.saturating_sub(1), 0, out);
        out.extend_from_slice(b"\x1b[7m");
        let text: String = message.chars().filter(|c| !c.is_control()).collect();
        out.extend_from_slice(&clipped(text.as_bytes(), usize::from(self.terminal.cols)));
        out.extend_from_slice(b"\x1b[m");
        if columns(text.as_bytes()) < usize::from(self.terminal.cols) {
            out.extend_from_slice(b"\x1b[K");
        }
    }

    fn hide_cursor(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.cursor_shown, false) {
            out.extend_from_slice(b"\x1b[?25l");
        }
    }

    fn place_cursor(&mut self, out: &mut Vec<u8>) {
        let ScreenCursor {
            row,
            col,
            visible,
            shape,
        } = self.cursor;
        let inside = row < self.terminal.rows && row < self.pane.rows;
        if !visible || !inside || self.terminal.cols == 0 {
            self.hide_cursor(out);
            return;
        }
        go_to(row, col.min(self.terminal.cols - 1), out);
        if shape != self.shape {
            self.shape = shape;
            put(out, format_args!("\x1b[{shape} q"));
        }
        if !std::mem::replace(&mut self.cursor_shown, true) {
            out.extend_from_slice(b"\x1b[?25h");
        }
    }

    /// Makes the real terminal's modes those of the pane, so that it sends what the program
    /// expects.
    fn set_modes(&mut self, modes: u32, out: &mut Vec<u8>) {
        let before = std::mem::replace(&mut self.modes, modes);
        let changed = |bits: u32| (before ^ modes) & bits != 0;
        for (bit, number) in PLAIN_MODES {
            if changed(bit) {
                set(number, modes & bit != 0, out);
            }
        }
        if changed(mode::APPLICATION_KEYPAD) {
            let on = modes & mode::APPLICATION_KEYPAD != 0;
            out.extend_from_slice(if on { b"\x1b=" } else { b"\x1b>" });
        }
        // A terminal has one kind of mouse tracking at a time, the last one set: all off, then on.
        if changed(TRACKING.iter().fold(0, |bits, (bit, _)| bits | bit)) {
            for (on, modes) in [(false, before), (true, modes)] {
                for (bit, number) in TRACKING {
                    if modes & bit != 0 {
                        set(number, on, out);
                    }
                }
            }
        }
    }
}

/// Modes that are switched on their own, with their DECSET numbers.
///
/// Source: xterm ctlseqs, DECSET.
const PLAIN_MODES: [(u32, u16); 5] = [
    (mode::APPLICATION_CURSOR, 1),
    (mode::BRACKETED_PASTE, 2004),
    (mode::FOCUS_EVENTS, 1004),
    (mode::MOUSE_UTF8, 1005),
    (mode::MOUSE_SGR, 1006),
];

/// Kinds of mouse tracking, from the least to the most.
const TRACKING: [(u32, u16); 3] = [
    (mode::MOUSE_CLICK, 1000),
    (mode::MOUSE_DRAG, 1002),
    (mode::MOUSE_MOTION, 1003),
];

fn set(number: u16, on: bool, out: &mut Vec<u8>) {
    put(
        out,
        format_args!("\x1b[?{number}{}", if on { 'h' } else { 'l' }),
    );
}

fn go_to(row: u16, col: u16, out: &mut Vec<u8>) {
    put(out, format_args!("\x1b[{};{}H", row + 1, col + 1));
}

fn set_title(title: &str, out: &mut Vec<u8>) {
    let plain: String = title.chars().filter(|c| !c.is_control()).collect();
    put(out, format_args!("\x1b]2;{plain}\x07"));
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text)
        .expect("writing into memory does not fail");
}

#[cfg(test)]
mod tests;
