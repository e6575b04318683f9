//! The setup of a pane's terminal, from what the pane was made as.

use protocol::config::{ClipboardWish, DaemonConfig};
use protocol::terminal::TerminalFacts;
use pty::{Host, Setup};
use terminal::screen::Copies;

use super::PaneRecord;
use crate::clock::epoch_ms;

/// The daemon as the I/O tasks of its panes know it.
const HOST: Host = Host {
    spawn: |pane, task| {
        let subject = move || pane().map_or(0, |id| id.as_uuid().as_u128());
        tokio::spawn(supervisor::noted(subject, task));
    },
    epoch_ms,
};

impl PaneRecord {
    /// The setup of its screen, where this is known of the terminal of who looks.
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
            host: HOST,
        }
    }
}
