//! The keeper of a pane whose end could not be recorded: it alone could tell that end to the next daemon, so it is there until it is recorded.

use std::path::PathBuf;
use std::sync::Arc;

use keeper_link::{Keeper, KeeperExit};
use protocol::PaneUuid;

use super::super::{PaneEntry, life};
use crate::server::Server;
use crate::store::PendingCommit;

/// Leaves the keeper to a task that lets it go when the pane's end is recorded. False when that is of no use or not possible: it
/// does not know the program's end either, too many wait, or the daemon ends and tells the next one otherwise.
pub(super) fn leave(server: &Arc<Server>, entry: &Arc<PaneEntry>) -> bool {
    let keeper = entry.process().keeper.clone();
    let knows = matches!(*keeper.exit().borrow(), Some(KeeperExit::Program(_)));
    let tells = server.is_stopping() && !server.is_leaving_panes();
    if !knows || tells || !server.unrecorded.enter(entry.id) {
        return false;
    }
    tracing::warn!(pane = %entry.shown(), pane_id = %entry.id, "the end of a pane is not recorded: its keeper stays until it is");
    let left = LeftKeeper {
        server: Arc::clone(server),
        id: entry.id,
        keeper,
        cgroup: entry.record.cgroup.as_ref().map(PathBuf::from),
        saved: server.store.save(entry),
    };
    server.endings.spawn(left.wait());
    true
}

/// A keeper that nothing but its task has.
struct LeftKeeper {
    server: Arc<Server>,
    id: PaneUuid,
    keeper: Keeper,
    cgroup: Option<PathBuf>,
    saved: PendingCommit,
}

impl LeftKeeper {
    async fn wait(self) {
        let Self {
            server,
            id,
            keeper,
            cgroup,
            saved,
        } = self;
        let mut stop = server.stop_order();
        let keep = tokio::select! {
            biased;
            () = saved.written() => false,
            order = stop.wait_for(Option::is_some) => {
                order.ok().and_then(|order| *order).is_some_and(|order| order.keep_panes)
            }
        };
        if keep && server.store.flush_anew().await.is_err() {
            tracing::warn!(pane_id = %id, "the next fugued learns from its keeper how a pane has ended");
            return;
        }
        life::let_go(
            id,
            &keeper,
            &server.paths.pane_socket(id),
            cgroup.as_deref(),
        )
        .await;
        server.unrecorded.leave(id);
    }
}
