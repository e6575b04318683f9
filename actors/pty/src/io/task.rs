//! The I/O task itself: PTY to journal to screen, and commands in between.

mod reading;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use journal::Journal;
use protocol::seldom::Seldom;
use protocol::{Error, ErrorCode, PaneUuid, Size};
use rustix::io::Errno;
use terminal::screen::{CopyError, Extent, Screen};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::drain_waiters::DrainWaiters;
use super::echo::{self, Echoes};
use super::facts::Times;
use super::frames::Frames;
use super::quiet::Quiet;
use super::ready::{Held, Readiness};
use super::rebuild::Rebuilt;
use super::waits::{QuietSince, Seen, Waits};
use super::writes::Writes;
use super::{Command, NOTHING_PARSED, Shared};
use crate::clock::steady_ms;
use crate::setup::Window;
use crate::watched::{Waiting, Watched};

/// So much work of a screen since its last checkpoint asks for another one, so that a screen is rebuilt in well under a second
/// whatever was printed.
const CHECKPOINT_WORK: u64 = 128 * 1024 * 1024;

/// The time that is left for what a program's last life has printed, before its next one begins.
const LAST_TURNS: Duration = Duration::from_millis(50);

/// The pause after which a terminal that its program has closed is looked at again: it may be opened again, as `/dev/tty`.
const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// The time for which answers to a program's questions may wait to be read.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Everything the task owns.
pub(super) struct Task {
    shared: Arc<Shared>,
    screen: Screen,
    journal: Journal,
    /// The place in the journal up to which all is on the screen.
    parsed: u64,
    master: Watched,
    /// Nobody has the terminal open.
    eof: bool,
    /// The time to look whether somebody has opened it again.
    next_look: Option<Instant>,
    /// Nothing is read before, so that somebody's keys are served.
    rests_until: Option<Instant>,
    /// The program's end is recorded.
    ended: bool,
    writes: Writes,
    waits: Waits,
    frames: Frames,
    drain_waiters: DrainWaiters,
    last_output: Instant,
    /// There was output since that was last published.
    has_printed: bool,
    quiet: Quiet,
    /// The time at which something typed was seen unread, as far as somebody wanted to know.
    last_unread: Instant,
    echoes: Echoes,
    readiness: Readiness,
    /// The times at which the program told what it tells of itself.
    told: Times,
    next_checkpoint: u64,
    /// The screen's work at which a checkpoint is due.
    next_checkpoint_work: u64,
}

impl Task {
    pub(super) fn new(
        shared: Arc<Shared>,
        rebuilt: Rebuilt,
        journal: Journal,
        master: Watched,
    ) -> Self {
        let Rebuilt {
            mut screen,
            answers,
            resized,
            left_out: _,
        } = rebuilt;
        let half = (journal.capacity() / 2) as u64;
        let checkpointed = journal.checkpoint().map_or(0, |(position, _)| position);
        let ended = shared.program_ended.load(Ordering::Acquire);
        let printed = journal.position();
        shared.live.printed.store(printed, Ordering::Relaxed);
        if let Some(moments) = journal.moments() {
            shared.live.go_on_from(moments);
        }
        screen.permit(shared.setup.screen.permissions);
        screen.set_terminal(*shared.facts.borrow());
        let mut writes = Writes::default();
        let now = Instant::now();
        if let Some(answers) = answers {
            writes.push_answer(
                answers,
                shared.fast_path.ticket(),
                &screen,
                now + ANSWER_LIMIT,
            );
        }
        let mut task = Self {
            next_checkpoint: checkpointed + half,
            next_checkpoint_work: CHECKPOINT_WORK,
            parsed: printed,
            quiet: Quiet::new(&screen, now),
            last_unread: now,
            echoes: Echoes::default(),
            readiness: Readiness::new(printed == 0, now),
            told: Times::of(&journal),
            master,
            shared,
            screen,
            journal,
            eof: false,
            next_look: None,
            rests_until: None,
            ended,
            writes,
            waits: Waits::default(),
            frames: Frames::default(),
            drain_waiters: DrainWaiters::default(),
            last_output: now,
            has_printed: false,
        };
        if resized {
            task.note_size();
        }
        task.screen.forget_news();
        if ended {
            task.screen.program_ended();
        }
        task.publish_facts(false);
        task
    }

    /// Serves until the pane is closed. The end, a panic included, is told by the guard.
    pub(super) async fn run(self, commands: mpsc::Receiver<Command>) {
        let _told = EndGuard(Arc::clone(&self.shared));
        // Dropped before the end is told: the next task watches the same terminal.
        self.serve(commands).await;
    }

    pub(super) async fn serve(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut stopped = self.shared.stopped.subscribe();
        let mut size = self.shared.size.subscribe();
        size.mark_changed();
        let mut facts = self.shared.facts.subscribe();
        facts.mark_changed();
        loop {
            let deadline = self.deadline();
            let timer = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            let mut turn_over = false;
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => return,
                // Before commands: whoever has asked for a size and then for a frame gets a frame of that size.
                Ok(()) = size.changed() => {
                    let size = *size.borrow_and_update();
                    self.resize(size);
                }
                Ok(()) = facts.changed() => {
                    let facts = *facts.borrow_and_update();
                    self.screen.set_terminal(facts);
                    self.set_winsize();
                }
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
                () = std::future::ready(()), if self.has_unparsed() && self.rests_until.is_none() => turn_over = self.read_turn(),
                Ok(()) = self.master.readable(), if !self.eof && self.rests_until.is_none() => turn_over = self.read_turn(),
                // Behind reading, which alone sees that the program is gone: a closed terminal has room for ever and takes nothing.
                Ok(()) = self.master.room_for(&self.writes) => {}
                () = timer => {}
            }
            self.after();
            if turn_over {
                tokio::task::yield_now().await;
            } else {
                // Whatever wakes it, other tasks of the thread get their turn.
                tokio::task::coop::consume_budget().await;
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        [
            self.writes.deadline(),
            self.waits.deadline(self.quiet_since()),
            self.quiet.deadline(),
            self.echoes.deadline(),
            self.readiness.deadline(),
            self.frames.deadline(&self.screen),
            self.drain_waiters.deadline(),
            self.next_look,
            self.rests_until,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn command(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Write(typing, reply) => {
                let quiet = now - self.last_output;
                let held = self
                    .readiness
                    .hold((typing, reply), &self.screen, quiet, now);
                if let Some(order) = held {
                    self.type_in(order, now);
                }
            }
            Command::Look(look) => look(&mut self.screen),
            Command::NextFrame(known, reply) => self.frames.push(known, reply),
            Command::Expect(order, reply) => {
                self.publish();
                let (screen, told) = (&self.screen, self.told);
                let seen = Seen { screen, told };
                self.waits.push(order, reply, seen, self.ended, now);
            }
            Command::Drain(limit, reply) => {
                self.look_again(now);
                self.drain_waiters.push(limit, self.eof, reply, now);
            }
            Command::ProgramEnded(reply) => {
                self.ended = true;
                self.next_look = None;
                self.look_for_waits();
                self.screen.program_ended();
                self.waits.program_ended(&self.screen);
                let _ = reply.send(());
            }
            // Who asked has given up, and has ended that program.
            Command::Adopt(_, _, reply) if reply.is_closed() => {}
            Command::Adopt(master, journal, reply) => {
                let adopted = self.adopt(master, journal);
                let _ = reply.send(adopted.map_err(|error| super::failed(&error)));
            }
            #[cfg(debug_assertions)]
            Command::Crash => panic!("a test asked for it"),
            #[cfg(debug_assertions)]
            Command::TurnForEver => loop {
                std::hint::spin_loop();
            },
        }
    }

    /// Puts an order into the queue.
    fn type_in(&mut self, (typing, reply): Held, now: Instant) {
        let text = typing.order.line().map(|line| line.text.clone());
        let (text, master) = (text.unwrap_or_default(), Arc::clone(&typing.master));
        self.writes.push(typing, reply, &self.screen, now);
        self.echoes.typed(&text, &master, &mut self.screen, now);
        self.frames.typed();
        if self.eof {
            self.writes.fail_all(&not_reading());
        }
    }

    /// Types what was held back until the program was ready.
    fn release(&mut self, now: Instant) {
        let (ended, quiet) = (self.eof || self.ended, now - self.last_output);
        for held in self.readiness.release(&self.screen, quiet, ended, now) {
            self.type_in(held, now);
        }
    }

    fn quiet_since(&self) -> QuietSince {
        QuietSince {
            text: self.quiet.since(),
            input: self.last_unread,
        }
    }

    /// Ends waits whose time is over, or whose quiet has lasted.
    fn expire_waits(&mut self, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let waits_due = due(self.waits.deadline(self.quiet_since()));
        if waits_due || due(self.quiet.deadline()) {
            let before = self.quiet.since();
            self.quiet.look(&self.screen, self.last_output);
            let live = &self.shared.live;
            if self.quiet.since() > before {
                let age = (now - self.quiet.since()).as_millis();
                let at = steady_ms().saturating_sub(u64::try_from(age).unwrap_or(0));
                live.last_change_ms.store(at, Ordering::Relaxed);
            }
            self.journal.note_change(live.last_change_ms(), self.parsed);
        }
        if waits_due && self.waits.follow_input() && echo::unread(self.master.descriptor()) > 0 {
            self.last_unread = now;
        }
        let quiet = self.quiet_since();
        self.waits.expire(&self.screen, quiet, now);
    }

    fn adopt(&mut self, master: Arc<OwnedFd>, journal: Journal) -> io::Result<()> {
        let begun = Instant::now();
        while self.has_unparsed() && begun.elapsed() < LAST_TURNS {
            self.parse_some();
        }
        self.master = Watched::new(master)?;
        self.journal = journal;
        self.parsed = self.journal.position();
        self.eof = false;
        self.next_look = None;
        self.ended = false;
        self.readiness.restarted(Instant::now());
        self.told = Times::default();
        self.screen.begin_life();
        self.checkpoint();
        self.set_winsize();
        Ok(())
    }

    fn resize(&mut self, size: Size) {
        if size != self.screen.size() {
            self.screen.resize(size);
            self.note_size();
        }
        self.set_winsize();
    }

    fn set_winsize(&self) {
        let window = Window {
            size: self.screen.size(),
            cell: self.screen.cell(),
        };
        // It fails only when the program is gone, and then nobody needs the size.
        let _: Result<(), Errno> =
            rustix::termios::tcsetwinsize(self.master.descriptor(), window.winsize());
    }

    fn note_size(&mut self) {
        let size = self.screen.size();
        // What is not parsed yet comes after the change of size, although it was printed before.
        if self.has_unparsed() || !self.journal.note_resize(size.rows, size.cols) {
            self.checkpoint();
        }
    }

    /// Goes on reading when somebody has opened the terminal again.
    fn look_again(&mut self, now: Instant) {
        if !self.eof || self.ended {
            return;
        }
        match self.master.is_open_again() {
            Ok(true) => {
                self.eof = false;
                self.next_look = None;
            }
            Ok(false) => self.next_look = Some(now + LOOK_PAUSE),
            Err(error) => {
                tracing::error!(%error, "a terminal that was opened again cannot be watched");
                self.next_look = None;
            }
        }
    }

    fn has_unparsed(&self) -> bool {
        self.parsed < self.journal.position()
    }

    /// Parses what was read, as far as the work of one turn goes.
    fn parse_some(&mut self) {
        let Some((first, second)) = self.journal.read_from(self.parsed) else {
            self.parsed = self.journal.position();
            return;
        };
        let output = if first.is_empty() { second } else { first };
        let parsing = &self.shared.parsing;
        parsing.store(self.parsed, Ordering::Relaxed);
        self.parsed += match self.screen.expects_echoes() {
            true => {
                let (master, now) = (self.master.descriptor(), Instant::now());
                self.echoes.output(output, master, &mut self.screen, now)
            }
            false => self.screen.advance_some(output),
        } as u64;
        parsing.store(NOTHING_PARSED, Ordering::Relaxed);
        self.last_output = Instant::now();
        self.has_printed = true;
        self.quiet.output(self.last_output);
        self.drain_waiters.output(self.last_output);
        if let Some(answer) = self.screen.take_replies() {
            let deadline = self.last_output + ANSWER_LIMIT;
            let place = self.shared.fast_path.ticket();
            self.writes
                .push_answer(answer, place, &self.screen, deadline);
        }
        if !self.waits.is_empty() {
            self.look_for_waits();
        }
        if self.parsed >= self.next_checkpoint
            || self.screen.work().total() >= self.next_checkpoint_work
        {
            self.checkpoint();
        }
    }

    /// Ends each turn of the loop.
    fn after(&mut self) {
        self.read_before_quiet();
        self.publish();
        self.release(Instant::now());
        self.journal.mark_answered(self.parsed);
        let now = Instant::now();
        self.write(now);
        if self.writes.deadline().is_some_and(|d| d <= now) {
            self.writes.expire(now);
            self.write(now);
        }
        if self
            .echoes
            .expire(self.master.descriptor(), &mut self.screen, now)
        {
            self.look_for_waits();
        }
        self.expire_waits(now);
        if self.shared.fast_path.take_typed() {
            self.frames.typed();
        }
        self.frames.send(&mut self.screen, now);
        if self.rests_until.is_some_and(|at| at <= now) {
            self.rests_until = None;
        }
        if self.next_look.is_some_and(|at| at <= now) {
            self.look_again(now);
        }
        self.drain_waiters.expire(now);
        self.shared.live.note_unread(self.writes.unread());
    }

    /// Lets everybody see what there is by now, and then ends the waits for it.
    fn look_for_waits(&mut self) {
        self.publish();
        let (screen, told) = (&self.screen, self.told);
        self.waits.output(Seen { screen, told });
    }

    fn publish(&mut self) {
        let events = self.screen.take_events();
        if events.told {
            self.publish_facts(events.noticed);
        }
        let live = &self.shared.live;
        if events.bell {
            self.frames.bell = true;
            live.bell.store(true, Ordering::Relaxed);
        }
        if events.title_changed {
            live.title.store(Arc::new(self.screen.title().to_owned()));
        }
        for copied in events.copied {
            self.frames.copied.add(copied, Instant::now());
        }
        if let Some(why) = events.not_copied {
            log_uncopied(self.shared.pane.get(), why);
        }
        if events.cwd_changed {
            let cwd = self.screen.cwd().map(|cwd| cwd.display().to_string());
            live.cwd.store(cwd.map(Arc::new));
        }
        let alternate = self.screen.modes().alternate_screen;
        live.alternate.store(alternate, Ordering::Relaxed);
        let printed = self.journal.position();
        live.printed.store(printed, Ordering::Relaxed);
        if std::mem::take(&mut self.has_printed) {
            let now_ms = steady_ms();
            live.last_output_ms.store(now_ms, Ordering::Relaxed);
            self.journal.note_output(now_ms);
        }
    }

    fn publish_facts(&mut self, noticed: bool) {
        let now_ms = (self.shared.setup.host.epoch_ms)();
        self.told
            .update(&self.screen, noticed, now_ms, &mut self.journal);
        let facts = self.told.facts(&self.screen);
        self.shared.live.facts.store(Arc::new(facts));
    }

    /// Writes what waits and may go, as far as the terminal takes it.
    fn write(&mut self, now: Instant) {
        loop {
            // To a terminal that nobody has open nothing waits to be written.
            if self.eof {
                return self.writes.fail_all(&not_reading());
            }
            let terminal = self.master.descriptor();
            let ready = self.writes.prepare(&self.screen, terminal, now);
            if self.master.write(&mut self.writes).is_err() {
                return self.writes.fail_all(&not_reading());
            }
            if !ready || !self.writes.next().is_empty() {
                return;
            }
        }
    }

    fn checkpoint(&mut self) {
        let position = self.parsed;
        let bytes = self.screen.checkpoint(Extent::Full);
        if !self.journal.store_checkpoint(position, &bytes) {
            tracing::warn!(bytes = bytes.len(), "a checkpoint is too large to be kept");
        }
        self.next_checkpoint = position + (self.journal.capacity() / 2) as u64;
        self.next_checkpoint_work = self.screen.work().total() + CHECKPOINT_WORK;
    }
}

fn log_uncopied(pane_id: Option<&PaneUuid>, why: CopyError) {
    static TOLD: Seldom = Seldom::new(Duration::from_secs(1));
    if let Some(untold) = TOLD.tell() {
        let pane_id = pane_id.map(ToString::to_string);
        tracing::info!(pane_id, %why, untold, "what a program has copied is not passed on");
    }
}

/// Tells that the task is over, whichever way.
pub(super) struct EndGuard(pub(super) Arc<Shared>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0.ended.send_replace(true);
    }
}

fn not_reading() -> Error {
    Error::new(
        ErrorCode::PaneExited,
        "the program has closed its terminal or ended, so nothing can be typed",
    )
    .hint("its output can still be read")
}
