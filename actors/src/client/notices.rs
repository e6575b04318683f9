//! Whose notifications a view is shown.

use protocol::Name;
use protocol::event::ScreenUpdate;

/// Marks the notifications of an update with the name of their pane, else of their session.
pub(super) fn mark(update: &mut ScreenUpdate, pane: Option<&Name>, session: &Name) {
    for notice in &mut update.notices {
        pane.unwrap_or(session)
            .as_str()
            .clone_into(&mut notice.from);
    }
}
