//! A pane: one PTY with one program, and what of it survives its actor.

mod actor;
pub(crate) mod child;
mod close;
mod info;
pub mod life;
mod setup;
mod stored;
pub(crate) mod waits;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use protocol::reply::{PaneEnd, PaneStatus, Unreachable};
use protocol::request::{RestartType, RunStreams};
use protocol::{Error, ErrorCode, Name, PaneUuid, SessionUuid, Size};
use pty::Io;
use supervisor::AddressSlot;
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use crate::clock::{epoch_ms, millis};
use keeper::Identity;
use keeper_link::Keeper;
use model::pane::{Ended, PaneRecord};

pub use actor::{PaneActor, PaneActorState, PaneArgs, PaneMsg};
pub use close::close;
pub(crate) use close::{begin as close_in_background, go_on as go_on_closing};
pub use info::PanePlace;
pub(crate) use setup::setup_of;
pub(crate) use stored::identity;

/// One life of a pane's program.
#[derive(Clone, Debug)]
pub struct Process {
    /// The link to its parent.
    pub keeper: Keeper,
    /// The program.
    pub pid: u32,
    /// When it started, in clock ticks since boot; 0 when that is not known.
    pub start_time: u64,
    /// Its parent.
    pub keeper_pid: u32,
    /// When its parent started, in clock ticks since boot; with the pid it is the identity.
    pub keeper_start_time: u64,
    /// When it was started.
    pub started: Instant,
    /// Which life of the pane it is, from 0.
    pub life: u32,
    /// What its keeper asks the next daemon for; absent for keepers of older versions.
    pub secret: Option<Uuid>,
}

impl Process {
    /// Which process its keeper is.
    #[must_use]
    pub fn keeper_identity(&self) -> Option<Identity> {
        Identity::new(self.keeper_pid.cast_signed(), self.keeper_start_time)
    }

    /// Which process the program is.
    #[must_use]
    pub fn program_identity(&self) -> Option<Identity> {
        Identity::new(self.pid.cast_signed(), self.start_time)
    }
}

/// The next step of a pane's close. Each can be taken again after a failure in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, strum::EnumIter)]
pub enum CloseStep {
    /// The close is recorded, so that the next daemon goes on with it.
    #[default]
    Record,
    /// The program and all it has started are ended.
    End,
    /// The keeper is let go.
    Release,
    /// The pane is taken out of registry and database, and its end is remembered.
    Remove,
    /// The pane is taken out of the layout, and its actor and its I/O task are stopped.
    TakeOut,
    /// All is done: the end is told.
    Tell,
}

impl CloseStep {
    /// The one after it.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        use strum::IntoEnumIterator;
        Self::iter().find(|step| *step > self)
    }
}

/// Where a pane is in its life.
#[derive(Clone, Debug, Default)]
pub struct PaneState {
    /// How the program ended; absent while it runs.
    pub ended: Option<Ended>,
    /// How the last life that ended did, also after the next one has begun.
    pub last_end: Option<Ended>,
    /// How many ends there were while this daemon watched.
    pub ends: u64,
    /// The program was started again so often.
    pub restarts: u32,
    /// It is about to be started again.
    pub restarting: bool,
    /// It is being started again: a program may be there that the pane does not have yet.
    pub starting: bool,
    /// What follows from its end is decided: it stays as it is.
    pub settled: bool,
    /// The pane is being closed.
    pub closing: bool,
    /// It is closed because its program ended, and nobody asked for it.
    pub by_itself: bool,
    /// It is to be closed without asking the program.
    pub force: bool,
    /// How far the close has come.
    pub step: CloseStep,
    /// Processes of it that could not be ended.
    pub survivors: Vec<u32>,
    /// A test wants to see this step fail so often.
    #[cfg(test)]
    pub fails: Option<(CloseStep, u32)>,
    /// It is taken out of everything, and nothing more is recorded about it.
    pub removed: bool,
    /// It is closed, and this is what is left to say.
    pub closed: Option<PaneEnd>,
    /// Its keeper cannot be asked, and this is why. Whatever is known besides is as old as that: nothing follows from it
    /// until the keeper is reached or found dead, except a close that somebody asks for.
    unreachable: Option<Unreachable>,
}

impl PaneState {
    /// Why its keeper cannot be asked, unless it can or the pane is gone.
    #[must_use]
    pub fn unreachable(&self) -> Option<&Unreachable> {
        self.unreachable.as_ref().filter(|_| self.closed.is_none())
    }

    /// Whether what follows from the end of its program is still to be decided, and can be.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.ended.is_some() && !self.closing && !self.settled && self.unreachable.is_none()
    }

    /// Its keeper cannot be asked, for this reason; the time of the first one counts.
    pub(crate) fn lose(&mut self, reason: String, program_lives: bool) {
        let since_ms = self
            .unreachable
            .as_ref()
            .map_or_else(epoch_ms, |u| u.since_ms);
        // What was to be started again is not, as long as nobody knows what runs.
        self.restarting = false;
        self.unreachable = Some(Unreachable {
            since_ms,
            reason,
            program_lives,
        });
    }

    /// Its keeper answers, or is known to be dead.
    pub(crate) fn found(&mut self) {
        self.unreachable = None;
    }
}

impl PaneState {
    /// One more end, of a life or of the try to begin one.
    pub(crate) fn note_end(&mut self, ended: Ended) {
        self.ends += 1;
        self.last_end = Some(ended.clone());
        self.ended = Some(ended);
    }
}

/// A pane as everybody may see it. It outlives its actor.
pub struct PaneEntry {
    /// Its id.
    pub id: PaneUuid,
    /// Its session.
    pub session: SessionUuid,
    /// What it was made as.
    pub record: PaneRecord,
    /// Its I/O task.
    pub io: Io,
    /// Its actor.
    pub address: AddressSlot<PaneMsg>,
    name: ArcSwapOption<Name>,
    process: ArcSwap<Process>,
    next_keeper: ArcSwapOption<Identity>,
    status_pipe: ArcSwapOption<OwnedFd>,
    state: watch::Sender<PaneState>,
}

impl PaneEntry {
    /// An entry for a program that has just been started.
    #[must_use]
    pub fn new(
        id: PaneUuid,
        session: SessionUuid,
        name: Option<Name>,
        record: PaneRecord,
        process: Process,
        io: Io,
    ) -> Self {
        let state = PaneState::default();
        Self::restored(id, session, name, record, process, io, state)
    }

    /// An entry for a pane of an earlier daemon.
    #[must_use]
    pub fn restored(
        id: PaneUuid,
        session: SessionUuid,
        name: Option<Name>,
        record: PaneRecord,
        process: Process,
        io: Io,
        state: PaneState,
    ) -> Self {
        io.belongs_to(id);
        Self {
            id,
            session,
            record,
            io,
            address: AddressSlot::new(),
            name: ArcSwapOption::new(name.map(Arc::new)),
            process: ArcSwap::from_pointee(process),
            next_keeper: ArcSwapOption::empty(),
            status_pipe: ArcSwapOption::empty(),
            state: watch::Sender::new(state),
        }
    }

    /// Its label.
    #[must_use]
    pub fn name(&self) -> Option<Arc<Name>> {
        self.name.load_full()
    }

    /// Gives it another label, and says which it had.
    pub fn rename(&self, name: Option<Arc<Name>>) -> Option<Arc<Name>> {
        self.name.swap(name)
    }

    /// The present life of its program.
    #[must_use]
    pub fn process(&self) -> Arc<Process> {
        self.process.load_full()
    }

    /// The keeper of the program's next life, while that is being started.
    #[must_use]
    pub fn next_keeper(&self) -> Option<Identity> {
        self.next_keeper.load().as_deref().copied()
    }

    pub(crate) fn set_next_keeper(&self, keeper: Option<Identity>) {
        self.next_keeper.store(keeper.map(Arc::new));
    }

    /// Its state, and every later one.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<PaneState> {
        self.state.subscribe()
    }

    /// The read end of its status pipe, for whoever follows it.
    pub(crate) fn keep_status_pipe(&self, pipe: OwnedFd) {
        self.status_pipe.store(Some(Arc::new(pipe)));
    }

    /// Takes it, once.
    pub(crate) fn take_status_pipe(&self) -> Option<OwnedFd> {
        Arc::into_inner(self.status_pipe.swap(None)?)
    }

    /// Its size from now on.
    pub fn set_size(&self, size: Size) {
        self.io.set_size(size);
    }

    /// Its program: running, or how it ended.
    #[must_use]
    pub fn status(&self) -> PaneStatus {
        let state = self.state.borrow();
        let running = || millis(self.process.load().started.elapsed());
        PaneStatus {
            exit: state.ended.as_ref().map(|ended| ended.exit.clone()),
            duration_ms: state.ended.as_ref().map_or_else(running, |e| e.duration_ms),
            ended_at_ms: state.ended.as_ref().map(|ended| ended.at_ms),
            restarting: state.restarting,
            restarts: state.restarts,
            unreachable: state.unreachable().cloned(),
            // A program that has ended is in no other state, whatever it told.
            state: match state.ended {
                Some(_) => None,
                None => self.io.live().facts().status.clone(),
            },
        }
    }

    /// Waits for the next end of its program from now on, at most for `limit`. When time is over, the
    /// status is that of a program that has not ended.
    pub async fn next_end(&self, limit: Duration) -> PaneStatus {
        let mut state = self.state();
        let before = state.borrow().ends;
        let restarts = self.record.restart != RestartType::Temporary;
        let is_over = |state: &PaneState| {
            // An end of a program that may be started again counts when it is decided that it is not.
            let stays = state.settled || state.closing || !restarts;
            state.ends > before || state.ended.is_some() && stays
        };
        let waited = timeout(limit, state.wait_for(is_over)).await;
        let last = match &waited {
            Ok(Ok(state)) => state.ended.clone().or_else(|| state.last_end.clone()),
            Ok(Err(_)) | Err(_) => None,
        };
        drop(waited);
        let mut status = self.status();
        status.exit = last.as_ref().map(|ended| ended.exit.clone());
        status.ended_at_ms = last.as_ref().map(|ended| ended.at_ms);
        if let Some(last) = last {
            status.duration_ms = last.duration_ms;
        }
        status
    }

    /// Records how the present life ended, unless that is known.
    pub(crate) fn ended(&self, ended: Ended) {
        self.change(|state| {
            if state.ended.is_none() {
                state.note_end(ended);
            }
        });
    }

    /// The error for a call that needs the program alive.
    ///
    /// # Errors
    /// `pane_exited` with its end, `unreachable` while its keeper cannot be asked.
    pub fn alive(&self) -> Result<(), Error> {
        self.reachable()?;
        match &self.state.borrow().ended {
            None => Ok(()),
            Some(ended) => Err(Error::new(
                ErrorCode::PaneExited,
                format!("the program in pane {} {}", self.id, ended.exit),
            )
            .hint("its output can still be read; create a pane to go on")),
        }
    }

    /// The error for a call that types.
    ///
    /// # Errors
    /// As [`Self::alive`]; `unsupported` when its program has no terminal.
    pub fn typeable(&self) -> Result<(), Error> {
        self.alive()?;
        match self.record.streams {
            RunStreams::Terminal => Ok(()),
            RunStreams::Pipes | RunStreams::Apart => Err(Error::new(
                ErrorCode::Unsupported,
                format!(
                    "pane {} has no terminal to type into: its program has pipes, and nothing to read",
                    self.id
                ),
            )
            .hint("run it with a terminal to type: pty true, no --no-pty")),
        }
    }

    /// The error for a call that needs the program's terminal.
    ///
    /// # Errors
    /// `unreachable` with the reason.
    pub fn reachable(&self) -> Result<(), Error> {
        match self.state.borrow().unreachable() {
            None => Ok(()),
            Some(why) => Err(Error::new(
                ErrorCode::Unreachable,
                format!("pane {} is {why}", self.id),
            )
            .hint("what was last stored of its text can be read, and it can be closed; `fugue retry` or fugue_retry_pane tries it at once")),
        }
    }

    /// Its program as it is known when its keeper is reached.
    pub(crate) fn set_process(&self, process: Process) {
        self.process.store(Arc::new(process));
    }

    /// The turn to start the program again; `None` when the pane is being closed. A close waits until
    /// the turn is over.
    pub(crate) fn begin_start(self: &Arc<Self>) -> Option<StartTurn> {
        let mut begun = false;
        self.state.send_if_modified(|state| {
            begun = !state.closing;
            state.starting |= begun;
            begun
        });
        begun.then(|| StartTurn(Arc::clone(self)))
    }

    /// The pane gets its program's next life, unless it is being closed.
    #[must_use]
    pub(crate) fn begin_life(&self, process: Process) -> bool {
        let process = Arc::new(process);
        self.state.send_if_modified(|state| {
            if state.closing {
                return false;
            }
            self.process.store(process);
            state.ended = None;
            state.restarting = false;
            state.settled = false;
            state.restarts += 1;
            true
        })
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut PaneState)) {
        self.state.send_modify(change);
    }

    /// True for the first caller only.
    pub(crate) fn begin_close(&self, force: bool) -> bool {
        let mut first = false;
        self.state.send_if_modified(|state| {
            first = !state.closing;
            let changed = first || (force && !state.force);
            state.closing = true;
            state.force |= force;
            changed
        });
        first
    }

    /// Its final state so far.
    #[must_use]
    pub fn end(&self, survivors: Vec<u32>) -> PaneEnd {
        PaneEnd {
            pane_id: self.id,
            name: self.name().map(|name| Name::clone(&name)),
            command: self.record.command.clone(),
            status: self.status(),
            survivors,
        }
    }
}

/// A pane's turn to start its program again; over when it is dropped.
pub(crate) struct StartTurn(Arc<PaneEntry>);

impl Drop for StartTurn {
    fn drop(&mut self) {
        self.0.change(|state| state.starting = false);
    }
}
