//! A pane: one PTY with one program, and what of it survives its actor.

pub mod input;
pub mod io;
pub mod journal;
pub mod life;
pub mod screen;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use protocol::reply::{ExitStatus, PaneEnd, PaneInfo, PaneStatus};
use protocol::request::{RestartType, StopRecipe};
use protocol::{Error, ErrorCode, Name, PaneUuid, ServerName, SessionUuid, Size, WindowUuid};
use serde::{Deserialize, Serialize};
use supervisor::{Actor, ActorError, Address, AddressSlot, Window as RestartWindow};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::{epoch_ms, millis};
use crate::keeper::Keeper;
use crate::server::Server;
use crate::spawn;
use io::Io;

pub use life::close;

/// A program is started again at most so often within [`RESTART_PERIOD`]; then it stays ended.
const RESTARTS: u32 = 5;

/// See [`RESTARTS`].
const RESTART_PERIOD: Duration = Duration::from_secs(60);

/// The pause before the first restart; it doubles with each further one within the period.
const RESTART_PAUSE: Duration = Duration::from_millis(200);

/// What a pane was made as; never changes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PaneRecord {
    /// For people.
    pub command: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// What is executed instead of the first of them.
    pub program: Option<String>,
    /// Where it starts.
    pub cwd: String,
    /// Its complete environment.
    pub env: Vec<(String, String)>,
    /// What happens when it ends.
    pub restart: RestartType,
    /// The ended pane is kept.
    pub remain_on_exit: bool,
    /// How it is asked to end.
    pub stop: StopRecipe,
    /// It has a pipe for a pipeline's statuses.
    pub status_pipe: bool,
    /// Lines of scrollback.
    pub history_lines: usize,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// The idempotency key of the request that made it.
    pub made_for: Option<String>,
    /// Memory that its processes may use together, in bytes.
    pub memory_max: Option<u64>,
    /// The directory of its control group.
    pub cgroup: Option<String>,
}

/// One life of a pane's program.
#[derive(Clone, Debug)]
pub struct Process {
    /// The link to its parent.
    pub keeper: Keeper,
    /// The program.
    pub pid: u32,
    /// Its parent.
    pub keeper_pid: u32,
    /// When it was started.
    pub started: Instant,
    /// Which life of the pane it is, from 0.
    pub life: u32,
}

/// How a program's life ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Exit code, signal, or why it is not known.
    pub exit: ExitStatus,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}

/// Where a pane is in its life.
#[derive(Clone, Debug, Default)]
pub struct PaneState {
    /// How the program ended; absent while it runs.
    pub ended: Option<Ended>,
    /// The program was started again so often.
    pub restarts: u32,
    /// It is about to be started again.
    pub restarting: bool,
    /// What follows from its end is decided: it stays as it is.
    pub settled: bool,
    /// The pane is being closed.
    pub closing: bool,
    /// It is closed because its program ended, and nobody asked for it.
    pub by_itself: bool,
    /// It is to be closed without asking the program.
    pub force: bool,
    /// It is taken out of everything, and nothing more is recorded about it.
    pub removed: bool,
    /// It is closed, and this is what is left to say.
    pub closed: Option<PaneEnd>,
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
        Self {
            id,
            session,
            record,
            io,
            address: AddressSlot::new(),
            name: ArcSwapOption::new(name.map(Arc::new)),
            process: ArcSwap::from_pointee(process),
            status_pipe: ArcSwapOption::empty(),
            state: watch::Sender::new(state),
        }
    }

    /// Its label.
    #[must_use]
    pub fn name(&self) -> Option<Arc<Name>> {
        self.name.load_full()
    }

    /// Gives it another label.
    pub fn rename(&self, name: Name) {
        self.name.store(Some(Arc::new(name)));
    }

    /// The present life of its program.
    #[must_use]
    pub fn process(&self) -> Arc<Process> {
        self.process.load_full()
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
        }
    }

    /// As it stands in a list.
    #[must_use]
    pub fn info(&self, place: &PanePlace) -> PaneInfo {
        let process = self.process();
        let live = self.io.live();
        PaneInfo {
            pane_id: self.id,
            session_id: self.session,
            session_name: place.session_name.clone(),
            window_id: place.window,
            index: place.index,
            name: self.name().map(|name| Name::clone(&name)),
            pid: process.pid,
            keeper_pid: process.keeper_pid,
            command: self.record.command.clone(),
            cwd: self.cwd(),
            size: self.io.size(),
            title: live.title().to_string(),
            status: self.status(),
            restart: self.record.restart,
            remain_on_exit: self.record.remain_on_exit,
            focused: place.focused,
            idle_ms: epoch_ms().saturating_sub(live.last_output_ms()),
            created_at_ms: self.record.created_at_ms,
            mirror_of: None,
        }
    }

    /// Where the program is: as it told (OSC 7), else as the kernel knows, else where it started.
    fn cwd(&self) -> String {
        if let Some(told) = self.io.live().cwd() {
            return told.to_string();
        }
        let running = self.state.borrow().ended.is_none();
        let link = format!("/proc/{}/cwd", self.process.load().pid);
        running
            .then(|| std::fs::read_link(link).ok())
            .flatten()
            .map_or_else(
                || self.record.cwd.clone(),
                |path| path.display().to_string(),
            )
    }

    /// The error for a call that needs the program alive.
    ///
    /// # Errors
    /// `pane_exited` with its end.
    pub fn alive(&self) -> Result<(), Error> {
        match &self.state.borrow().ended {
            None => Ok(()),
            Some(ended) => Err(Error::new(
                ErrorCode::PaneExited,
                format!("the program in pane {} {}", self.id, ended.exit),
            )
            .hint("its output can still be read; create a pane to go on")),
        }
    }

    /// The actor gets a new program's first life.
    pub(crate) fn begin_life(&self, process: Process) {
        self.process.store(Arc::new(process));
        self.state.send_modify(|state| {
            state.ended = None;
            state.restarting = false;
            state.settled = false;
            state.restarts += 1;
        });
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

/// A pane's place in its session.
#[derive(Clone, Debug)]
pub struct PanePlace {
    /// The session's name.
    pub session_name: Name,
    /// The server's name.
    pub server: ServerName,
    /// Its window.
    pub window: WindowUuid,
    /// Its position in the window's layout.
    pub index: u32,
    /// It is its window's focused pane.
    pub focused: bool,
}

/// What a pane's actor is told.
#[derive(strum::IntoStaticStr)]
pub enum PaneMsg {
    /// The life with this number has ended, and its output is read.
    ProgramEnded(u32),
    /// The pause before a restart is over.
    RestartDue(u32),
    /// The I/O task has failed: the actor fails with it, and its next life starts another one.
    IoFailed,
    /// A test wants to see the actor fail.
    #[cfg(debug_assertions)]
    Crash,
}

/// The actor: decides what follows the end of a program.
pub struct PaneActor;

/// What it is started with.
pub struct PaneArgs {
    /// The daemon.
    pub server: Arc<Server>,
    /// Its pane.
    pub entry: Arc<PaneEntry>,
}

/// What it keeps.
pub struct PaneActorState {
    server: Arc<Server>,
    entry: Arc<PaneEntry>,
    restarts: RestartWindow,
    io_watch: JoinHandle<()>,
}

impl Drop for PaneActorState {
    fn drop(&mut self) {
        self.io_watch.abort();
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
        let state = PaneActorState {
            server,
            entry,
            restarts: RestartWindow::default(),
            io_watch,
        };
        state.show(&myself);
        // What its predecessor may have been told and not done.
        let now = state.entry.state().borrow().clone();
        if now.ended.is_some() && !now.closing && !now.settled {
            let _ = myself.cast(PaneMsg::ProgramEnded(state.entry.process().life));
        }
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
            PaneMsg::RestartDue(life) => state.restart(myself, life).await,
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
        let program = match &status.exit {
            None => "running".to_owned(),
            Some(exit) => exit.to_string(),
        };
        myself.set_details(vec![
            ("pid", process.pid.to_string()),
            ("program", program),
            ("keeper", process.keeper_pid.to_string()),
            ("command", self.entry.record.command.clone()),
        ]);
    }

    fn program_ended(&mut self, myself: &Address<PaneMsg>, life: u32) {
        let now = self.entry.state().borrow().clone();
        let Some(ended) = now
            .ended
            .filter(|_| !now.closing && !now.settled && life == self.entry.process().life)
        else {
            return;
        };
        let restarts = match self.entry.record.restart {
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
        let decision = match count {
            0 if self.entry.record.remain_on_exit => "keep",
            0 => "close",
            1..=RESTARTS => "restart",
            _ if self.entry.record.remain_on_exit => "give up and keep",
            _ => "give up and close",
        };
        tracing::info!(
            pane_id = %self.entry.id,
            exit_reason = %ended.exit,
            restarts_in_window = count,
            decision,
            "program ended"
        );
        match decision {
            "restart" => {
                self.entry.change(|state| state.restarting = true);
                let pause = RESTART_PAUSE * 2u32.pow(count - 1);
                let _ = myself.send_after(pause, PaneMsg::RestartDue(life));
            }
            "close" | "give up and close" => {
                self.entry.change(|state| {
                    state.restarting = false;
                    state.by_itself = true;
                });
                life::close_in_background(&self.server, &self.entry);
            }
            _ => self.entry.change(|state| {
                state.restarting = false;
                state.settled = true;
            }),
        }
        let _ = self.server.store.save_pane(&self.entry);
    }

    async fn restart(&mut self, myself: &Address<PaneMsg>, life: u32) {
        if self.entry.state().borrow().closing || life != self.entry.process().life {
            return;
        }
        if let Err(error) = spawn::respawn(&self.server, &self.entry).await {
            tracing::warn!(pane_id = %self.entry.id, %error, "the program cannot be started again");
            self.entry.change(|state| {
                state.ended = Some(Ended {
                    exit: ExitStatus::SpawnFailed {
                        reason: error.message,
                    },
                    duration_ms: 0,
                    at_ms: epoch_ms(),
                });
            });
            self.program_ended(myself, life);
        }
    }
}

/// Counters that the I/O task publishes without a lock.
#[derive(Debug)]
pub struct Live {
    last_output_ms: AtomicU64,
    title: ArcSwap<String>,
    cwd: ArcSwapOption<String>,
    bell: AtomicBool,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            last_output_ms: AtomicU64::new(epoch_ms()),
            title: ArcSwap::default(),
            cwd: ArcSwapOption::empty(),
            bell: AtomicBool::new(false),
        }
    }
}

impl Live {
    /// When the program last printed, in milliseconds since 1970.
    #[must_use]
    pub fn last_output_ms(&self) -> u64 {
        self.last_output_ms.load(Ordering::Relaxed)
    }

    /// The title that the program set.
    #[must_use]
    pub fn title(&self) -> Arc<String> {
        self.title.load_full()
    }

    /// The directory that the program told (OSC 7).
    #[must_use]
    pub fn cwd(&self) -> Option<Arc<String>> {
        self.cwd.load_full()
    }
}
