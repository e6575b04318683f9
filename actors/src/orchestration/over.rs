//! Panes of what is over: they go with the result of their run, and earlier when room is needed for something new.

use std::sync::Arc;

use protocol::OrchestrationUuid;

use crate::pane::{self, PaneEntry};
use crate::server::Server;
use model::pane::PaneLife;

/// Closes the oldest pane of which nothing runs any more: a run's before one that somebody has kept. False when there is none.
pub(crate) async fn give_way(server: &Arc<Server>) -> bool {
    let mut over: Vec<_> = server
        .registry
        .panes()
        .into_iter()
        .filter(|pane| is_over(&pane.state().borrow()) && !runs_still(server, pane))
        .map(|pane| {
            let ended = pane.state().borrow().end().map(|end| end.at_ms);
            (run_of(&pane).is_none(), ended, pane)
        })
        .collect();
    over.sort_by_key(|(kept, ended, pane)| (*kept, *ended, pane.id));
    for (_, _, pane) in over {
        if close(server, &pane).await {
            return true;
        }
    }
    false
}

/// Closes the panes of a run whose result is forgotten.
pub(super) fn forget_panes(server: &Arc<Server>, run: OrchestrationUuid) {
    let of_run = |pane: &Arc<PaneEntry>| run_of(pane) == Some(run);
    let panes: Vec<_> = server.registry.panes().into_iter().filter(of_run).collect();
    if panes.is_empty() {
        return;
    }
    let server = Arc::clone(server);
    tokio::spawn(async move {
        for pane in panes {
            if is_over(&pane.state().borrow()) {
                close(&server, &pane).await;
            }
        }
    });
}

/// Closes a pane, unless something that its program has left there is alive.
async fn close(server: &Arc<Server>, pane: &Arc<PaneEntry>) -> bool {
    let left = pane.process().keeper.descendants().await;
    if left.is_ok_and(|left| !left.is_empty()) {
        return false;
    }
    tracing::info!(pane = %pane.shown(), pane_id = %pane.id, session_id = %pane.session, "a pane whose program has ended gives way");
    pane::close(server, pane, false).await;
    true
}

/// Its program has ended, and it was to stay as it is.
fn is_over(state: &PaneLife) -> bool {
    state.is_kept() && !state.is_closing()
}

/// The run that made it.
fn run_of(pane: &PaneEntry) -> Option<OrchestrationUuid> {
    pane.record.made_by.as_ref()?.orchestration()
}

/// Its run has not ended, and closes it itself or reads it.
fn runs_still(server: &Server, pane: &PaneEntry) -> bool {
    let run = run_of(pane).and_then(|run| {
        server
            .registry
            .orchestrations()
            .get(&run)
            .map(|run| Arc::clone(&run))
    });
    run.is_some_and(|run| !run.snapshot().status.is_final())
}
