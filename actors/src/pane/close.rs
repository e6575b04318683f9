//! The close of a pane, step by step: each is recorded, and taken again when it fails.

mod left;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::Name;
use protocol::reply::{ExitStatus, PaneEnd, SessionContext};
use terminal::screen::Tail;
use tokio::time::timeout;

use super::PaneEntry;
use super::life::{self, DRAIN_LIMIT, EXIT_LIMIT, KILL_LIMIT};
use crate::cgroup;
use crate::clock::{epoch_ms, millis};
use crate::heap_trim;
use crate::registry::EndedPane;
use crate::server::Server;
use crate::session::{self, SessionMsg};
use crate::step::step;
use crate::store::PendingCommit;
use model::pane::{Cause, CloseStep, Ended, PaneLife};

/// The time that a start that was under way may take to be undone.
const UNDO_LIMIT: Duration = Duration::from_secs(10);

/// Of a removed pane's text so many lines are remembered, and at most [`TAIL_BYTES`].
const TAIL_LINES: usize = 1_000;

/// See [`TAIL_LINES`].
const TAIL_BYTES: usize = 16 * 1024;

/// Closes a pane: its program by the recipe (or at once with `force`), then every process it ever
/// started, then the pane itself. All callers get the same end; nobody cancels it by going away.
pub(crate) async fn close(server: &Arc<Server>, entry: &Arc<PaneEntry>, force: bool) -> PaneEnd {
    let mut state = entry.state();
    begin(server, entry, Cause::Asked, force);
    let asked: u64 = entry.record.stop.times_ms().iter().sum();
    let limit = Duration::from_millis(asked)
        + UNDO_LIMIT
        + KILL_LIMIT
        + EXIT_LIMIT
        + DRAIN_LIMIT
        + KILL_LIMIT;
    match timeout(limit, state.wait_for(|state| state.closed().is_some())).await {
        Ok(Ok(state)) => state.closed().cloned(),
        Ok(Err(_)) | Err(_) => None,
    }
    .unwrap_or_else(|| entry.end(Vec::new()))
}

/// Closes a pane without anybody waiting for it.
pub(crate) fn begin(server: &Arc<Server>, entry: &Arc<PaneEntry>, cause: Cause, force: bool) {
    if entry.begin_close(cause, force) {
        go_on(server, entry);
    }
}

/// Goes on with a close that an earlier daemon had begun: the pane's state says so from its beginning, so nobody else closes it.
pub(crate) fn go_on(server: &Arc<Server>, entry: &Arc<PaneEntry>) {
    let (tracker, server, entry) = (
        server.endings.clone(),
        Arc::clone(server),
        Arc::clone(entry),
    );
    tracker.spawn(async move { carry_out(&server, &entry).await });
}

/// Takes all steps. One that fails is taken once more, and passed over when it fails again: a pane
/// can always be closed.
async fn carry_out(server: &Arc<Server>, entry: &Arc<PaneEntry>) {
    let mut failed = None;
    loop {
        // A task of its own, so that a panic in it is seen here.
        let steps = tokio::spawn(take_steps(Arc::clone(server), Arc::clone(entry)));
        let Err(error) = steps.await else { return };
        if error.is_cancelled() {
            // The daemon's runtime ends.
            return;
        }
        let step = entry.state().borrow().step();
        tracing::error!(pane = %entry.shown(), pane_id = %entry.id, ?step, %error, "a step of a close has failed");
        if failed.replace(step) == Some(step) {
            if step == CloseStep::Remove {
                // Without its text, which may be what failed.
                drop(remove_with(server, entry, Tail::default()));
            }
            let end = final_state(entry);
            entry.change(|state| {
                if !state.end_step() {
                    state.tell(end);
                }
            });
            if step.next().is_none() {
                return;
            }
        }
    }
}

async fn take_steps(server: Arc<Server>, entry: Arc<PaneEntry>) {
    let (server, entry) = (&server, &entry);
    let (mut recorded, mut forgotten) = (None, None);
    loop {
        let step = entry.state().borrow().step();
        #[cfg(test)]
        tests::fail_if_wanted(entry, step);
        named(step).await;
        match step {
            // Before its keeper goes: otherwise the next daemon would take it for a pane whose keeper died.
            CloseStep::Record => recorded = Some(record(server, entry).await),
            CloseStep::End => end(entry).await,
            CloseStep::Release => {
                let recorded = match recorded {
                    Some(recorded) => recorded,
                    // The step before has failed.
                    None => record(server, entry).await,
                };
                if recorded || !left::leave(server, entry) {
                    release(entry).await;
                }
            }
            CloseStep::Remove => forgotten = Some(remove(server, entry).await),
            CloseStep::TakeOut => take_out(server, entry).await,
            CloseStep::Tell => return tell(server, entry, forgotten).await,
        }
        entry.change(|state| {
            state.end_step();
        });
    }
}

/// The step by its name.
async fn named(step: CloseStep) {
    match step {
        CloseStep::Record => step!("close: it is recorded", sure),
        CloseStep::End => step!("close: its program is ended", sure),
        CloseStep::Release => step!("close: its keeper is let go", sure),
        CloseStep::Remove => step!("close: it is removed", sure),
        CloseStep::TakeOut => step!("close: it is taken out", sure),
        CloseStep::Tell => step!("close: its end is told", sure),
    }
}

/// Records the pane. True if the next daemon would know of it.
async fn record(server: &Server, entry: &Arc<PaneEntry>) -> bool {
    server.store.save(entry).wait().await.is_ok()
}

async fn end(entry: &Arc<PaneEntry>) {
    let mut state = entry.state();
    // Nothing is started any more, and what was being started is undone or is the pane's.
    let _ = timeout(UNDO_LIMIT, state.wait_for(|state| !state.is_starting())).await;
    let process = entry.process();
    let survivors = life::end_program(entry, &process, &mut state).await;
    // A live program's end must be heard before its keeper goes.
    let _ = timeout(EXIT_LIMIT, state.wait_for(PaneLife::has_ended)).await;
    entry.change(|state| {
        state.found();
        state.note_survivors(survivors);
    });
    let exit = ExitStatus::Lost {
        reason: "it was killed and its end was not reported in time".to_owned(),
    };
    let ran = millis(process.started.elapsed());
    entry.ended(Ended::unseen(exit, ran, epoch_ms()));
}

async fn release(entry: &Arc<PaneEntry>) {
    let mut survivors = entry.state().borrow().survivors().to_vec();
    survivors.extend(life::release(entry, &entry.process()).await);
    if let Some(group) = &entry.record.cgroup {
        survivors.extend(cgroup::close(Path::new(group)).await);
    }
    survivors.retain(|pid| Path::new(&format!("/proc/{pid}")).exists());
    survivors.sort_unstable();
    survivors.dedup();
    if !survivors.is_empty() {
        tracing::warn!(pane = %entry.shown(), pane_id = %entry.id, ?survivors, "processes could not be killed");
    }
    entry.change(|state| state.note_survivors(survivors));
}

async fn remove(server: &Arc<Server>, entry: &Arc<PaneEntry>) -> PendingCommit {
    let tail = entry
        .io
        .look(|screen| screen.tail(TAIL_LINES, TAIL_BYTES))
        .await
        .unwrap_or_default();
    remove_with(server, entry, tail)
}

fn remove_with(server: &Server, entry: &PaneEntry, tail: Tail) -> PendingCommit {
    let session = server.registry.session(entry.session);
    let context = session.as_ref().map_or_else(
        || SessionContext {
            session_id: entry.session,
            session_name: Name::new("ended").expect("a plain word is a name"),
            server: server.name.clone(),
        },
        |session| session.context(&server.name),
    );
    let ended = Arc::new(EndedPane {
        context,
        end: final_state(entry),
        tail,
    });
    if server.registry.pane(entry.id).is_some() {
        server.registry.remove_pane(entry.id, Arc::clone(&ended));
    }
    if entry.state().borrow().closes_by_itself() {
        server.store.forget_departed_pane(entry.id, ended)
    } else {
        server.store.forget_pane(entry.id, Some(ended))
    }
}

fn final_state(entry: &PaneEntry) -> PaneEnd {
    let survivors = entry.state().borrow().survivors().to_vec();
    entry.end(survivors)
}

async fn take_out(server: &Arc<Server>, entry: &Arc<PaneEntry>) {
    session::mirror::pane_gone(server, entry.id).await;
    if !server.unrecorded.has(entry.id) {
        // A keeper that was killed has left its socket.
        let _ = std::fs::remove_file(server.paths.pane_socket(entry.id));
    }
    server.held_back.gone(entry.id);
    entry.io.stop();
    let Some(session) = server.registry.session(entry.session) else {
        return;
    };
    if let Some(panes) = session.panes.get() {
        // Temporary at this point: a child that is gone already is fine.
        let _ = panes.terminate_child(entry.child_id()).await;
    }
    session::life::tell(&session, SessionMsg::PaneGone(entry.id)).await;
}

async fn tell(server: &Arc<Server>, entry: &Arc<PaneEntry>, forgotten: Option<PendingCommit>) {
    let end = final_state(entry);
    let exit = end.status.exit.as_ref();
    let exit_reason = exit.map_or_else(|| "unknown".to_owned(), ToString::to_string);
    tracing::info!(pane = %entry.shown(), pane_id = %entry.id, exit_reason, "pane closed");
    // What cannot be written now stays marked, and is logged.
    if let Some(forgotten) = forgotten {
        let _ = forgotten.wait().await;
    }
    entry.change(|state| state.tell(end));
    heap_trim::freed(&server.heap_trim);
}

#[cfg(test)]
mod tests;
