//! Tells whether a pane's program waits for keys: what its foreground processes are blocked in, as the kernel shows it.

use keeper::Blocked;

use super::PaneEntry;

/// True if a process in the foreground of the pane's terminal reads it, or waits for it to be readable while it takes
/// single keys. Reads `/proc`, so it blocks for some microseconds for each process. False also when that cannot be
/// known.
#[must_use]
pub(crate) fn for_keys(pane: &PaneEntry) -> bool {
    if pane.state().borrow().has_ended() {
        return false;
    }
    let Some(terminal) = pane.io.terminal() else {
        return false;
    };
    let keeper = i32::try_from(pane.process().keeper_pid).unwrap_or(0);
    let mut blocked = keeper::foreground(keeper, terminal.foreground);
    blocked.any(|process| match process {
        Blocked::Reading => true,
        // An editor or a pager; what works in between looks as well, but only those take single keys.
        Blocked::Polling => terminal.takes_keys,
        Blocked::Otherwise => false,
    })
}
