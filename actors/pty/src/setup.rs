//! The setup of a pane's terminal, whatever runs in it, and what its task needs of the daemon.

use std::future::Future;
use std::pin::Pin;

use protocol::terminal::{CellPixels, TerminalFacts};
use protocol::{PaneUuid, Size};
use rustix::termios::Winsize;
use terminal::screen::{Permissions, Screen};
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

/// The setup of a screen.
#[derive(Clone, Copy, Debug)]
pub struct ScreenSetup {
    /// Lines of scrollback.
    pub history_lines: usize,
    /// The program's rights over what others see.
    pub permissions: Permissions,
}

impl ScreenSetup {
    /// So many lines, and no rights.
    #[cfg(test)]
    pub(crate) fn keeping(history_lines: usize) -> Self {
        Self {
            history_lines,
            permissions: Permissions::default(),
        }
    }

    /// An empty screen.
    pub(crate) fn empty(&self, size: Size) -> Screen {
        let mut screen = Screen::new(size, self.history_lines);
        screen.permit(self.permissions);
        screen
    }
}

/// The setup of a pane's screen and task.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The screen as it begins.
    pub screen: ScreenSetup,
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
