//! The setup of a pane's terminal, whatever runs in it, and what its task needs of the daemon.

use std::future::Future;
use std::pin::Pin;

use protocol::terminal::{CellPixels, TerminalFacts};
use protocol::{PaneUuid, Size};
use rustix::termios::Winsize;
use terminal::screen::Copies;
use tokio::task::AbortHandle;

/// The future of a task.
pub type TaskFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The pane that a task belongs to, once that is known.
pub type TaskSubject = Box<dyn Fn() -> Option<PaneUuid> + Send + Sync>;

/// The daemon as a task knows it.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Starts a task, as one whose turns belong to its pane; it ends when it is aborted by what is returned.
    pub spawn: fn(TaskSubject, TaskFuture) -> AbortHandle,
    /// Milliseconds since 1970.
    pub epoch_ms: fn() -> u64,
}

/// The setup of a pane's screen and task.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Lines of scrollback.
    pub history_lines: usize,
    /// Whether what the program copies is passed on.
    pub copies: Copies,
    /// Facts that are known at first of the terminal of who looks.
    pub terminal: TerminalFacts,
    /// The daemon that the task runs in.
    pub host: Host,
}

/// The window that a program finds its terminal to be.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Its size in cells.
    pub size: Size,
    /// The size of a cell, where it is known.
    pub cell: Option<CellPixels>,
}

impl Window {
    /// The window as the kernel has it: 0 for pixels that nobody knows.
    #[must_use]
    pub fn winsize(self) -> Winsize {
        let (width, height) = self.cell.map_or((0, 0), |cell| cell.of_screen(self.size));
        Winsize {
            ws_row: self.size.rows,
            ws_col: self.size.cols,
            ws_xpixel: width,
            ws_ypixel: height,
        }
    }
}
