//! The guard of an orchestration, which stands in for an actor that is gone for good.

use std::sync::Arc;
use std::time::Duration;

use super::{OrchestrationEntry, OrchestrationState, stop};
use crate::server::Server;
use model::orchestration::progress::StopReason;

/// The time that a restart of the actor may take before the guard concludes that there will be none.
const RESTART_LIMIT: Duration = Duration::from_secs(5);

/// Cleans up if the actor ends before its orchestration and is not restarted.
pub(super) fn guard(server: &Arc<Server>, entry: &Arc<OrchestrationEntry>) {
    let server = Arc::clone(server);
    let entry = Arc::clone(entry);
    tokio::spawn(async move {
        loop {
            if let Some(actor) = entry.address.get() {
                actor.vitals().wait_ended().await;
            }
            let stopping = server.stop_order().borrow().is_some();
            if entry.snapshot().status.is_final() || stopping {
                return;
            }
            if !has_actor(&entry).await {
                break;
            }
        }
        tracing::error!(orchestration_id = %entry.id, "the actor is gone for good; cleaning up");
        stop::stop(&server, &entry, StopReason::Broken);
        let mut recorded = entry.recorded();
        let mut state = OrchestrationState::new(server, entry);
        while !state.step() {
            if recorded.changed().await.is_err() {
                return;
            }
        }
    });
}

async fn has_actor(entry: &OrchestrationEntry) -> bool {
    let mut changes = entry.changes();
    let found = async {
        tokio::select! {
            _ = entry.address.next_after(None) => {}
            _ = changes.wait_for(|progress| progress.status.is_final()) => {}
        }
    };
    tokio::time::timeout(RESTART_LIMIT, found).await.is_ok()
}
