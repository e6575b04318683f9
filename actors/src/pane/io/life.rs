//! The beginning, the next lives and the end of a pane's I/O task.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use protocol::{Error, Size};
use tokio::sync::{mpsc, watch};

use super::gate::Gate;
use super::give_way::LastKey;
use super::rebuild::{Rebuilt, rebuild};
use super::{Command, Io, Live, NOTHING_PARSED, Shared, Terminal, failed, gone, rebuilding, task};
use crate::pane::journal::Journal;
use crate::pane::screen::{Extent, Screen};

/// Commands waiting for the task. Whoever asks beyond it waits its turn.
const COMMANDS: usize = 64;

/// How long a failed task may take to be started again by the pane's actor.
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
        history_lines: usize,
    ) -> Result<Self, Error> {
        let mut journal =
            Journal::create(journal_fd.as_fd(), journal_bytes).map_err(|e| failed(&e))?;
        let _first = journal.note_resize(size.rows, size.cols);
        let new = Rebuilt {
            screen: Screen::new(size, history_lines),
            answers: None,
            resized: false,
        };
        Self::begin(master, journal_fd, journal, new, size, history_lines)
    }

    /// Starts the task for a pane of an earlier daemon, whose journal holds what its program has printed, also what was read
    /// and not yet shown when that daemon died. It parses all of it: not for a thread that serves others.
    ///
    /// # Errors
    /// What the system says of the PTY or the journal.
    pub fn resume(
        master: OwnedFd,
        journal_fd: OwnedFd,
        journal_bytes: usize,
        size: Size,
        history_lines: usize,
    ) -> Result<Self, Error> {
        let mut journal = match Journal::open(journal_fd.as_fd()) {
            Ok(journal) => journal,
            Err(error) => {
                // The daemon died before the program's first byte, or the memory is damaged.
                tracing::warn!(%error, "a journal of an earlier daemon is not read; its pane starts empty");
                return Self::start(master, journal_fd, journal_bytes, size, history_lines);
            }
        };
        journal.recover_uncommitted();
        let rebuilt = rebuild(&journal, NOTHING_PARSED, size, history_lines);
        Self::begin(master, journal_fd, journal, rebuilt, size, history_lines)
    }

    /// Starts the task for a pane whose program and journal are gone; `last` is the screen that is left of it, if any.
    ///
    /// # Errors
    /// What the system says of file descriptors and memory.
    pub fn without_program(
        journal_bytes: usize,
        size: Size,
        history_lines: usize,
        last: Option<Screen>,
    ) -> Result<Self, Error> {
        // A pipe that nobody writes to: an end of output that can be watched like a terminal.
        let (master, _) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|errno| failed(&errno))?;
        let journal_fd = rustix::fs::memfd_create("fugue-journal", rustix::fs::MemfdFlags::CLOEXEC)
            .map_err(|errno| failed(&errno))?;
        let Some(mut screen) = last else {
            return Self::start(master, journal_fd, journal_bytes, size, history_lines);
        };
        let mut journal =
            Journal::create(journal_fd.as_fd(), journal_bytes).map_err(|e| failed(&e))?;
        screen.resize(size);
        // A task that is started again has nothing else to begin with.
        let _fits = journal.store_checkpoint(0, &screen.checkpoint(Extent::Full));
        let rebuilt = Rebuilt {
            screen,
            answers: None,
            resized: false,
        };
        Self::begin(master, journal_fd, journal, rebuilt, size, history_lines)
    }

    fn begin(
        master: OwnedFd,
        journal_fd: OwnedFd,
        journal: Journal,
        rebuilt: Rebuilt,
        size: Size,
        history_lines: usize,
    ) -> Result<Self, Error> {
        let (commands, queue) = mpsc::channel(COMMANDS);
        let live = Live::default();
        live.title
            .store(Arc::new(rebuilt.screen.title().to_owned()));
        let cwd = rebuilt.screen.cwd().map(|cwd| cwd.display().to_string());
        live.cwd.store(cwd.map(Arc::new));
        let terminal = Terminal {
            master: Arc::new(master),
            journal_fd,
        };
        let io = Self {
            shared: Arc::new(Shared {
                live,
                size: watch::Sender::new(size),
                history_lines,
                gate: Gate::default(),
                looks: AtomicUsize::new(0),
                last_key: LastKey::never(),
                terminal: ArcSwap::from_pointee(terminal),
                parsing: AtomicU64::new(NOTHING_PARSED),
                commands: ArcSwap::from_pointee(commands),
                lives: watch::Sender::new(0),
                program_ended: AtomicBool::new(false),
                stopped: watch::Sender::new(false),
                ended: watch::Sender::new(false),
                pane: OnceLock::new(),
            }),
        };
        io.run(rebuilt, journal, queue)?;
        Ok(io)
    }

    fn run(
        &self,
        rebuilt: Rebuilt,
        journal: Journal,
        queue: mpsc::Receiver<Command>,
    ) -> Result<(), Error> {
        let master = Arc::clone(&self.shared.terminal.load().master);
        let shared = Arc::clone(&self.shared);
        let task = task::Task::new(shared, rebuilt, journal, master).map_err(|e| failed(&e))?;
        self.shared.ended.send_replace(false);
        let whose = Arc::clone(&self.shared);
        let subject = move || whose.pane.get().map_or(0, |id| id.as_uuid().as_u128());
        tokio::spawn(supervisor::noted(subject, task.run(queue)));
        Ok(())
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
        let journal = Journal::open(self.shared.terminal.load().journal_fd.as_fd())
            .map_err(|e| failed(&e))?;
        let failed_at = self.shared.parsing.swap(NOTHING_PARSED, Ordering::Relaxed);
        let rebuilt = rebuild(&journal, failed_at, self.size(), self.shared.history_lines);
        let (commands, queue) = mpsc::channel(COMMANDS);
        self.run(rebuilt, journal, queue)?;
        self.shared.commands.store(Arc::new(commands));
        // After the new queue is there: who sees the life sees the queue.
        self.shared.lives.send_modify(|lives| *lives += 1);
        tracing::warn!("a pane's I/O task was started again from its journal");
        Ok(())
    }

    /// Whether the task has failed or was stopped.
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
