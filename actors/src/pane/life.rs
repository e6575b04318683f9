//! The lives of a pane's program: their ends, heard and brought about.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::PaneUuid;
use protocol::reply::{ExitStatus, Usage};
use protocol::request::RunStreams;
use pty::WriteOrder;
use tokio::sync::watch;
use tokio::time::timeout;

use super::{PaneEntry, PaneMsg, Process};
use crate::cgroup;
use crate::clock::{epoch_ms, millis};
use crate::server::Server;
use keeper::{ExitReport, ProgramStatus, StopTimes};
use keeper_link::{Keeper, KeeperExit, LinkError};
use model::pane::{Ended, PaneLife};

/// The time that killed processes may take to be gone.
pub(super) const KILL_LIMIT: Duration = Duration::from_secs(5);

/// The time that the end of a killed program may take to be known.
pub(super) const EXIT_LIMIT: Duration = Duration::from_secs(2);

/// The time for which the output of an ended program is read at most, when others still print.
pub(super) const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// The same of a program with pipes, whose end is told when all that it has written itself is in the terminal.
const PIPED_LIMIT: Duration = Duration::from_secs(2);

/// Starts the task that waits for the end of a life; it belongs to the pane's entry.
pub(crate) fn watch_life(server: &Arc<Server>, entry: &Arc<PaneEntry>, process: &Arc<Process>) {
    let (server, process) = (Arc::clone(server), Arc::clone(process));
    let watched = Arc::downgrade(entry);
    let task = tokio::spawn(async move {
        let mut exit = process.keeper.exit();
        let exit = match exit.wait_for(Option::is_some).await {
            Ok(exit) => exit.unwrap_or(KeeperExit::Lost),
            Err(_) => KeeperExit::Lost,
        };
        if let Some(entry) = watched.upgrade() {
            life_ended(&server, &entry, &process, exit).await;
        }
    });
    entry.watched_by(task);
}

/// Waits for the output of a life that has ended, then records its end and tells the actor.
async fn life_ended(server: &Server, entry: &Arc<PaneEntry>, process: &Process, exit: KeeperExit) {
    let (kept, closing) = {
        let state = entry.state();
        let state = state.borrow();
        (state.is_kept(), state.is_closing())
    };
    if exit == KeeperExit::Replaced && !closing {
        // It lives, so the program's end is still to be heard from it.
        let lives = process.keeper.family().program_lives();
        let why = "somebody else has taken the connection to its keeper";
        tracing::warn!(pane = %entry.shown(), pane_id = %entry.id, why, "a pane is unreachable");
        entry.change(|state| state.lose(epoch_ms(), why.to_owned(), lives));
        let away = |state: &PaneLife| state.unreachable().is_some();
        return tell_actor(entry, away, || PaneMsg::KeeperAway).await;
    }
    if exit == KeeperExit::Lost && !kept {
        // What nobody can wait for any more must not go on behind a pane that has ended.
        let left = kill_rest(entry, process).await;
        tracing::warn!(pane = %entry.shown(), pane_id = %entry.id, ?left, "the keeper died: its program is ended");
    }
    let limit = match entry.record.streams {
        RunStreams::Terminal => DRAIN_LIMIT,
        RunStreams::Pipes | RunStreams::Apart => PIPED_LIMIT,
    };
    entry.io.drain(limit).await;
    let ended = ended(process, exit, entry.record.settings.memory_max);
    // An earlier daemon may have known it already.
    entry.ended(ended);
    let _ = server.store.save(entry);
    entry.io.program_ended().await;
    let ended = || PaneMsg::ProgramEnded(process.life);
    tell_actor(entry, PaneLife::is_undecided, ended).await;
}

/// Tells the pane's actor, or the one that takes its place, as long as it is needed: one that begins looks at the state before
/// it can be told anything.
pub(super) async fn tell_actor(
    entry: &PaneEntry,
    is_needed: impl Fn(&PaneLife) -> bool,
    message: impl Fn() -> PaneMsg,
) {
    let mut state = entry.state();
    let mut gone = None;
    loop {
        let actor = tokio::select! {
            biased;
            _ = state.wait_for(|state| !is_needed(state)) => return,
            actor = entry.address.next_after(gone) => actor,
        };
        if actor.cast(message()).is_ok() {
            return;
        }
        gone = Some(actor.id());
    }
}

fn ended(process: &Process, exit: KeeperExit, memory_max: Option<u64>) -> Ended {
    let lost = |reason: &str| {
        let reason = reason.to_owned();
        let duration_ms = millis(process.started.elapsed());
        Ended::unseen(ExitStatus::Lost { reason }, duration_ms, epoch_ms())
    };
    match exit {
        KeeperExit::Program(report) => Ended {
            exit: exit_status(&report, memory_max),
            duration_ms: report.duration_ms,
            at_ms: report.at_unix_ms,
            usage: Some(Usage {
                user_ms: report.user_ms,
                sys_ms: report.sys_ms,
                max_rss_kib: report.max_rss_kib,
            }),
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

/// Ends the program by the pane's recipe, with every process it ever started. The pane stays, with its status and output.
pub(crate) async fn stop_program(entry: &PaneEntry) {
    let mut state = entry.state();
    end_program(entry, &entry.process(), &mut state).await;
    let _ = timeout(EXIT_LIMIT, state.wait_for(PaneLife::has_ended)).await;
}

/// Ends one life of the program by the recipe, with what it has started, and returns what survived:
/// keys, two rounds of signals, a kill. A close with force comes to the kill at once.
pub(crate) async fn end_program(
    entry: &PaneEntry,
    process: &Process,
    state: &mut watch::Receiver<PaneLife>,
) -> Vec<u32> {
    if process.keeper_pid == 0 {
        // What is left of it is how it ended.
        return Vec::new();
    }
    let recipe = &entry.record.stop;
    let [keys_ms, first_ms, second_ms] = recipe.times_ms();
    let keys = recipe.keys.as_deref().unwrap_or_default();
    let is_over = |state: &PaneLife| state.has_ended() || state.is_forced();
    if !keys.is_empty() && !is_over(&state.borrow()) {
        let limit = Duration::from_millis(keys_ms);
        let order = WriteOrder::keys(keys.to_vec(), limit);
        let _ = entry.io.write(order).await;
        let _ = timeout(limit, state.wait_for(is_over)).await;
    }
    let times = StopTimes {
        first_ms,
        second_ms,
    };
    // Also when the program has ended: what it has left is asked as well.
    let asked = process.keeper.stop(process.keeper_pid, times, KILL_LIMIT);
    let forced = async {
        if state.wait_for(PaneLife::is_forced).await.is_err() {
            std::future::pending().await
        }
    };
    tokio::select! {
        biased;
        () = forced => kill_rest(entry, process).await,
        left = asked => survivors(entry, left),
    }
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

/// Lets a keeper go that no pane has, with all that belongs to it.
pub(crate) async fn let_go(id: PaneUuid, keeper: &Keeper, socket: &Path, group: Option<&Path>) {
    match keeper.release(KILL_LIMIT).await {
        Ok(left) if left.is_empty() => {}
        Ok(left) => tracing::error!(pane_id = %id, ?left, "processes could not be killed"),
        Err(error) => tracing::error!(pane_id = %id, %error, "a keeper could not be ended"),
    }
    let _ = std::fs::remove_file(socket);
    if let Some(group) = group {
        cgroup::close(group).await;
    }
}

fn survivors(entry: &PaneEntry, killed: Result<Vec<keeper::Process>, LinkError>) -> Vec<u32> {
    let left = match killed {
        Ok(left) => left,
        Err(error) => {
            tracing::error!(pane = %entry.shown(), pane_id = %entry.id, %error, "the keeper refuses to kill");
            Vec::new()
        }
    };
    left.iter().map(|p| p.pid.unsigned_abs()).collect()
}
