//! The handle on a pane's I/O task, the only owner of its PTY and screen.

mod frames;
mod gate;
mod rebuild;
mod task;
mod waits;
mod writes;

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use protocol::event::ScreenUpdate;
use protocol::reply::ExpectOutcome;
use protocol::{Error, ErrorCode, Size};
use regex::Regex;
use supervisor::Reply;
use tokio::sync::{mpsc, watch};

pub(crate) use self::gate::Ahead;
use self::gate::Gate;
use self::rebuild::{Rebuilt, rebuild};
use super::Live;
use super::journal::Journal;
use super::screen::{Match, Screen, TextCursor};

/// Commands waiting for the task. Whoever asks beyond it waits its turn.
const COMMANDS: usize = 64;

/// How long the task may take to answer what it can answer at once. It parses at most 256 KiB between
/// two commands.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// How long a failed task may take to be started again by the pane's actor.
const REVIVAL_LIMIT: Duration = Duration::from_secs(5);

/// Something to look at or to do with the screen, between two chunks of output.
pub(crate) type Look = Box<dyn FnOnce(&mut Screen) + Send>;

/// What the task is asked for.
pub(crate) enum Command {
    /// Type something.
    Write(Typing, Reply<Written>),
    /// Look at the screen.
    Look(Look),
    /// The next change of the screen after this generation, when there is one.
    NextFrame(u64, Reply<ScreenUpdate>),
    /// Wait for output, quiet or the end.
    Expect(ExpectOrder, Reply<Waited>),
    /// Read until there is nothing more, at most for so long.
    Drain(Duration, Reply<()>),
    /// The program's end is recorded: waits for it end.
    ProgramEnded(Reply<()>),
    /// A new life of the program has this PTY and this journal.
    Adopt(Arc<OwnedFd>, Journal, Reply<()>),
    /// A test wants to see the task fail.
    #[cfg(debug_assertions)]
    Crash,
}

/// Something to type.
pub struct WriteOrder {
    /// Given to the terminal as it is.
    pub raw: Bytes,
    /// Literal text, encoded as the program's modes want it.
    pub text: String,
    /// Named keys after the text.
    pub keys: Vec<String>,
    /// Enter at the end.
    pub submit: bool,
    /// How long the program may take to read it.
    pub limit: Duration,
}

impl WriteOrder {
    /// Keys only.
    #[must_use]
    pub fn keys(keys: Vec<String>, limit: Duration) -> Self {
        Self {
            raw: Bytes::new(),
            text: String::new(),
            keys,
            submit: false,
            limit,
        }
    }

    /// Bytes of a person's terminal.
    #[must_use]
    pub fn raw(raw: Bytes, limit: Duration) -> Self {
        Self {
            raw,
            text: String::new(),
            keys: Vec::new(),
            submit: false,
            limit,
        }
    }
}

/// An order and the terminal that it is for, whose modes decide what its echo is.
pub(crate) struct Typing {
    order: WriteOrder,
    place: Ahead,
    master: Arc<OwnedFd>,
}

/// What became of a [`WriteOrder`].
#[derive(Debug)]
pub struct Written {
    /// So many bytes went in.
    pub bytes: u64,
    /// Output from here on is not the echo of them.
    pub cursor: TextCursor,
    /// Why not all.
    pub failed: Option<Error>,
}

/// What to wait for.
#[derive(Clone)]
pub struct ExpectOrder {
    /// A match ends the wait.
    pub pattern: Option<Regex>,
    /// So much quiet ends the wait.
    pub idle: Option<Duration>,
    /// Only what comes after this is looked at; the whole screen when absent.
    pub since: Option<TextCursor>,
    /// How long at most.
    pub limit: Duration,
}

/// How a wait ended.
#[derive(Debug)]
pub struct Waited {
    /// What came first.
    pub outcome: ExpectOutcome,
    /// The match.
    pub found: Option<Match>,
    /// Where to go on.
    pub cursor: TextCursor,
}

/// No chunk is being parsed.
const NOTHING_PARSED: u64 = u64::MAX;

/// What a program's life has for the task; it outlives a task that failed.
struct Terminal {
    master: Arc<OwnedFd>,
    journal_fd: OwnedFd,
}

/// What a viewer has on its screen: a generation of one of the task's lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    life: u64,
    generation: u64,
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.life, self.generation)
    }
}

struct Shared {
    live: Live,
    size: watch::Sender<Size>,
    history_lines: usize,
    gate: Gate,
    terminal: ArcSwap<Terminal>,
    /// Journal position of the chunk that is being parsed: what a failed task has failed at.
    parsing: AtomicU64,
    commands: ArcSwap<mpsc::Sender<Command>>,
    /// How often the task was started again. Another life counts its generations anew.
    lives: watch::Sender<u64>,
    /// The end of the program's present life is recorded.
    program_ended: AtomicBool,
    stopped: watch::Sender<bool>,
    ended: watch::Sender<bool>,
}

/// The handle; clones mean the same task.
#[derive(Clone)]
pub struct Io {
    shared: Arc<Shared>,
}

fn rebuilding() -> Error {
    Error::new(
        ErrorCode::Busy,
        "the pane's screen was being rebuilt, so the answer is lost",
    )
    .hint("look whether it was carried out, and try again; `fugue tree` or fugue_actor_tree shows why")
}

fn gone() -> Error {
    Error::new(ErrorCode::PaneExited, "the pane has just been closed")
        .hint("its end is told by `fugue wait` or fugue_expect, until exit")
}

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

    /// Starts the task for a pane whose program and journal are gone.
    ///
    /// # Errors
    /// What the system says of file descriptors and memory.
    pub fn without_program(
        journal_bytes: usize,
        size: Size,
        history_lines: usize,
    ) -> Result<Self, Error> {
        // A pipe that nobody writes to: an end of output that can be watched like a terminal.
        let (master, _) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|errno| failed(&errno))?;
        let journal_fd = rustix::fs::memfd_create("fugue-journal", rustix::fs::MemfdFlags::CLOEXEC)
            .map_err(|errno| failed(&errno))?;
        Self::start(master, journal_fd, journal_bytes, size, history_lines)
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
                terminal: ArcSwap::from_pointee(terminal),
                parsing: AtomicU64::new(NOTHING_PARSED),
                commands: ArcSwap::from_pointee(commands),
                lives: watch::Sender::new(0),
                program_ended: AtomicBool::new(false),
                stopped: watch::Sender::new(false),
                ended: watch::Sender::new(false),
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
        tokio::spawn(task.run(queue));
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

    fn is_stopped(&self) -> bool {
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

    fn life(&self) -> u64 {
        *self.shared.lives.borrow()
    }

    /// Waits until the task that failed in its life `life` was started again.
    ///
    /// # Errors
    /// `pane_exited` when the pane was closed; `busy` when its actor is given up.
    async fn revived(&self, life: u64) -> Result<(), Error> {
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

    /// What the task publishes.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.shared.live
    }

    /// The pane's size.
    #[must_use]
    pub fn size(&self) -> Size {
        *self.shared.size.borrow()
    }

    /// The pane's size from now on. The latest of several counts.
    pub fn set_size(&self, size: Size) {
        self.shared.size.send_if_modified(|now| {
            let changed = *now != size;
            *now = size;
            changed
        });
    }

    /// Looks at the screen between two chunks of output.
    ///
    /// # Errors
    /// `pane_exited` when the pane has been closed meanwhile.
    pub async fn look<R: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Screen) -> R + Send + 'static,
    ) -> Result<R, Error> {
        self.ask(LOOK_LIMIT, |reply| {
            Command::Look(Box::new(move |screen| reply.send(look(screen))))
        })
        .await
    }

    /// Types something and waits until the terminal has taken it.
    ///
    /// # Errors
    /// `invalid_argument` for an unknown key; `pane_exited`.
    pub async fn write(&self, order: WriteOrder) -> Result<Written, Error> {
        self.write_after(order, self.shared.gate.ahead()).await
    }

    /// Types what [`Io::type_now`] has left over.
    ///
    /// # Errors
    /// As [`Io::write`].
    pub(crate) async fn write_after(
        &self,
        order: WriteOrder,
        place: Ahead,
    ) -> Result<Written, Error> {
        let limit = order.limit + LOOK_LIMIT;
        let typing = Typing {
            order,
            place,
            master: Arc::clone(&self.shared.terminal.load().master),
        };
        self.ask(limit, |reply| Command::Write(typing, reply)).await
    }

    /// Types a person's bytes at once, as far as the terminal takes them and nothing waits before them: without
    /// the task, each key saves its way there and back. What is left over goes to [`Io::write_after`] with its place.
    #[must_use]
    pub(crate) fn type_now(&self, bytes: &[u8]) -> (usize, Option<Ahead>) {
        let terminal = self.shared.terminal.load();
        self.shared.gate.write(&terminal.master, bytes)
    }

    /// The next change of the screen after what was `seen` (all of it by default), whenever it comes.
    ///
    /// # Errors
    /// `pane_exited` when the pane was closed; `busy` when its screen is not there.
    pub async fn next_frame(&self, seen: Seen) -> Result<(Seen, ScreenUpdate), Error> {
        loop {
            let life = self.life();
            let commands = self.commands();
            let known = if seen.life == life {
                seen.generation
            } else {
                0
            };
            let (reply, answer) = Reply::channel();
            // Lost when the task fails meanwhile; its next life is asked for all of the screen.
            let _ = commands.send(Command::NextFrame(known, reply)).await;
            if let Ok(update) = answer.await {
                let generation = update.generation;
                return Ok((Seen { life, generation }, update));
            }
            self.revived(life).await?;
        }
    }

    /// Which state of the screen is the present one.
    ///
    /// # Errors
    /// `pane_exited` when the pane was closed, `busy` when the task does not answer.
    pub async fn present(&self) -> Result<Seen, Error> {
        let life = self.life();
        let generation = self.look(|screen| screen.generation()).await?;
        Ok(Seen { life, generation })
    }

    /// Waits for output, quiet or the end.
    ///
    /// # Errors
    /// `pane_exited` when the pane was closed.
    pub async fn expect(&self, order: ExpectOrder) -> Result<Waited, Error> {
        let limit = order.limit + LOOK_LIMIT;
        let waiting = async {
            loop {
                let life = self.life();
                let (reply, answer) = Reply::channel();
                let order = order.clone();
                let _ = self.commands().send(Command::Expect(order, reply)).await;
                match answer.await {
                    Ok(waited) => return Ok(waited),
                    Err(_) => self.revived(life).await?,
                }
            }
        };
        tokio::time::timeout(limit, waiting)
            .await
            .unwrap_or_else(|_| Err(no_answer(limit)))
    }

    /// Waits until the output of an ended program is read.
    pub(crate) async fn drain(&self, limit: Duration) {
        let _ = self
            .ask(limit + LOOK_LIMIT, |reply| Command::Drain(limit, reply))
            .await;
    }

    /// Ends the waits for the program's end.
    pub(crate) async fn program_ended(&self) {
        self.shared.program_ended.store(true, Ordering::Release);
        let _ = self.ask(LOOK_LIMIT, Command::ProgramEnded).await;
    }

    /// Goes on with the PTY and the journal of the program's next life.
    pub(crate) async fn adopt(
        &self,
        master: OwnedFd,
        journal_fd: OwnedFd,
        journal_bytes: usize,
    ) -> Result<(), Error> {
        let journal = Journal::create(journal_fd.as_fd(), journal_bytes).map_err(|e| failed(&e))?;
        let master = Arc::new(master);
        self.shared.program_ended.store(false, Ordering::Release);
        self.shared.terminal.store(Arc::new(Terminal {
            master: Arc::clone(&master),
            journal_fd,
        }));
        self.ask(LOOK_LIMIT, |reply| Command::Adopt(master, journal, reply))
            .await
    }

    #[cfg(debug_assertions)]
    pub(crate) async fn crash(&self) -> Result<(), Error> {
        self.send(Command::Crash).await
    }

    async fn ask<R>(
        &self,
        limit: Duration,
        make: impl FnOnce(Reply<R>) -> Command,
    ) -> Result<R, Error> {
        let (reply, answer) = Reply::channel();
        let exchange = async {
            self.send(make(reply)).await?;
            answer.await.map_err(|_| match self.is_stopped() {
                true => gone(),
                false => rebuilding(),
            })
        };
        tokio::time::timeout(limit, exchange)
            .await
            .unwrap_or_else(|_| Err(no_answer(limit)))
    }

    fn commands(&self) -> mpsc::Sender<Command> {
        mpsc::Sender::clone(&self.shared.commands.load())
    }

    async fn send(&self, mut command: Command) -> Result<(), Error> {
        loop {
            let life = self.life();
            match self.commands().send(command).await {
                Ok(()) => return Ok(()),
                Err(mpsc::error::SendError(unsent)) => command = unsent,
            }
            self.revived(life).await?;
        }
    }
}

fn no_answer(limit: Duration) -> Error {
    Error::new(
        ErrorCode::Busy,
        format!("the pane did not answer within {limit:?}"),
    )
    .hint("try again; `fugue tree` or fugue_actor_tree shows what it does")
}

fn failed(error: &dyn std::error::Error) -> Error {
    Error::new(
        ErrorCode::Limit,
        format!("the pane's terminal cannot be watched: {error}"),
    )
    .hint("memory or file descriptors ran out; see `fugue status` or fugue_server_status")
}
