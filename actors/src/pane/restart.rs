//! A restart that somebody has asked for: the program is ended by its recipe, and the same command is started in the same pane.

use std::sync::Arc;
use std::time::Duration;

use protocol::reply::ExitStatus;
use protocol::{Error, ErrorCode};
use tokio::time::timeout;

use super::life::{self, DRAIN_LIMIT, EXIT_LIMIT, KILL_LIMIT};
use super::{PaneEntry, PaneMsg};
use crate::clock::{epoch_ms, millis};
use crate::server::Server;
use crate::step::step;
use model::pane::{Course, Ended, PaneLife};

/// The time that it may take to note that a restart is asked for: a daemon that is killed before that has not begun it.
const NOTE_LIMIT: Duration = Duration::from_secs(2);

/// The time that the start itself may take, on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(15);

/// Ends the pane's program by its recipe and starts it again, on the same screen. It counts for no restart intensity. Callers that come
/// while it is done get the same one. It goes on when its caller goes away, and in the next daemon.
///
/// # Errors
/// `busy` when the pane is being closed, `unreachable`, `spawn_failed` and `limit` when the program could not be started; in none of them
/// the pane is gone by that.
pub(crate) async fn restart(server: &Arc<Server>, entry: &Arc<PaneEntry>) -> Result<(), Error> {
    let mut state = entry.state();
    let asked = entry.ask_restart(millis(server.started.elapsed()));
    let asked = asked.ok_or_else(|| refused(entry))?;
    tracing::info!(pane = %entry.shown(), pane_id = %entry.id, "a restart is asked for");
    server.registry.note_change();
    let recipe: u64 = entry.record.stop.times_ms().iter().sum();
    let limit = Duration::from_millis(recipe)
        + NOTE_LIMIT
        + KILL_LIMIT
        + EXIT_LIMIT
        + DRAIN_LIMIT
        + KILL_LIMIT
        + START_LIMIT;
    let done = async {
        life::tell_actor(entry, PaneLife::is_asked, || PaneMsg::RestartAsked).await;
        let over = |state: &PaneLife| state.course(asked) != Course::UnderWay;
        state.wait_for(over).await.map(|state| state.course(asked))
    };
    match timeout(limit, done).await {
        Ok(Ok(course)) => told(entry, course),
        Ok(Err(_)) => Err(closing(entry)),
        Err(_) => Err(Error::new(
            ErrorCode::Timeout,
            format!("pane {} is still being restarted", entry.record.number),
        )
        .hint("it goes on; `fugue panes` or fugue_list_panes says how the pane is")),
    }
}

fn told(entry: &PaneEntry, course: Course) -> Result<(), Error> {
    let number = entry.record.number;
    match course {
        Course::Done | Course::UnderWay => Ok(()),
        Course::Failed(exit) => {
            let why = match exit {
                ExitStatus::SpawnFailed { reason } => reason,
                ExitStatus::Exited { .. }
                | ExitStatus::Signaled { .. }
                | ExitStatus::OutOfMemory { .. }
                | ExitStatus::Lost { .. } => exit.to_string(),
            };
            Err(Error::new(
                ErrorCode::SpawnFailed,
                format!("the program of pane {number} is not started again: {why}"),
            )
            .hint("its pane is kept with its text; correct what is wrong and restart it once more, or close it"))
        }
        Course::PutOff => Err(Error::new(
            ErrorCode::Limit,
            format!("the program of pane {number} has ended and cannot be started now: something of the machine has run out"),
        )
        .hint("it is tried again until it can be started; close panes, or this one")),
        Course::Unreachable => Err(entry.reachable().err().unwrap_or_else(|| closing(entry))),
        Course::Closing => Err(closing(entry)),
    }
}

fn refused(entry: &PaneEntry) -> Error {
    match entry.reachable() {
        Err(unreachable) if !entry.state().borrow().is_closing() => unreachable,
        Ok(()) | Err(_) => closing(entry),
    }
}

fn closing(entry: &PaneEntry) -> Error {
    Error::new(
        ErrorCode::Busy,
        format!("pane {} is being closed", entry.record.number),
    )
    .hint("make another one with `fugue split` or fugue_split_pane")
}

/// Ends the program for a restart, when it is noted that there is to be one: the next daemon goes on with that. The pane's state says then
/// that the start is due.
pub(super) async fn end(server: Arc<Server>, entry: Arc<PaneEntry>) {
    let noted = server.store.save(&entry).wait();
    let _ = timeout(NOTE_LIMIT, noted).await;
    step!("restart: it is asked for", sure);
    let (mut state, process) = (entry.state(), entry.process());
    let left = life::end_program(&entry, &process, &mut state).await;
    if !left.is_empty() {
        tracing::warn!(pane = %entry.shown(), pane_id = %entry.id, ?left, "processes could not be killed");
    }
    let ended = state.wait_for(|state| !state.is_stopping());
    if timeout(EXIT_LIMIT + DRAIN_LIMIT, ended).await.is_err() {
        let reason = "it was ended and its end was not reported in time".to_owned();
        let ran = millis(process.started.elapsed());
        entry.ended(Ended::unseen(ExitStatus::Lost { reason }, ran, epoch_ms()));
    }
}
