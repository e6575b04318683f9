//! The child spec of a pane.

use std::sync::Arc;

use supervisor::{ChildSpec, RestartType, Shutdown};

use super::{PaneActor, PaneArgs, PaneEntry};
use crate::children::GOODBYE;
use crate::server::Server;

/// A pane. It ends normally when the pane is closed.
#[must_use]
pub(crate) fn spec(server: &Arc<Server>, entry: &Arc<PaneEntry>) -> ChildSpec {
    let (server, pane) = (Arc::clone(server), Arc::clone(entry));
    ChildSpec::actor_in(
        entry.child_id(),
        &entry.address,
        || PaneActor,
        move || PaneArgs {
            server: Arc::clone(&server),
            entry: Arc::clone(&pane),
        },
    )
    .restart(RestartType::Transient)
    .shutdown(Shutdown::Timeout(GOODBYE))
}
