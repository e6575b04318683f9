//! The setup of a pane's terminal, from what the pane was made as.

use protocol::config::{ClipboardWish, DaemonConfig};
use protocol::terminal::TerminalFacts;
use pty::{Host, ScreenSetup, Setup};
use terminal::screen::{Copies, Permissions};

use crate::clock::epoch_ms;
use model::pane::PaneRecord;

/// The daemon as the I/O tasks of its panes know it.
const HOST: Host = Host {
    spawn: |pane, task| {
        let subject = move || pane().map_or(0, |id| id.as_uuid().as_u128());
        tokio::spawn(supervisor::noted(subject, task)).abort_handle()
    },
    epoch_ms,
};

/// The setup of a pane's screen, where this is known of the terminal of who looks.
#[must_use]
pub(crate) fn setup_of(
    record: &PaneRecord,
    config: &DaemonConfig,
    terminal: TerminalFacts,
) -> Setup {
    let is_passed_on = match config.clipboard {
        ClipboardWish::Off => false,
        ClipboardWish::People => !record.origin.agent,
        ClipboardWish::All => true,
    };
    Setup {
        screen: ScreenSetup {
            history_lines: record.history_lines,
            permissions: Permissions {
                copies: match is_passed_on {
                    true => Copies::PassedOn,
                    false => Copies::Ignored,
                },
                title_locked: record.settings.title_locked,
            },
        },
        terminal,
        host: HOST,
    }
}
