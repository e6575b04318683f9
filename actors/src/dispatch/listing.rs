//! Panes as they stand in lists.

use protocol::reply::PaneInfo;
use protocol::{Error, ErrorCode};

use crate::pane::PanePlace;
use crate::registry::Leaf;
use crate::server::Server;
use crate::session::SessionEntry;

/// The panes of a session, window by window.
pub(super) fn infos(server: &Server, session: &SessionEntry) -> Vec<PaneInfo> {
    let snapshot = session.snapshot();
    let mut infos = Vec::new();
    let focused = snapshot.focused_window().map(|window| window.id);
    for (window_index, window) in snapshot.windows.iter().enumerate() {
        for (index, id) in window.layout.panes().into_iter().enumerate() {
            let place = PanePlace {
                session_name: snapshot.name.clone(),
                window: window.id,
                window_index: u32::try_from(window_index).unwrap_or(u32::MAX),
                window_focused: focused == Some(window.id),
                index: u32::try_from(index).unwrap_or(u32::MAX),
                focused: window.focused == id,
            };
            infos.extend(server.registry.leaf(id).map(|leaf| leaf.info(&place)));
        }
    }
    infos
}

/// A pane or a mirror as it stands in a list now.
///
/// # Errors
/// `pane_exited` when it has just gone.
pub(super) fn info_of(
    server: &Server,
    session: &SessionEntry,
    leaf: &Leaf,
) -> Result<PaneInfo, Error> {
    let mut infos = infos(server, session).into_iter();
    let found = infos.find(|info| info.pane_id == leaf.id());
    found.ok_or_else(|| {
        let message = format!("pane {} is gone", leaf.number());
        Error::new(ErrorCode::PaneExited, message)
    })
}
