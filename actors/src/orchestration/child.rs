//! The child spec of an orchestration, and its start.

use std::sync::Arc;

use protocol::{Error, OrchestrationUuid};
use supervisor::{ChildId, ChildSpec, RestartType, Shutdown};

use super::{OrchestrationActor, OrchestrationArgs, OrchestrationEntry};
use crate::children::{self, GOODBYE};
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

/// Starts an orchestration's actor.
pub(super) async fn start(
    server: &Arc<Server>,
    entry: &Arc<OrchestrationEntry>,
) -> Result<(), Error> {
    let supervisor = server.orchestrations.get();
    let supervisor = supervisor.ok_or_else(|| children::supervisor_away("orchestrations"))?;
    supervisor
        .start_child(spec(server, entry))
        .await
        .map_err(|error| children::start_error("orchestration", &error))?;
    Ok(())
}

/// An orchestration's name under its supervisor.
#[must_use]
pub(crate) fn id(id: OrchestrationUuid) -> ChildId {
    ChildId::from(id.to_string())
}
