//! The handle on a pane's I/O task, the only owner of its PTY and screen.

mod absent;
mod copied;
mod drain_waiters;
mod echo;
mod facts;
mod fairness;
mod fast_path;
mod frames;
mod life;
mod live;
mod order;
mod quiet;
mod ready;
mod rebuild;
mod task;
mod waits;
mod writes;

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use journal::Journal;
use protocol::event::ScreenUpdate;
use protocol::terminal::TerminalFacts;
use protocol::{Error, ErrorCode, PaneUuid, Size};
use rustix::termios::LocalModes;
use terminal::screen::{Extent, Screen};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

pub use self::facts::Facts;
use self::fairness::LastKey;
use self::fast_path::FastPath;
pub use self::fast_path::QueueTicket;
use self::frames::Known;
pub use self::live::{Live, Unread};
use self::order::Command;
use self::order::Typing;
pub use self::order::{
    ExpectOrder, Input, Line, Piece, PieceKind, Waited, WriteOrder, Writer, Written,
};
use self::rebuild::Rebuilt;
use crate::setup::{Setup, Window};

/// The time that the task may take to answer what it can answer at once. It parses at most 256 KiB between
/// two commands.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// No chunk is being parsed.
const NOTHING_PARSED: u64 = u64::MAX;

/// The descriptors of a program's life; it outlives a task that failed.
struct Terminal {
    master: Arc<OwnedFd>,
    journal_fd: OwnedFd,
}

/// The reader of a terminal, and its way to read.
pub struct TerminalUse {
    /// The process group in its foreground.
    pub foreground: i32,
    /// Key by key, and not line by line.
    pub takes_keys: bool,
}

/// The state that a viewer has on its screen: a generation of one of the task's lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    life: u64,
    generation: u64,
    /// So many of the texts that the program has copied; absent for somebody who has not looked before.
    copies: Option<u64>,
}

impl Seen {
    /// Nothing of the screen any more.
    #[must_use]
    pub fn anew(self) -> Self {
        Self {
            generation: 0,
            ..self
        }
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.life, self.generation)
    }
}

struct Shared {
    live: Live,
    size: watch::Sender<Size>,
    /// Facts that are known of the terminal of who looks.
    facts: watch::Sender<TerminalFacts>,
    setup: Setup,
    fast_path: FastPath,
    /// The number of people who look at the pane with the focus on it.
    looks: AtomicUsize,
    last_key: LastKey,
    /// Absent as long as it cannot be had.
    terminal: ArcSwapOption<Terminal>,
    /// Journal position of the chunk that is being parsed: what a failed task has failed at.
    parsing: AtomicU64,
    commands: ArcSwap<mpsc::Sender<Command>>,
    /// The number of times that the task was started again. Another life counts its generations anew.
    lives: watch::Sender<u64>,
    /// The end of the program's present life is recorded.
    program_ended: AtomicBool,
    stopped: watch::Sender<bool>,
    ended: watch::Sender<bool>,
    /// The pane, for who looks at what runs.
    pane: OnceLock<PaneUuid>,
    /// The task, and those before it that still have something to answer.
    tasks: Mutex<Vec<AbortHandle>>,
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
    /// Says whose task it is; the first word counts.
    pub fn belongs_to(&self, pane: PaneUuid) {
        self.shared.pane.get_or_init(|| pane);
    }

    /// The counters and facts that the task publishes.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.shared.live
    }

    /// The program's use of its terminal; `None` when it has none any more.
    #[must_use]
    pub fn terminal(&self) -> Option<TerminalUse> {
        let terminal = self.shared.terminal.load_full()?;
        let modes = rustix::termios::tcgetattr(&terminal.master).ok()?;
        let foreground = rustix::termios::tcgetpgrp(&terminal.master).ok()?;
        Some(TerminalUse {
            foreground: foreground.as_raw_pid(),
            takes_keys: !modes.local_modes.contains(LocalModes::ICANON),
        })
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

    /// Notes what is known of the terminal of who looks, from now on.
    pub fn set_facts(&self, facts: TerminalFacts) {
        self.shared.facts.send_if_modified(|now| {
            let changed = *now != facts;
            *now = facts;
            changed
        });
    }

    /// The window that the program of a next life finds.
    #[must_use]
    pub fn window(&self) -> Window {
        Window {
            size: self.size(),
            cell: self.shared.facts.borrow().cell,
        }
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
            Command::Look(Box::new(move |screen| {
                let _ = reply.send(look(screen));
            }))
        })
        .await
    }

    /// Types something and waits until the terminal has taken it.
    ///
    /// # Errors
    /// `invalid_argument` for an unknown key; `pane_exited`.
    pub async fn write(&self, order: WriteOrder) -> Result<Written, Error> {
        self.write_after(order, self.shared.fast_path.ticket())
            .await
    }

    /// Types what [`Io::type_now`] has left over.
    ///
    /// # Errors
    /// As [`Io::write`].
    pub async fn write_after(
        &self,
        order: WriteOrder,
        place: QueueTicket,
    ) -> Result<Written, Error> {
        let limit = order.limit.map(|limit| limit + LOOK_LIMIT);
        let typing = self.typing(order, place)?;
        let (reply, answer) = oneshot::channel();
        let exchange = self.exchange(Command::Write(typing, reply), answer);
        match limit {
            Some(limit) => within(limit, exchange).await,
            None => exchange.await,
        }
    }

    /// Types something for somebody who has gone and is told nothing.
    pub async fn leave(&self, order: WriteOrder) {
        let Ok(typing) = self.typing(order, self.shared.fast_path.ticket()) else {
            return;
        };
        let (reply, _) = oneshot::channel();
        let _ = self.send(Command::Write(typing, reply)).await;
    }

    fn typing(&self, order: WriteOrder, place: QueueTicket) -> Result<Typing, Error> {
        let terminal = self.shared.terminal.load_full();
        let terminal = terminal.ok_or_else(absent::absent)?;
        Ok(Typing {
            order,
            place,
            master: Arc::clone(&terminal.master),
        })
    }

    /// Types a person's bytes at once, as far as the terminal takes them and nothing waits before them: without
    /// the task, each key saves its way there and back. What is left over goes to [`Io::write_after`] with its place.
    #[must_use]
    pub fn type_now(&self, bytes: &[u8]) -> (usize, Option<QueueTicket>) {
        self.shared.last_key.typed();
        match &*self.shared.terminal.load() {
            Some(terminal) => self.shared.fast_path.write(&terminal.master, bytes),
            None => (0, Some(self.shared.fast_path.ticket())),
        }
    }

    /// A person begins to look at the pane, or ends; how many others look.
    pub fn count_look(&self, begins: bool) -> usize {
        let looks = &self.shared.looks;
        match begins {
            true => looks.fetch_add(1, Ordering::AcqRel),
            false => looks.fetch_sub(1, Ordering::AcqRel).saturating_sub(1),
        }
    }

    /// The next change of the screen after what was `seen` (all of it by default), whenever it comes.
    ///
    /// # Errors
    /// `pane_exited` when the pane was closed; `busy` when its screen is not there.
    pub async fn next_frame(&self, seen: Seen) -> Result<(Seen, ScreenUpdate), Error> {
        loop {
            let life = self.life();
            let commands = self.commands();
            let known = match seen.life == life {
                true => Known {
                    generation: seen.generation,
                    copies: seen.copies,
                },
                false => Known::default(),
            };
            let (reply, answer) = oneshot::channel();
            // Lost when the task fails meanwhile; its next life is asked for all of the screen.
            let _ = commands.send(Command::NextFrame(known, reply)).await;
            if let Ok(frame) = answer.await {
                let seen = Seen {
                    life,
                    generation: frame.update.generation,
                    copies: Some(frame.copies),
                };
                return Ok((seen, frame.update));
            }
            self.revived(life).await?;
        }
    }

    /// The place of a viewer that scrolls by so many rows: see [`Screen::scroll_from`].
    ///
    /// # Errors
    /// As [`Io::look`].
    pub async fn scroll_from(&self, first: Option<u64>, rows: i32) -> Result<Option<u64>, Error> {
        self.look(move |screen| screen.scroll_from(first, rows))
            .await
    }

    /// The screen for a viewer that has scrolled back to this row.
    ///
    /// # Errors
    /// As [`Io::look`].
    pub async fn frame_scrolled(
        &self,
        first: u64,
        seen: Seen,
    ) -> Result<(Seen, ScreenUpdate), Error> {
        let update = self
            .look(move |screen| screen.update_scrolled(first))
            .await?;
        Ok((seen.anew(), frames::wire_update(update, false)))
    }

    /// The present state of the screen.
    ///
    /// # Errors
    /// `pane_exited` when the pane was closed, `busy` when the task does not answer.
    pub async fn present(&self) -> Result<Seen, Error> {
        let life = self.life();
        let generation = self.look(|screen| screen.generation()).await?;
        Ok(Seen {
            life,
            generation,
            copies: None,
        })
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
                let (reply, answer) = oneshot::channel();
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
    pub async fn drain(&self, limit: Duration) {
        let _ = self
            .ask(limit + LOOK_LIMIT, |reply| Command::Drain(limit, reply))
            .await;
    }

    /// Ends the waits for the program's end.
    pub async fn program_ended(&self) {
        self.shared.program_ended.store(true, Ordering::Release);
        let _ = self.ask(LOOK_LIMIT, Command::ProgramEnded).await;
    }

    /// Goes on with the PTY and the journal of the program's next life. On failure it has those of the
    /// last one.
    pub async fn adopt(
        &self,
        master: OwnedFd,
        journal_fd: OwnedFd,
        journal_bytes: usize,
    ) -> Result<(), Error> {
        let journal = Journal::create(journal_fd.as_fd(), journal_bytes).map_err(|e| failed(&e))?;
        self.shared.program_ended.store(false, Ordering::Release);
        if self.is_absent() {
            let last = self.look(|screen| screen.checkpoint(Extent::Full)).await;
            let screen = last.ok().and_then(|bytes| Screen::restore(&bytes).ok());
            let mut screen = screen.unwrap_or_else(|| self.blank());
            screen.begin_life();
            return self.appear(master, journal_fd, journal, Rebuilt::of(screen));
        }
        let master = Arc::new(master);
        let next = Terminal {
            master: Arc::clone(&master),
            journal_fd,
        };
        let last = self.shared.terminal.swap(Some(Arc::new(next)));
        let adopted = self
            .ask(LOOK_LIMIT, |reply| Command::Adopt(master, journal, reply))
            .await
            .flatten();
        if adopted.is_err() {
            self.shared.terminal.store(last);
            self.shared.program_ended.store(true, Ordering::Release);
        }
        adopted
    }

    /// Makes the task panic, for a test.
    ///
    /// # Errors
    /// As [`Io::look`].
    #[cfg(debug_assertions)]
    pub async fn crash(&self) -> Result<(), Error> {
        self.send(Command::Crash).await
    }

    /// Makes the task turn for ever, for a test.
    ///
    /// # Errors
    /// As [`Io::look`].
    #[cfg(debug_assertions)]
    pub async fn turn_for_ever(&self) -> Result<(), Error> {
        self.send(Command::TurnForEver).await
    }

    async fn ask<R>(
        &self,
        limit: Duration,
        make: impl FnOnce(oneshot::Sender<R>) -> Command,
    ) -> Result<R, Error> {
        let (reply, answer) = oneshot::channel();
        within(limit, self.exchange(make(reply), answer)).await
    }

    async fn exchange<R>(
        &self,
        command: Command,
        answer: oneshot::Receiver<R>,
    ) -> Result<R, Error> {
        self.send(command).await?;
        answer.await.map_err(|_| match self.is_stopped() {
            true => gone(),
            false => rebuilding(),
        })
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

async fn within<R>(
    limit: Duration,
    exchange: impl Future<Output = Result<R, Error>>,
) -> Result<R, Error> {
    tokio::time::timeout(limit, exchange)
        .await
        .unwrap_or_else(|_| Err(no_answer(limit)))
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

#[cfg(test)]
mod tests;
