//! A usual terminal for a program's next life: what the last one has printed stays, its modes do not.

use rio_vt::crosswords::pos::Line;

use super::{Screen, render};

/// Ends whatever sequence or string the last life has left unfinished.
const END_SEQUENCE: &[u8] = b"\x18\x1b\\\x1b[?2026l";

/// The primary screen, by each of the three modes that show the other one.
const PRIMARY: &[u8] = b"\x1b[?1049l\x1b[?1047l\x1b[?47l";

/// Everything that a program can have changed and another one takes for granted: colours and links,
/// region, origin, wrapping, insertion, newline mode, reverse video, charsets, cursor and its form,
/// keys, keypad, mouse, pastes, focus, keyboard protocols, palette, tabs.
const USUAL: &[u8] = b"\x1b[0m\x1b]8;;\x1b\\\x1b[r\x1b[?6l\x1b[?69l\x1b[?7h\x1b[4l\x1b[20l\x1b[?5l\
\x0f\x1b(B\x1b)B\x1b*B\x1b+B\x1b[?25h\x1b[0 q\x1b[?12l\
\x1b[?1l\x1b>\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l\
\x1b[?2004l\x1b[?1004l\x1b[<99u\x1b[=0;1u\x1b[>4m\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\\x1b[3g";

/// Columns between two tabs.
const TAB_COLUMNS: u16 = 8;

impl Screen {
    /// Makes the terminal usual again, with the cursor on a line of its own below all that is there.
    pub fn begin_life(&mut self) {
        self.advance(END_SEQUENCE);
        if self.engine.is_alternate() {
            self.advance(PRIMARY);
        }
        let last = self
            .engine
            .end_row()
            .saturating_sub(self.engine.screen_top());
        // The number of rows of a screen is small.
        let is_blank = render::is_blank_row(self.engine.grid(), Line(last as i32));
        let row = self.engine.end_row();
        let is_free = is_blank && self.engine.line_start(row) == row;
        let mut bytes = USUAL.to_vec();
        let columns = (TAB_COLUMNS..self.size().cols).step_by(TAB_COLUMNS.into());
        for column in columns {
            bytes.extend_from_slice(format!("\x1b[{}G\x1bH", column + 1).as_bytes());
        }
        bytes.extend_from_slice(format!("\x1b[{};1H", last + 1).as_bytes());
        // The region is whole: at the bottom this moves the first row to the scrollback.
        bytes.extend_from_slice(if is_free { b"\x1b7" } else { b"\r\n\x1b7" });
        self.engine.facts.begin_life();
        self.advance(&bytes);
        // Nobody is there to be answered.
        let _ = self.take_replies();
    }
}
