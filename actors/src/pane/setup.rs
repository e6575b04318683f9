//! What a pane's terminal is, whatever runs in it.

use protocol::Size;
use protocol::config::{ClipboardWish, DaemonConfig};
use protocol::terminal::{CellPixels, TerminalFacts};
use rustix::termios::Winsize;
use terminal::screen::Copies;

use super::PaneRecord;

/// How a pane's screen is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    /// Lines of scrollback.
    pub history_lines: usize,
    /// Whether what the program copies is passed on.
    pub copies: Copies,
    /// What is known at first of the terminal of who looks.
    pub terminal: TerminalFacts,
}

impl PaneRecord {
    /// How its screen is made, where this is known of the terminal of who looks.
    #[must_use]
    pub fn setup(&self, config: &DaemonConfig, terminal: TerminalFacts) -> Setup {
        let is_passed_on = match config.clipboard {
            ClipboardWish::Off => false,
            ClipboardWish::People => !self.origin.agent,
            ClipboardWish::All => true,
        };
        Setup {
            history_lines: self.history_lines,
            copies: match is_passed_on {
                true => Copies::PassedOn,
                false => Copies::Ignored,
            },
            terminal,
        }
    }
}

/// What a program finds its terminal to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Its size in cells.
    pub(crate) size: Size,
    /// The size of a cell, where it is known.
    pub(crate) cell: Option<CellPixels>,
}

impl Window {
    /// As the kernel has it: 0 for pixels that nobody knows.
    pub(crate) fn winsize(self) -> Winsize {
        let (width, height) = self.cell.map_or((0, 0), |cell| cell.of_screen(self.size));
        Winsize {
            ws_row: self.size.rows,
            ws_col: self.size.cols,
            ws_xpixel: width,
            ws_ypixel: height,
        }
    }
}
