//! The child spec of a session.

use std::sync::Arc;

use protocol::SessionUuid;
use supervisor::{ChildId, ChildSpec, Shutdown, Strategy, SupervisorSpec};

use super::entry::SessionEntry;
use super::{SessionActor, SessionArgs};
use crate::children::{GOODBYE, dynamic, one_child};
use crate::server::Server;

/// A session: its panes first, then the actor that knows about them.
#[must_use]
pub(crate) fn spec(server: &Arc<Server>, entry: &Arc<SessionEntry>) -> ChildSpec {
    let args = {
        let (server, entry) = (Arc::clone(server), Arc::clone(entry));
        move || SessionArgs {
            server: Arc::clone(&server),
            entry: Arc::clone(&entry),
        }
    };
    let state = ChildSpec::actor_in("state", &entry.address, || SessionActor, args)
        .shutdown(Shutdown::Timeout(GOODBYE));
    let spec = SupervisorSpec::new(Strategy::RestForOne)
        .intensity(one_child())
        .child(ChildSpec::dynamic("panes", dynamic()).publish(&entry.panes))
        .child(state);
    ChildSpec::supervisor(id(entry.id), spec)
}

/// A session's name under its supervisor.
#[must_use]
pub(crate) fn id(id: SessionUuid) -> ChildId {
    ChildId::from(id.to_string())
}
