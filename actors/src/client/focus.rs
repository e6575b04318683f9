//! Focus reports: a pane's program is told when the first person comes and the last one goes, if it asked for that.

use std::sync::Arc;

use protocol::event::mode;

use crate::pane::PaneEntry;

/// Source: xterm ctlseqs, DECSET 1004.
const GAINED: &[u8] = b"\x1b[I";
/// See [`GAINED`].
const LOST: &[u8] = b"\x1b[O";

/// A person's look at a pane, from its first frame on; dropped when it ends.
pub(super) struct Looking {
    pane: Arc<PaneEntry>,
    /// The person's terminal has the focus.
    focused: bool,
    /// The program wants to be told.
    wanted: bool,
}

/// The report that a terminal makes of its focus; none when it says something else.
pub(super) fn report(bytes: &[u8]) -> Option<bool> {
    match bytes {
        _ if bytes == GAINED => Some(true),
        _ if bytes == LOST => Some(false),
        _ => None,
    }
}

impl Looking {
    /// Somebody looks at `pane`, which has these modes.
    pub(super) fn begin(pane: Arc<PaneEntry>, modes: u32) -> Self {
        let mut looking = Self {
            pane,
            focused: false,
            wanted: false,
        };
        looking.modes(modes);
        looking.focus(true);
        looking
    }

    /// The pane's modes are these now.
    pub(super) fn modes(&mut self, modes: u32) {
        self.wanted = modes & mode::FOCUS_EVENTS != 0;
    }

    /// The person's terminal got or lost the focus.
    pub(super) fn focus(&mut self, focused: bool) {
        if std::mem::replace(&mut self.focused, focused) == focused {
            return;
        }
        let others = self.pane.io.count_look(focused);
        if others == 0 && self.wanted {
            // Behind something that the program does not read, nobody waits for it.
            let _ = self.pane.io.type_now(if focused { GAINED } else { LOST });
        }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.focus(false);
    }
}
