//! The lives of a pane's program and the end of the pane: one supervised exit path.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::Name;
use protocol::reply::{ExitStatus, PaneEnd, SessionContext};
use tokio::sync::watch;
use tokio::time::timeout;

use super::io::WriteOrder;
use super::{Ended, PaneEntry, PaneMsg, PaneState, Process};
use crate::cgroup;
use crate::clock::{epoch_ms, millis};
use crate::keeper::{self, ExitReport, KeeperExit, LinkError, ProgramStatus, SignalScope};
use crate::memory;
use crate::registry::EndedPane;
use crate::server::Server;
use crate::session::{self, SessionMsg};
use crate::tree;

/// How long killed processes may take to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// How long the end of a killed program may take to be known.
const EXIT_LIMIT: Duration = Duration::from_secs(2);

/// How long the output of an ended program is read for at most, when others still print.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// Of a removed pane's text so many lines are remembered, and at most [`TAIL_BYTES`].
const TAIL_LINES: usize = 1_000;

/// See [`TAIL_LINES`].
const TAIL_BYTES: usize = 16 * 1024;

/// Source: signal(7).
const SIGHUP: i32 = 1;
const SIGTERM: i32 = 15;
const SIGCONT: i32 = 18;

/// Waits for the end of a life, then for its output, then records it and tells the actor.
pub(crate) fn watch_life(server: &Arc<Server>, entry: &Arc<PaneEntry>, process: &Arc<Process>) {
    let (server, entry) = (Arc::clone(server), Arc::clone(entry));
    let process = Arc::clone(process);
    tokio::spawn(async move {
        let mut exit = process.keeper.exit();
        let exit = match exit.wait_for(Option::is_some).await {
            Ok(exit) => exit.unwrap_or(KeeperExit::Lost),
            Err(_) => KeeperExit::Lost,
        };
        let (settled, closing) = {
            let state = entry.state();
            let state = state.borrow();
            (state.settled, state.closing)
        };
        if exit == KeeperExit::Replaced && !closing {
            // It lives, so the program's end is still to be heard from it.
            let lives = process.keeper.family().program_lives();
            let why = "somebody else has taken the connection to its keeper";
            tracing::warn!(pane_id = %entry.id, why, "a pane is unreachable");
            entry.change(|state| state.lose(why.to_owned(), lives));
            if let Some(actor) = entry.address.get() {
                let _ = actor.cast(PaneMsg::KeeperAway);
            }
            return;
        }
        if exit == KeeperExit::Lost && !settled {
            // What nobody can wait for any more must not go on behind a pane that has ended.
            let left = kill_rest(&entry, &process).await;
            tracing::warn!(pane_id = %entry.id, ?left, "the keeper died: its program is ended");
        }
        entry.io.drain(DRAIN_LIMIT).await;
        let ended = ended(&process, exit, entry.record.memory_max);
        entry.change(|state| {
            // An earlier daemon may have known it already.
            state.ended.get_or_insert(ended);
        });
        let _ = server.store.save_pane(&entry);
        entry.io.program_ended().await;
        if let Some(actor) = entry.address.get() {
            // An actor that is being restarted looks for itself.
            let _ = actor.cast(PaneMsg::ProgramEnded(process.life));
        }
    });
}

fn ended(process: &Process, exit: KeeperExit, memory_max: Option<u64>) -> Ended {
    let lost = |reason: &str| Ended {
        exit: ExitStatus::Lost {
            reason: reason.to_owned(),
        },
        duration_ms: millis(process.started.elapsed()),
        at_ms: epoch_ms(),
    };
    match exit {
        KeeperExit::Program(report) => Ended {
            exit: exit_status(&report, memory_max),
            duration_ms: report.duration_ms,
            at_ms: report.at_unix_ms,
        },
        KeeperExit::Lost => lost("its keeper died, so nobody saw how the program ended"),
        KeeperExit::Replaced => lost("another daemon has taken over its keeper"),
    }
}

fn exit_status(report: &ExitReport, memory_max: Option<u64>) -> ExitStatus {
    if report.out_of_memory {
        return ExitStatus::OutOfMemory { memory_max };
    }
    match report.status {
        ProgramStatus::Exited(code) => ExitStatus::Exited { code },
        ProgramStatus::Signaled {
            signal,
            core_dumped,
        } => ExitStatus::Signaled {
            signal,
            core_dumped,
        },
    }
}

/// Closes a pane: its program by the recipe (or at once with `force`), then every process it ever
/// started, then the pane itself. All callers get the same end; nobody cancels it by going away.
pub async fn close(server: &Arc<Server>, entry: &Arc<PaneEntry>, force: bool) -> PaneEnd {
    let mut state = entry.state();
    if entry.begin_close(force) {
        let server = Arc::clone(server);
        let entry = Arc::clone(entry);
        tokio::spawn(async move { finish(&server, &entry).await });
    }
    let recipe = &entry.record.stop;
    let limit = Duration::from_millis(recipe.keys_ms.saturating_add(recipe.term_ms))
        + KILL_LIMIT
        + EXIT_LIMIT
        + DRAIN_LIMIT
        + KILL_LIMIT;
    match timeout(limit, state.wait_for(|state| state.closed.is_some())).await {
        Ok(Ok(state)) => state.closed.clone(),
        Ok(Err(_)) | Err(_) => None,
    }
    .unwrap_or_else(|| entry.end(Vec::new()))
}

/// Goes on with a close that an earlier daemon had begun: the pane's state says so from its beginning, so nobody else closes it.
pub(crate) fn go_on_closing(server: &Arc<Server>, entry: &Arc<PaneEntry>) {
    let (server, entry) = (Arc::clone(server), Arc::clone(entry));
    tokio::spawn(async move { finish(&server, &entry).await });
}

/// Closes a pane without anybody waiting for it.
pub(crate) fn close_in_background(server: &Arc<Server>, entry: &Arc<PaneEntry>) {
    let server = Arc::clone(server);
    let entry = Arc::clone(entry);
    tokio::spawn(async move { close(&server, &entry, false).await });
}

async fn finish(server: &Arc<Server>, entry: &Arc<PaneEntry>) {
    let mut state = entry.state();
    let process = entry.process();
    // Before its keeper goes: otherwise the next daemon would take it for a pane whose keeper died.
    let _ = server.store.save_pane(entry).wait().await;
    let runs = |state: &PaneState| state.ended.is_none();
    if runs(&state.borrow()) && !state.borrow().force {
        ask_to_end(entry, &process, &mut state).await;
    }
    let mut survivors = Vec::new();
    // Letting the keeper go kills what an ended program has left; a live one's end must be heard first.
    if runs(&state.borrow()) {
        survivors = kill_rest(entry, &process).await;
        let _ = timeout(EXIT_LIMIT, state.wait_for(|state| !runs(state))).await;
    }
    // A respawn that was under way when the close began has another keeper.
    let latest = entry.process();
    if latest.life != process.life {
        survivors.extend(kill_rest(entry, &latest).await);
        let _ = timeout(EXIT_LIMIT, state.wait_for(|state| !runs(state))).await;
    }
    entry.change(|state| {
        state.restarting = false;
        state.found();
        state.ended.get_or_insert_with(|| Ended {
            exit: ExitStatus::Lost {
                reason: "it was killed and its end was not reported in time".to_owned(),
            },
            duration_ms: millis(latest.started.elapsed()),
            at_ms: epoch_ms(),
        });
    });
    survivors.extend(release(entry, &latest).await);
    if let Some(group) = &entry.record.cgroup {
        survivors.extend(cgroup::close(Path::new(group)).await);
        survivors.retain(|pid| Path::new(&format!("/proc/{pid}")).exists());
        survivors.sort_unstable();
        survivors.dedup();
    }
    remove(server, entry, survivors).await;
}

/// Ends the program by the pane's recipe, with every process it ever started. The pane stays, with its status and output.
pub(crate) async fn stop_program(entry: &PaneEntry) {
    let mut state = entry.state();
    let process = entry.process();
    if state.borrow().ended.is_none() {
        ask_to_end(entry, &process, &mut state).await;
    }
    kill_rest(entry, &process).await;
    let _ = timeout(EXIT_LIMIT, state.wait_for(|state| state.ended.is_some())).await;
}

/// The recipe's polite part: keys, then signals, each with its time.
async fn ask_to_end(entry: &PaneEntry, process: &Process, state: &mut watch::Receiver<PaneState>) {
    let recipe = &entry.record.stop;
    let done = |state: &PaneState| state.ended.is_some() || state.force;
    if !recipe.keys.is_empty() {
        let limit = Duration::from_millis(recipe.keys_ms);
        let order = WriteOrder::keys(recipe.keys.clone(), limit);
        let _ = entry.io.write(order).await;
        if matches!(timeout(limit, state.wait_for(done)).await, Ok(Ok(_))) {
            return;
        }
    }
    for signal in [SIGHUP, SIGTERM, SIGCONT] {
        // A process that has just gone is what is wanted; the keeper's death is seen elsewhere.
        let _ = process.keeper.signal(signal, SignalScope::All).await;
    }
    let limit = Duration::from_millis(recipe.term_ms);
    let _ = timeout(limit, state.wait_for(done)).await;
}

async fn kill_rest(entry: &PaneEntry, process: &Process) -> Vec<u32> {
    let killed = process.keeper.kill_all(KILL_LIMIT).await;
    survivors(entry, killed)
}

/// Lets the keeper go, with a kill of what the program has left.
pub(crate) async fn release(entry: &PaneEntry, process: &Process) -> Vec<u32> {
    let killed = process.keeper.release(KILL_LIMIT).await;
    survivors(entry, killed)
}

fn survivors(entry: &PaneEntry, killed: Result<Vec<keeper::Process>, LinkError>) -> Vec<u32> {
    let left = match killed {
        Ok(left) => left,
        Err(error) => {
            tracing::error!(pane_id = %entry.id, %error, "the keeper refuses to kill");
            Vec::new()
        }
    };
    left.iter().map(|p| p.pid.unsigned_abs()).collect()
}

async fn remove(server: &Arc<Server>, entry: &Arc<PaneEntry>, survivors: Vec<u32>) {
    let tail = entry
        .io
        .look(|screen| screen.tail(TAIL_LINES, TAIL_BYTES))
        .await
        .unwrap_or_default();
    let end = entry.end(survivors);
    if !end.survivors.is_empty() {
        tracing::warn!(pane_id = %entry.id, survivors = ?end.survivors, "processes could not be killed");
    }
    let session = server.registry.session(entry.session);
    let context = session.as_ref().map_or_else(
        || SessionContext {
            session_id: entry.session,
            session_name: Name::new("ended").expect("a plain word is a name"),
            server: server.name.clone(),
        },
        |session| session.snapshot().context(&server.name),
    );
    let ended = Arc::new(EndedPane {
        context,
        end: end.clone(),
        tail,
    });
    entry.change(|state| state.removed = true);
    server.registry.remove_pane(entry.id, Arc::clone(&ended));
    let forgotten = if entry.state().borrow().by_itself {
        server.store.forget_departed_pane(entry.id, ended)
    } else {
        server.store.forget_pane(entry.id, Some(ended))
    };
    session::mirror::pane_gone(server, entry.id).await;
    // A keeper that was killed has left its socket.
    let _ = std::fs::remove_file(server.paths.pane_socket(entry.id));
    entry.io.stop();
    if let Some(session) = session {
        if let Some(panes) = session.panes.get() {
            // Temporary at this point: a child that is gone already is fine.
            let _ = panes.terminate_child(tree::pane_child(entry.id)).await;
        }
        session::life::tell(&session, SessionMsg::PaneGone(entry.id)).await;
    }
    tracing::info!(pane_id = %entry.id, exit_reason = ?end.status.exit, "pane closed");
    // What cannot be written now stays marked, and is logged.
    let _ = forgotten.wait().await;
    entry.change(|state| state.closed = Some(end));
    memory::freed(server);
}
