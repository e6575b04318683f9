//! The child spec of an orchestration.

use std::sync::Arc;

use protocol::OrchestrationUuid;
use supervisor::{ChildId, ChildSpec, RestartType, Shutdown};

use super::{OrchestrationActor, OrchestrationArgs, OrchestrationEntry};
use crate::children::GOODBYE;
use crate::server::Server;

/// An orchestration. It ends normally when its clean-up is done.
#[must_use]
pub(crate) fn spec(server: &Arc<Server>, entry: &Arc<OrchestrationEntry>) -> ChildSpec {
    let (server, job) = (Arc::clone(server), Arc::clone(entry));
    ChildSpec::actor_in(
        id(entry.id),
        &entry.address,
        || OrchestrationActor,
        move || OrchestrationArgs {
            server: Arc::clone(&server),
            entry: Arc::clone(&job),
        },
    )
    .restart(RestartType::Transient)
    .shutdown(Shutdown::Timeout(GOODBYE))
}

/// An orchestration's name under its supervisor.
#[must_use]
pub(crate) fn id(id: OrchestrationUuid) -> ChildId {
    ChildId::from(id.to_string())
}
