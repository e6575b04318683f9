//! The beginning, the next lives and the end of a pane's I/O task.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use journal::Journal;
use protocol::{Error, Size};
use terminal::screen::{Extent, Screen};
use tokio::sync::{mpsc, watch};

use super::absent::Absent;
use super::fairness::LastKey;
use super::fast_path::FastPath;
use super::rebuild::{Rebuilt, rebuild_aside};
use super::{Command, Io, Live, NOTHING_PARSED, Shared, Terminal, failed, gone, rebuilding, task};
use crate::setup::Setup;
use crate::watched::Watched;

/// Commands waiting for the task. Whoever asks beyond it waits its turn.
const COMMANDS: usize = 64;

/// The time that a failed task may take to be started again by the pane's actor.
const REVIVAL_LIMIT: Duration = Duration::from_secs(5);

impl Io {
    /// Starts the task for a pane whose program has just been started.
    ///
    /// # Errors
    /// What the system says of the PTY or the journal.
    pub fn start(
        master: OwnedFd,
        journal_fd: OwnedFd,
        journal_bytes: usize,
        size: Size,
        setup: Setup,
    ) -> Result<Self, Error> {
        let mut journal =
            Journal::create(journal_fd.as_fd(), journal_bytes).map_err(|e| failed(&e))?;
        let _first = journal.note_resize(size.rows, size.cols);
        let new = Rebuilt::of(setup.screen.empty(size));
        Self::begin(master, journal_fd, journal, new, size, setup)
    }

    /// Starts the task for a pane of an earlier daemon, whose journal holds what its program has printed, also what was read
    /// and not yet shown when that daemon died. The screen is rebuilt aside; whoever asks meanwhile waits for it.
    ///
    /// # Errors
    /// What the system says of the PTY or the journal.
    pub fn resume(
        master: OwnedFd,
        journal_fd: OwnedFd,
        journal_bytes: usize,
        size: Size,
        setup: Setup,
    ) -> Result<Self, Error> {
        let Some(journal) = open_journal(&journal_fd) else {
            return Self::start(master, journal_fd, journal_bytes, size, setup);
        };
        let (io, queue) = Self::new(size, setup);
        let master = io.set_terminal(master, journal_fd)?;
        io.rebuild_and_run(master, journal, NOTHING_PARSED, queue);
        Ok(io)
    }

    /// Starts the task for a pane whose terminal cannot be had now; `last` is the screen that is known of it, if any.
    #[must_use]
    pub fn absent(size: Size, setup: Setup, last: Option<Screen>) -> Self {
        let (io, queue) = Self::new(size, setup);
        let screen = last.unwrap_or_else(|| io.blank());
        io.publish(&screen);
        io.spawn(Absent::new(Arc::clone(&io.shared), screen).run(queue));
        io
    }

    /// True if the terminal cannot be had now.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.shared.terminal.load().is_none()
    }

    /// The terminal and the journal of a pane that was [absent](Self::absent) are there: its screen is rebuilt, and then
    /// everybody goes on with it.
    ///
    /// # Errors
    /// What the system says of the PTY or the journal; then it stays absent.
    pub async fn enter(
        &self,
        master: OwnedFd,
        journal_fd: OwnedFd,
        journal_bytes: usize,
    ) -> Result<(), Error> {
        let size = self.size();
        let (journal, rebuilt) = match open_journal(&journal_fd) {
            Some(journal) => {
                rebuild_aside(journal, NOTHING_PARSED, size, self.shared.setup.screen).await?
            }
            None => {
                let mut journal =
                    Journal::create(journal_fd.as_fd(), journal_bytes).map_err(|e| failed(&e))?;
                let _first = journal.note_resize(size.rows, size.cols);
                (journal, Rebuilt::of(self.blank()))
            }
        };
        self.appear(master, journal_fd, journal, rebuilt)
    }

    /// Another task takes the place of the one without a terminal.
    pub(super) fn appear(
        &self,
        master: OwnedFd,
        journal_fd: OwnedFd,
        journal: Journal,
        rebuilt: Rebuilt,
    ) -> Result<(), Error> {
        let (commands, queue) = mpsc::channel(COMMANDS);
        self.run(master, journal_fd, journal, rebuilt, queue)?;
        self.go_on_with(commands);
        Ok(())
    }

    /// An empty screen.
    pub(super) fn blank(&self) -> Screen {
        self.shared.setup.screen.empty(self.size())
    }

    /// Starts the task for a pane whose program and journal are gone; `last` is the screen that is left of it, if any.
    ///
    /// # Errors
    /// What the system says of file descriptors and memory.
    pub fn without_program(
        journal_bytes: usize,
        size: Size,
        setup: Setup,
        last: Option<Screen>,
    ) -> Result<Self, Error> {
        // A pipe that nobody writes to: an end of output that can be watched like a terminal.
        let (master, _) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|errno| failed(&errno))?;
        let journal_fd = rustix::fs::memfd_create("fugue-journal", rustix::fs::MemfdFlags::CLOEXEC)
            .map_err(|errno| failed(&errno))?;
        let Some(mut screen) = last else {
            return Self::start(master, journal_fd, journal_bytes, size, setup);
        };
        let mut journal =
            Journal::create(journal_fd.as_fd(), journal_bytes).map_err(|e| failed(&e))?;
        screen.resize(size);
        // A task that is started again has nothing else to begin with.
        let _fits = journal.store_checkpoint(0, &screen.checkpoint(Extent::Full));
        let rebuilt = Rebuilt::of(screen);
        Self::begin(master, journal_fd, journal, rebuilt, size, setup)
    }

    fn begin(
        master: OwnedFd,
        journal_fd: OwnedFd,
        journal: Journal,
        rebuilt: Rebuilt,
        size: Size,
        setup: Setup,
    ) -> Result<Self, Error> {
        let (io, queue) = Self::new(size, setup);
        io.run(master, journal_fd, journal, rebuilt, queue)?;
        Ok(io)
    }

    /// A handle without a task, and what its task is to serve.
    fn new(size: Size, setup: Setup) -> (Self, mpsc::Receiver<Command>) {
        let (commands, queue) = mpsc::channel(COMMANDS);
        let io = Self {
            shared: Arc::new(Shared {
                live: Live::default(),
                size: watch::Sender::new(size),
                facts: watch::Sender::new(setup.terminal),
                setup,
                fast_path: FastPath::default(),
                looks: AtomicUsize::new(0),
                last_key: LastKey::never(),
                terminal: ArcSwapOption::empty(),
                parsing: AtomicU64::new(NOTHING_PARSED),
                commands: ArcSwap::from_pointee(commands),
                lives: watch::Sender::new(0),
                program_ended: AtomicBool::new(false),
                stopped: watch::Sender::new(false),
                ended: watch::Sender::new(false),
                pane: OnceLock::new(),
                tasks: Mutex::default(),
            }),
        };
        (io, queue)
    }

    fn publish(&self, screen: &Screen) {
        let live = &self.shared.live;
        live.title.store(Arc::new(screen.title().to_owned()));
        let cwd = screen.cwd().map(|cwd| cwd.display().to_string());
        live.cwd.store(cwd.map(Arc::new));
        live.facts
            .store(Arc::new(super::facts::Times::default().facts(screen)));
    }

    /// The terminal is there from now on.
    fn set_terminal(&self, master: OwnedFd, journal_fd: OwnedFd) -> Result<Watched, Error> {
        let master = Arc::new(master);
        let watched = Watched::new(Arc::clone(&master)).map_err(|e| failed(&e))?;
        let terminal = Terminal { master, journal_fd };
        self.shared.terminal.store(Some(Arc::new(terminal)));
        Ok(watched)
    }

    fn run(
        &self,
        master: OwnedFd,
        journal_fd: OwnedFd,
        journal: Journal,
        rebuilt: Rebuilt,
        queue: mpsc::Receiver<Command>,
    ) -> Result<(), Error> {
        let master = self.set_terminal(master, journal_fd)?;
        self.publish(&rebuilt.screen);
        self.shared.ended.send_replace(false);
        let task = task::Task::new(Arc::clone(&self.shared), rebuilt, journal, master);
        self.spawn(task.run(queue));
        Ok(())
    }

    /// Rebuilds the screen and serves then. Who asks meanwhile waits in the queue.
    fn rebuild_and_run(
        &self,
        master: Watched,
        journal: Journal,
        failed_at: u64,
        queue: mpsc::Receiver<Command>,
    ) {
        let (size, setup) = (self.size(), self.shared.setup.screen);
        self.shared.ended.send_replace(false);
        let io = self.clone();
        self.spawn(async move {
            let told = task::EndGuard(Arc::clone(&io.shared));
            let rebuilt = rebuild_aside(journal, failed_at, size, setup).await;
            let Ok((journal, rebuilt)) = rebuilt else {
                return;
            };
            io.publish(&rebuilt.screen);
            let task = task::Task::new(Arc::clone(&io.shared), rebuilt, journal, master);
            task.serve(queue).await;
            drop(told);
        });
    }

    /// Starts a task whose turns are noted as the pane's.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let whose = Arc::clone(&self.shared);
        let subject = move || whose.pane.get().copied();
        let task = (self.shared.setup.host.spawn)(Box::new(subject), Box::pin(task));
        let mut tasks = lock(&self.shared.tasks);
        // One that another has taken the place of ends by itself when it has answered what it was asked before.
        tasks.retain(|before| !before.is_finished());
        tasks.push(task);
    }

    /// Ends the task at once: for its owner, when nobody is left who could ask it anything.
    pub fn abort(&self) {
        for task in lock(&self.shared.tasks).drain(..) {
            task.abort();
        }
    }

    /// Everybody asks the task that serves this from now on. After the queue is there: who sees the life sees the queue.
    fn go_on_with(&self, commands: mpsc::Sender<Command>) {
        self.shared.commands.store(Arc::new(commands));
        self.shared.lives.send_modify(|lives| *lives += 1);
    }

    /// Starts another task after one that failed: the screen comes from the last checkpoint and the
    /// journal, without the chunk that the task failed at.
    ///
    /// # Errors
    /// What the system says of the PTY or the journal.
    pub fn revive(&self) -> Result<(), Error> {
        if !self.has_ended() || *self.shared.stopped.borrow() {
            return Ok(());
        }
        let (commands, queue) = mpsc::channel(COMMANDS);
        let Some(terminal) = self.shared.terminal.load_full() else {
            self.shared.ended.send_replace(false);
            let absent = Absent::new(Arc::clone(&self.shared), self.blank());
            self.go_on_with(commands);
            self.spawn(absent.run(queue));
            return Ok(());
        };
        let journal = Journal::open(terminal.journal_fd.as_fd()).map_err(|e| failed(&e))?;
        let master = Watched::new(Arc::clone(&terminal.master)).map_err(|e| failed(&e))?;
        let failed_at = self.shared.parsing.swap(NOTHING_PARSED, Ordering::Relaxed);
        self.rebuild_and_run(master, journal, failed_at, queue);
        self.go_on_with(commands);
        tracing::warn!("a pane's I/O task was started again from its journal");
        Ok(())
    }

    /// True if the task has failed or was stopped.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        *self.shared.ended.borrow()
    }

    pub(super) fn is_stopped(&self) -> bool {
        *self.shared.stopped.borrow()
    }

    /// Waits until the task has failed; for ever when it is stopped instead.
    pub async fn failed(&self) {
        let mut ended = self.shared.ended.subscribe();
        let lost = ended.wait_for(|ended| *ended).await.is_err();
        if lost || self.is_stopped() {
            std::future::pending().await
        }
    }

    pub(super) fn life(&self) -> u64 {
        *self.shared.lives.borrow()
    }

    /// Waits until the task that failed in its life `life` was started again.
    ///
    /// # Errors
    /// `pane_exited` when the pane was closed; `busy` when its actor is given up.
    pub(super) async fn revived(&self, life: u64) -> Result<(), Error> {
        let mut lives = self.shared.lives.subscribe();
        let mut stopped = self.shared.stopped.subscribe();
        let revival = async {
            tokio::select! {
                _ = lives.wait_for(|now| *now != life) => Ok(()),
                _ = stopped.wait_for(|stopped| *stopped) => Err(gone()),
            }
        };
        tokio::time::timeout(REVIVAL_LIMIT, revival)
            .await
            .unwrap_or_else(|_| Err(rebuilding()))
    }

    /// Ends the task for good. The PTY is closed when its last command is done.
    pub fn stop(&self) {
        self.shared.stopped.send_replace(true);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The journal of an earlier daemon, with what that one had read and not shown.
fn open_journal(journal_fd: &OwnedFd) -> Option<Journal> {
    match Journal::open(journal_fd.as_fd()) {
        Ok(mut journal) => {
            journal.recover_uncommitted();
            Some(journal)
        }
        Err(error) => {
            // The daemon died before the program's first byte, or the memory is damaged.
            tracing::warn!(%error, "a journal of an earlier daemon is not read; its pane starts empty");
            None
        }
    }
}
