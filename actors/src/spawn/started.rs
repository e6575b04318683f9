//! A program that runs and belongs to no pane yet, and a pane that has no place yet.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cgroup;
use crate::pane::{self, PaneEntry, StartTurn};
use crate::server::Server;
use keeper_link::{Keeper, SpawnedPane};
use model::pane::Cause;

/// The time that its processes may take to be gone when it is not wanted after all.
const UNDO_LIMIT: Duration = Duration::from_secs(5);

/// A program that has been started. Unless a pane takes it, it is ended with its keeper: by
/// [`Self::undo`], or in the background when this is dropped, as when the second half of a restart
/// fails, panics or is cancelled. The daemon waits for that before it ends.
pub(super) struct StartedProgram {
    server: Arc<Server>,
    cgroup: Option<PathBuf>,
    /// The pane's turn to start something: a close waits until it is over.
    turn: Option<StartTurn>,
    /// Its keeper and its pid.
    program: Option<(Keeper, i32)>,
}

impl StartedProgram {
    pub(super) fn new(
        server: &Arc<Server>,
        cgroup: Option<PathBuf>,
        turn: Option<StartTurn>,
        program: &SpawnedPane,
    ) -> Self {
        Self {
            server: Arc::clone(server),
            cgroup,
            turn,
            program: Some((program.keeper.clone(), program.pid)),
        }
    }

    /// It is the pane's from now on.
    pub(super) fn commit(mut self) {
        self.program = None;
    }

    /// Ends it, and waits until it is gone.
    pub(super) async fn undo(mut self) {
        if let Some(ending) = self.end() {
            let _ = ending.await;
        }
    }

    fn end(&mut self) -> Option<tokio::task::JoinHandle<()>> {
        let (keeper, pid) = self.program.take()?;
        let (cgroup, turn) = (self.cgroup.take(), self.turn.take());
        // A task of its own, which nobody cancels.
        let ending = self.server.endings.spawn(async move {
            let left = keeper.release(UNDO_LIMIT).await;
            tracing::warn!(pid, ?left, "a program that no pane has taken is ended");
            if let Some(group) = cgroup {
                cgroup::close(&group).await;
            }
            drop(turn);
        });
        Some(ending)
    }
}

impl Drop for StartedProgram {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// A pane that has its program and is in no layout. Unless it gets its place, it is closed: also by a panic on the way there.
pub(crate) struct Unplaced(Option<(Arc<Server>, Arc<PaneEntry>)>);

impl Unplaced {
    pub(crate) fn new(server: &Arc<Server>, entry: &Arc<PaneEntry>) -> Self {
        Self(Some((Arc::clone(server), Arc::clone(entry))))
    }

    /// It has its place, or somebody else closes it.
    pub(crate) fn settled(mut self) {
        self.0 = None;
    }
}

impl Drop for Unplaced {
    fn drop(&mut self) {
        if let Some((server, entry)) = self.0.take() {
            tracing::warn!(pane = %entry.shown(), pane_id = %entry.id, "a pane that has got no place is closed");
            pane::life::watch_life(&server, &entry, &entry.process());
            pane::close_in_background(&server, &entry, Cause::Asked, true);
        }
    }
}
