//! Marks on the notifications that a view is shown: the name of the pane, else of the session, that each is from.

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
