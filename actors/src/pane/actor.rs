//! A pane's actor: what follows the end of a program.

use std::sync::Arc;
use std::time::Duration;

use protocol::reply::ExitStatus;
use protocol::request::RestartType;
use protocol::{Error, ErrorCode};
use supervisor::{Actor, ActorError, Address, Window as RestartWindow};
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use super::{PaneEntry, PaneMsg, Reached, life, restart};
use crate::adopt;
use crate::clock::{epoch_ms, millis};
use crate::server::Server;
use crate::spawn;
use model::pane::{Again, Cause, Ended, Next, PaneLife};

/// A program is started again at most so often within [`RESTART_PERIOD`]; then it stays ended.
const RESTARTS: u32 = 5;

/// See [`RESTARTS`].
const RESTART_PERIOD: Duration = Duration::from_secs(60);

/// The pause before the first restart; it doubles with each further one within the period.
const RESTART_PAUSE: Duration = Duration::from_millis(200);

/// The pause before a start is tried again that failed for want of descriptors, memory, processes or terminals. It doubles with
/// each further one.
const SHORTAGE_PAUSE: Duration = Duration::from_secs(1);

/// The longest of these pauses.
const LONGEST_SHORTAGE_PAUSE: Duration = Duration::from_secs(10);

/// The pause before a pane whose keeper answered and that could not be entered is tried again.
const AGAIN_PAUSE: Duration = Duration::from_secs(1);

/// The actor: decides what follows the end of a program.
pub(crate) struct PaneActor;

/// The start arguments of a pane's actor.
pub(crate) struct PaneArgs {
    /// The daemon.
    pub server: Arc<Server>,
    /// Its pane.
    pub entry: Arc<PaneEntry>,
}

/// The state of a pane's actor.
pub(crate) struct PaneActorState {
    server: Arc<Server>,
    entry: Arc<PaneEntry>,
    restarts: RestartWindow,
    /// Starts in a row that failed for want of what is not the program's own.
    shortages: u32,
    io_watch: JoinHandle<()>,
    /// Asks the keeper of an unreachable pane.
    trying: Option<JoinHandle<()>>,
    /// Waits until what an earlier life was starting is undone.
    undone: Option<JoinHandle<()>>,
    /// Ends the program for a restart that somebody has asked for.
    stopping: Option<AbortOnDropHandle<()>>,
}

impl Drop for PaneActorState {
    fn drop(&mut self) {
        self.io_watch.abort();
        for task in [&self.trying, &self.undone].into_iter().flatten() {
            task.abort();
        }
    }
}

impl Actor for PaneActor {
    type Msg = PaneMsg;
    type State = PaneActorState;
    type Args = PaneArgs;

    async fn pre_start(
        &self,
        myself: Address<PaneMsg>,
        args: PaneArgs,
    ) -> Result<PaneActorState, ActorError> {
        let PaneArgs { server, entry } = args;
        entry.io.revive()?;
        let io = entry.io.clone();
        let actor = myself.clone();
        let io_watch = tokio::spawn(async move {
            io.failed().await;
            let _ = actor.cast(PaneMsg::IoFailed);
        });
        let mut state = PaneActorState {
            server,
            entry,
            restarts: RestartWindow::default(),
            shortages: 0,
            io_watch,
            trying: None,
            undone: None,
            stopping: None,
        };
        state.show(&myself);
        state.go_on(&myself);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: &Address<PaneMsg>,
        msg: PaneMsg,
        state: &mut PaneActorState,
    ) -> Result<(), ActorError> {
        match msg {
            PaneMsg::ProgramEnded(life) => state.program_ended(myself, life),
            PaneMsg::RestartDue(due_ms) => state.restart(myself, due_ms).await,
            PaneMsg::RestartAsked => state.restart_asked(myself),
            PaneMsg::StartUndone => state.go_on(myself),
            PaneMsg::KeeperAway => state.try_again(myself),
            PaneMsg::Reached(reached) => state.reached(myself, *reached).await,
            PaneMsg::IoFailed => return Err("the I/O task failed".into()),
            #[cfg(debug_assertions)]
            PaneMsg::Crash => panic!("a test asked for it"),
        }
        state.show(myself);
        state.server.registry.note_change();
        Ok(())
    }
}

impl PaneActorState {
    fn show(&self, myself: &Address<PaneMsg>) {
        let process = self.entry.process();
        let status = self.entry.status();
        let program = match (&status.unreachable, &status.exit) {
            (Some(unreachable), _) => unreachable.to_string(),
            (None, None) => "running".to_owned(),
            (None, Some(exit)) => exit.to_string(),
        };
        let mut details = vec![
            ("pid", process.pid.to_string()),
            ("program", program),
            ("keeper", process.keeper_pid.to_string()),
            ("command", self.entry.record.command.clone()),
        ];
        if status.restarts > 0 {
            details.push(("program restarts", status.restarts.to_string()));
        }
        myself.set_details(details);
    }

    /// Asks the keeper on, in the background.
    fn try_again(&mut self, myself: &Address<PaneMsg>) {
        let (server, entry) = (Arc::clone(&self.server), Arc::clone(&self.entry));
        let actor = myself.clone();
        let trying = tokio::spawn(async move {
            let reached = adopt::reach(&server, &entry).await;
            let _ = actor.cast(PaneMsg::Reached(Box::new(reached)));
        });
        if let Some(before) = self.trying.replace(trying) {
            before.abort();
        }
    }

    async fn reached(&mut self, myself: &Address<PaneMsg>, reached: Reached) {
        let now = self.entry.state().borrow().clone();
        if now.is_closing() || now.unreachable().is_none() {
            return;
        }
        match reached {
            Reached::Keeper(keeper) => {
                let taken_up = adopt::take_up(&self.server, &self.entry, keeper).await;
                if let Err(error) = taken_up {
                    tracing::warn!(pane = %self.entry.shown(), pane_id = %self.entry.id, %error, "a pane stays unreachable");
                    let lives = self.entry.process().keeper.family().program_lives();
                    let lost = |life: &mut PaneLife| life.lose(epoch_ms(), error.message, lives);
                    self.entry.change(lost);
                    let _ = myself.send_after(AGAIN_PAUSE, PaneMsg::KeeperAway);
                    return;
                }
                tracing::info!(pane = %self.entry.shown(), pane_id = %self.entry.id, "an unreachable pane was reached");
            }
            // Its program is ended like that of every keeper that dies.
            Reached::Dead => self.entry.change(PaneLife::found),
        }
        life::watch_life(&self.server, &self.entry, &self.entry.process());
    }

    /// Takes up what its predecessor may have been told and not done.
    fn go_on(&mut self, myself: &Address<PaneMsg>) {
        let now = self.entry.state().borrow().clone();
        if now.unreachable().is_some() {
            self.try_again(myself);
        } else if now.is_undecided() {
            let _ = myself.cast(PaneMsg::ProgramEnded(self.entry.process().life));
        } else if now.is_closing() {
            // The close goes on by itself.
        } else if now.is_stopping() {
            self.stop(myself);
        } else if now.is_starting() {
            self.await_undone(myself);
        } else if let Some(due_ms) = now.due_ms() {
            // A start that has failed with its actor is not tried at once.
            let pause = Duration::from_millis(due_ms).saturating_sub(self.server.started.elapsed());
            let _ = myself.send_after(pause.max(RESTART_PAUSE), PaneMsg::RestartDue(due_ms));
        }
    }

    /// Waits in the background until what its predecessor was starting is undone.
    fn await_undone(&mut self, myself: &Address<PaneMsg>) {
        let (mut state, actor) = (self.entry.state(), myself.clone());
        let undone = tokio::spawn(async move {
            let _ = state.wait_for(|state| !state.is_starting()).await;
            let _ = actor.cast(PaneMsg::StartUndone);
        });
        if let Some(before) = self.undone.replace(undone) {
            before.abort();
        }
    }

    fn program_ended(&mut self, myself: &Address<PaneMsg>, life: u32) {
        let now = self.entry.state().borrow().clone();
        if !now.is_undecided() || life != self.entry.process().life {
            return;
        }
        let Some(ended) = now.end() else {
            return;
        };
        let decision = self.decide(ended);
        self.follow(myself, decision);
    }

    /// Decides what is to follow from this end.
    fn decide(&mut self, ended: &Ended) -> Decision {
        let restarts = match self.entry.record.settings.restart {
            RestartType::Permanent => true,
            RestartType::Transient => !ended.exit.success(),
            RestartType::Temporary => false,
        };
        let clock = self.server.started.elapsed();
        let count = if restarts {
            self.restarts.add(clock, RESTART_PERIOD)
        } else {
            0
        };
        let (decision, said) = match count {
            0 if self.entry.record.settings.remain_on_exit => (Decision::Keep, "keep"),
            0 => (Decision::Close, "close"),
            1..=RESTARTS => {
                let pause = RESTART_PAUSE * 2u32.pow(count - 1);
                (Decision::Restart(pause), "restart")
            }
            _ if self.entry.record.settings.remain_on_exit => (Decision::Keep, "give up and keep"),
            _ => (Decision::Close, "give up and close"),
        };
        tracing::info!(
            pane = %self.entry.shown(), pane_id = %self.entry.id,
            exit_reason = ended.exit.to_string(),
            restarts_in_window = count,
            decision = said,
            "program ended"
        );
        decision
    }

    fn follow(&self, myself: &Address<PaneMsg>, decision: Decision) {
        let entry = &self.entry;
        match decision {
            Decision::Restart(pause) => {
                let due_ms = millis(self.server.started.elapsed() + pause);
                entry.change(|state| {
                    let why = Again::ByType;
                    state.decide(Next::Restarting { due_ms, why });
                });
                let _ = myself.send_after(pause, PaneMsg::RestartDue(due_ms));
            }
            Decision::Close => {
                super::close_in_background(&self.server, entry, Cause::ByItself, false);
            }
            Decision::Keep => entry.change(|state| {
                state.decide(Next::Kept);
            }),
        }
        let _ = self.server.store.save(entry);
    }

    /// Begins a restart that somebody has asked for, unless it is under way. What counted against its program is over with that.
    fn restart_asked(&mut self, myself: &Address<PaneMsg>) {
        let now = self.entry.state().borrow().clone();
        self.restarts = RestartWindow::default();
        self.shortages = 0;
        if let Some(due_ms) = now.due_ms() {
            let _ = self.server.store.save(&self.entry);
            let _ = myself.cast(PaneMsg::RestartDue(due_ms));
        } else if now.is_stopping() && self.stopping.as_ref().is_none_or(|task| task.is_finished())
        {
            self.stop(myself);
        }
    }

    /// Ends the program in the background, so that it can be started again.
    fn stop(&mut self, myself: &Address<PaneMsg>) {
        let (server, entry) = (Arc::clone(&self.server), Arc::clone(&self.entry));
        let actor = myself.clone();
        let stopping = tokio::spawn(async move {
            // A task of its own, so that a panic in it is seen here.
            let ending = tokio::spawn(restart::end(server, Arc::clone(&entry)));
            if let Err(error) = AbortOnDropHandle::new(ending).await {
                tracing::error!(pane = %entry.shown(), pane_id = %entry.id, %error, "the end for a restart has failed");
                tokio::time::sleep(RESTART_PAUSE).await;
            }
            let due_ms = entry.state().borrow().due_ms().unwrap_or_default();
            let _ = actor.cast(PaneMsg::RestartDue(due_ms));
        });
        self.stopping = Some(AbortOnDropHandle::new(stopping));
    }

    async fn restart(&mut self, myself: &Address<PaneMsg>, due_ms: u64) {
        if self.entry.state().borrow().is_stopping() {
            // Its end has failed.
            return self.stop(myself);
        }
        if self.entry.state().borrow().due_ms() != Some(due_ms) {
            return;
        }
        let respawned = spawn::respawn(&self.server, &self.entry).await;
        if self.entry.state().borrow().is_closing() {
            return;
        }
        match respawned {
            Ok(()) => {
                if std::mem::take(&mut self.shortages) > 0 {
                    tracing::info!(pane = %self.entry.shown(), pane_id = %self.entry.id, "the program is started again after all");
                }
            }
            Err(error) if error.code == ErrorCode::Limit => self.put_off(myself, &error),
            Err(error) => {
                tracing::warn!(pane = %self.entry.shown(), pane_id = %self.entry.id, %error, "the program cannot be started again");
                let asked = self.entry.state().borrow().is_asked();
                self.entry.change(|state| {
                    let reason = error.message;
                    let exit = ExitStatus::SpawnFailed { reason };
                    state.fail_start(Ended::unseen(exit, 0, epoch_ms()));
                    // Who has asked for it is told, and asks again.
                    if asked {
                        state.decide(Next::Kept);
                    }
                });
                if asked {
                    let _ = self.server.store.save(&self.entry);
                }
                self.program_ended(myself, self.entry.process().life);
            }
        }
    }

    /// Tries a start again later that failed for want of what is not the program's own: the program has not ended by that.
    fn put_off(&mut self, myself: &Address<PaneMsg>, error: &Error) {
        let pause = shortage_pause(self.shortages);
        if self.shortages == 0 {
            tracing::warn!(
                pane = %self.entry.shown(), pane_id = %self.entry.id, %error,
                "the program cannot be started again now; it is tried again until it can, or the pane is closed"
            );
        }
        self.shortages = self.shortages.saturating_add(1);
        let due_ms = millis(self.server.started.elapsed() + pause);
        let mut due = false;
        self.entry.change(|state| due = state.put_off_start(due_ms));
        if due {
            let _ = myself.send_after(pause, PaneMsg::RestartDue(due_ms));
        }
        // The keeper that was noted for it has gone.
        let _ = self.server.store.save(&self.entry);
    }
}

/// The pause before the next start, after so many in a row before this one that failed for want of something.
fn shortage_pause(before: u32) -> Duration {
    SHORTAGE_PAUSE
        .saturating_mul(2u32.saturating_pow(before))
        .min(LONGEST_SHORTAGE_PAUSE)
}

/// The consequence of a program's end.
enum Decision {
    /// It is started again after this pause.
    Restart(Duration),
    /// The pane is closed.
    Close,
    /// The pane stays as it is.
    Keep,
}
