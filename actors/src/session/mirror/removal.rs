//! The removal of mirrors.

use std::sync::Arc;

use protocol::PaneUuid;

use crate::registry::Mirror;
use crate::server::Server;
use crate::session::{SessionMsg, ask};

/// The pane is gone, and its mirrors with it.
pub(crate) async fn pane_gone(server: &Arc<Server>, pane: PaneUuid) {
    for mirror in server.registry.take_mirrors_of(pane) {
        remove(server, &mirror).await;
    }
}

/// Takes a mirror out of the registry, the database and its session's layout.
pub(super) async fn remove(server: &Arc<Server>, mirror: &Mirror) {
    server.registry.remove_mirror(mirror.id);
    let _ = server.store.forget_mirror(mirror.id);
    if let Some(session) = server.registry.session(mirror.session) {
        ask::tell(&session, SessionMsg::PaneGone(mirror.id)).await;
    }
}
