//! A pane as everybody may see it: what of it survives its actor.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use protocol::reply::{PaneEnd, PaneStatus};
use protocol::request::{RestartType, RunStreams};
use protocol::{Error, ErrorCode, Name, PaneUuid, SessionUuid, Size};
use pty::Io;
use supervisor::{AddressSlot, ChildId};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::message::PaneMsg;
use super::process::Process;
use crate::clock::{millis, steady_ms};
use keeper::Identity;
use model::pane::{Asked, Cause, Ended, PaneLife, PaneRecord};

/// Puts a name of before back, unless there is another one than `set`. True if it is there.
pub(crate) fn swap_back(
    name: &ArcSwapOption<Name>,
    set: Arc<Name>,
    before: Option<Arc<Name>>,
) -> bool {
    let set = Some(set);
    let found = name.compare_and_swap(&set, before);
    let same = found.as_ref().zip(set.as_ref());
    same.is_some_and(|(found, set)| Arc::ptr_eq(found, set))
}

/// A pane as everybody may see it. It outlives its actor.
pub(crate) struct PaneEntry {
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
    pub(super) process: ArcSwap<Process>,
    next_keeper: ArcSwapOption<Identity>,
    status_pipe: ArcSwapOption<OwnedFd>,
    pub(super) state: watch::Sender<PaneLife>,
    /// Waits for the end of the program's present life.
    watch: ArcSwapOption<AbortOnDropHandle<()>>,
    removed: AtomicBool,
    /// Since when it is being closed, or its program ended for a restart, in milliseconds of `steady_ms`.
    ending_since_ms: AtomicU64,
    /// A test wants to see this step of its close fail so often.
    #[cfg(test)]
    pub(super) fails: std::sync::Mutex<Option<(model::pane::CloseStep, u32)>>,
}

impl PaneEntry {
    /// An entry for a program that has just been started.
    #[must_use]
    pub(crate) fn new(
        id: PaneUuid,
        session: SessionUuid,
        name: Option<Name>,
        record: PaneRecord,
        process: Process,
        io: Io,
    ) -> Self {
        let life = PaneLife::default();
        Self::restored(id, session, name, record, process, io, life)
    }

    /// An entry for a pane of an earlier daemon.
    #[must_use]
    pub(crate) fn restored(
        id: PaneUuid,
        session: SessionUuid,
        name: Option<Name>,
        record: PaneRecord,
        process: Process,
        io: Io,
        life: PaneLife,
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
            state: watch::Sender::new(life),
            watch: ArcSwapOption::empty(),
            removed: AtomicBool::new(false),
            ending_since_ms: AtomicU64::new(steady_ms()),
            #[cfg(test)]
            fails: std::sync::Mutex::default(),
        }
    }

    /// The name of its actor under its supervisor.
    #[must_use]
    pub(crate) fn child_id(&self) -> ChildId {
        ChildId::from(self.id.to_string())
    }

    /// Its label.
    #[must_use]
    pub(crate) fn name(&self) -> Option<Arc<Name>> {
        self.name.load_full()
    }

    /// Gives it another label, and says which it had.
    pub(crate) fn rename(&self, name: Option<Arc<Name>>) -> Option<Arc<Name>> {
        self.name.swap(name)
    }

    /// Gives it the label of before again: see [`swap_back`].
    pub(crate) fn take_name_back(&self, set: Arc<Name>, before: Option<Arc<Name>>) -> bool {
        swap_back(&self.name, set, before)
    }

    /// The present life of its program.
    #[must_use]
    pub(crate) fn process(&self) -> Arc<Process> {
        self.process.load_full()
    }

    /// The keeper of the program's next life, while that is being started.
    #[must_use]
    pub(crate) fn next_keeper(&self) -> Option<Identity> {
        self.next_keeper.load().as_deref().copied()
    }

    pub(crate) fn set_next_keeper(&self, keeper: Option<Identity>) {
        self.next_keeper.store(keeper.map(Arc::new));
    }

    /// The state of its life, and every later one.
    #[must_use]
    pub(crate) fn state(&self) -> watch::Receiver<PaneLife> {
        self.state.subscribe()
    }

    /// The task that waits for the end of the program's present life; it ends with the entry, and with the next one.
    pub(super) fn watched_by(&self, task: JoinHandle<()>) {
        self.watch
            .store(Some(Arc::new(AbortOnDropHandle::new(task))));
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
    pub(crate) fn set_size(&self, size: Size) {
        self.io.set_size(size);
    }

    /// Its program: running, or how it ended.
    #[must_use]
    pub(crate) fn status(&self) -> PaneStatus {
        let state = self.state.borrow();
        let running = || millis(self.process.load().started.elapsed());
        PaneStatus {
            exit: state.end().map(|ended| ended.exit.clone()),
            duration_ms: state.end().map_or_else(running, |ended| ended.duration_ms),
            ended_at_ms: state.end().map(|ended| ended.at_ms),
            usage: state.end().and_then(|ended| ended.usage),
            restarting: state.is_restarting(),
            restarts: state.restarts(),
            unreachable: state.unreachable().cloned(),
            // A program that has ended is in no other state, whatever it told.
            state: match state.has_ended() {
                true => None,
                false => self.io.live().facts().status.clone(),
            },
        }
    }

    /// Waits for the next end of its program from now on, at most for `limit`. When time is over, the
    /// status is that of a program that has not ended.
    pub(crate) async fn next_end(&self, limit: Duration) -> PaneStatus {
        let mut state = self.state();
        let before = state.borrow().ends();
        let restarts = self.record.settings.restart != RestartType::Temporary;
        let is_over = |state: &PaneLife| {
            // An end of a program that may be started again counts when it is decided that it is not.
            let stays = state.is_kept() || state.is_closing() || !restarts;
            state.ends() > before || state.has_ended() && stays
        };
        let waited = timeout(limit, state.wait_for(is_over)).await;
        let last = match &waited {
            Ok(Ok(state)) => state.end().or_else(|| state.last_end()).cloned(),
            Ok(Err(_)) | Err(_) => None,
        };
        drop(waited);
        let mut status = self.status();
        status.exit = last.as_ref().map(|ended| ended.exit.clone());
        status.ended_at_ms = last.as_ref().map(|ended| ended.at_ms);
        status.usage = last.as_ref().and_then(|ended| ended.usage);
        if let Some(last) = last {
            status.duration_ms = last.duration_ms;
        }
        status
    }

    /// Records how the present life ended, unless that is known.
    pub(crate) fn ended(&self, ended: Ended) {
        self.change(|state| state.note_end(ended));
    }

    /// It as messages call it and somebody can type it: by its number, where it has one.
    #[must_use]
    pub(crate) fn shown(&self) -> String {
        let number = self.record.number.told();
        number.map_or_else(|| self.id.to_string(), |number| number.to_string())
    }

    /// The error for a call that needs the program alive.
    ///
    /// # Errors
    /// `pane_exited` with its end, `unreachable` while its keeper cannot be asked.
    pub(crate) fn alive(&self) -> Result<(), Error> {
        self.reachable()?;
        match self.state.borrow().end() {
            None => Ok(()),
            Some(ended) => Err(Error::new(
                ErrorCode::PaneExited,
                format!(
                    "the program in pane {} has ended: {}",
                    self.shown(),
                    ended.exit
                ),
            )
            .hint("its output can still be read; create a pane to go on")),
        }
    }

    /// The error for a call that types.
    ///
    /// # Errors
    /// As [`Self::alive`]; `unsupported` when its program has no terminal.
    pub(crate) fn typeable(&self) -> Result<(), Error> {
        self.alive()?;
        match self.record.streams {
            RunStreams::Terminal => Ok(()),
            RunStreams::Pipes | RunStreams::Apart => Err(Error::new(
                ErrorCode::Unsupported,
                format!(
                    "pane {} has no terminal to type into: its program has pipes, and nothing to read",
                    self.shown()
                ),
            )
            .hint("run it with a terminal to type: pty true, no --no-pty")),
        }
    }

    /// The error for a call that needs the program's terminal.
    ///
    /// # Errors
    /// `unreachable` with the reason.
    pub(crate) fn reachable(&self) -> Result<(), Error> {
        match self.state.borrow().unreachable() {
            None => Ok(()),
            Some(why) => Err(Error::new(
                ErrorCode::Unreachable,
                format!("pane {} is {why}", self.shown()),
            )
            .hint("what was last stored of its text can be read, and it can be closed; `fugue retry` or fugue_retry_pane tries it at once")),
        }
    }

    /// Its program as it is known when its keeper is reached.
    pub(crate) fn set_process(&self, process: Process) {
        self.process.store(Arc::new(process));
    }

    /// The turn to start the program again, when that is decided; `None` when the pane is being closed. A close waits
    /// until the turn is over.
    pub(crate) fn begin_start(self: &Arc<Self>) -> Option<StartTurn> {
        let mut begun = false;
        self.state.send_if_modified(|state| {
            begun = state.begin_start();
            begun
        });
        begun.then(|| StartTurn(Arc::clone(self)))
    }

    /// Somebody asks at this time that its program be ended and started again. Absent when its state forbids that.
    pub(super) fn ask_restart(&self, now_ms: u64) -> Option<Asked> {
        let mut asked = None;
        self.change(|state| asked = state.ask_restart(now_ms));
        self.ending_since_ms.store(steady_ms(), Ordering::Relaxed);
        asked
    }

    /// The pane gets its program's next life, unless it is being closed.
    #[must_use]
    pub(crate) fn begin_life(&self, process: Process) -> bool {
        let process = Arc::new(process);
        self.state.send_if_modified(|state| {
            let begun = state.begin_life();
            if begun {
                self.process.store(process);
            }
            begun
        })
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut PaneLife)) {
        self.state.send_modify(change);
    }

    /// True for the first caller only.
    pub(crate) fn begin_close(&self, cause: Cause, force: bool) -> bool {
        let mut first = false;
        self.state.send_if_modified(|state| {
            let forced = state.is_forced();
            first = state.begin_close(cause, force);
            if first {
                self.ending_since_ms.store(steady_ms(), Ordering::Relaxed);
            }
            first || state.is_forced() != forced
        });
        first
    }

    pub(super) fn ending_since_ms(&self) -> u64 {
        self.ending_since_ms.load(Ordering::Relaxed)
    }

    /// It is taken out of the registry.
    pub(crate) fn set_removed(&self) {
        self.removed.store(true, Ordering::Release);
    }

    /// True if it is taken out of the registry, and nothing more is recorded about it.
    #[must_use]
    pub(crate) fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Acquire)
    }

    /// Its final state so far.
    #[must_use]
    pub(crate) fn end(&self, survivors: Vec<u32>) -> PaneEnd {
        PaneEnd {
            pane_id: self.id,
            number: self.record.number.told(),
            name: self.name().map(|name| Name::clone(&name)),
            command: self.record.command.clone(),
            status: self.status(),
            survivors,
        }
    }
}

/// Nobody can ask the I/O task any more.
impl Drop for PaneEntry {
    fn drop(&mut self) {
        self.io.abort();
    }
}

/// A pane's turn to start its program again; over when it is dropped.
pub(crate) struct StartTurn(Arc<PaneEntry>);

impl Drop for StartTurn {
    fn drop(&mut self) {
        self.0.change(PaneLife::end_start);
    }
}
