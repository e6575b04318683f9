//! The loop of an attached view: typed bytes go out, screen events come in.

use std::convert::Infallible;
use std::io;
use std::time::{Duration, Instant};

use protocol::event::mode;
use protocol::frame::PastePart;
use protocol::request::UpdateView;
use protocol::terminal::TerminalFacts;
use protocol::{Error, ErrorCode, Event, Size};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::kept::Kept;
use super::link::{Link, VIEW, no_change};
use super::message::Message;
use super::outer::ask::Questions;
use super::outer::guard::{Output, Terminal};
use super::outer::mouse::Mouse;
use super::outer::notices::Notices;
use super::outer::split::{Command, Input, PASTE_BEGINS, PASTE_ENDS, Splitter};
use super::picture::Display;
use super::signals::{Signals, Told};

/// Most bytes read from the terminal at a time.
const READ_BYTES: usize = 16 * 1024;

/// The time for which the rest of a sequence is waited for before its beginning is taken for a key.
const SEQUENCE_LIMIT: Duration = Duration::from_millis(30);

/// The same where the terminal is behind a network.
const REMOTE_SEQUENCE_LIMIT: Duration = Duration::from_millis(100);

/// The time for which the terminal's answers are waited for; the same where it is behind a network.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
const REMOTE_ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// The reason for which a view ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The person left.
    Detached,
    /// The session is no more; the server says how it ended.
    Ended(String),
    /// The server came back without the session.
    SessionLost,
    /// The connection ended.
    Lost(Error),
    /// A signal asked this program to end.
    Signal(i32),
    /// The terminal was closed.
    TerminalGone,
}

impl Ending {
    /// The server may be there again in a moment. Any other reason than these two is its word that
    /// it does not come back for us; and a view that was stopped for a while is only late.
    pub(super) fn may_come_back(&self) -> bool {
        matches!(self, Self::Lost(why)
            if matches!(why.code, ErrorCode::ServerUnreachable | ErrorCode::Timeout))
    }
}

/// The state of a view over all its connections.
pub(super) struct Viewer<'a> {
    terminal: &'a Terminal,
    view: Display,
    notices: Notices,
    splitter: Splitter,
    /// When what the splitter holds back is a key after all.
    give_up_at: Instant,
    sequence_limit: Duration,
    answer_limit: Duration,
    /// What the terminal was asked.
    questions: Questions,
    output: Output,
    /// A screen was drawn that the terminal may not have taken yet.
    drawn: bool,
    read_only: bool,
    /// The paste that is under way is given to the program with marks around it: by a server that does not do so itself.
    marks_paste: bool,
    /// A mouse button was pressed inside the pane.
    button_held: bool,
    /// What was typed while there was no server.
    pub(super) kept: Kept,
    buffer: Vec<u8>,
}

impl<'a> Viewer<'a> {
    pub(super) fn new(terminal: &'a Terminal, how: &super::View) -> Self {
        let (sequence_limit, answer_limit) = match std::env::var_os("SSH_CONNECTION") {
            Some(_) => (REMOTE_SEQUENCE_LIMIT, REMOTE_ANSWER_LIMIT),
            None => (SEQUENCE_LIMIT, ANSWER_LIMIT),
        };
        Self {
            terminal,
            view: Display::new(terminal.size(), how.mouse),
            notices: Notices::new(how.notifications),
            splitter: Splitter::default(),
            give_up_at: Instant::now(),
            sequence_limit,
            answer_limit,
            questions: Questions::default(),
            output: Output::default(),
            drawn: false,
            read_only: how.read_only,
            marks_paste: false,
            button_held: false,
            kept: Kept::default(),
            buffer: vec![0; READ_BYTES],
        }
    }

    /// Asks the terminal what programs want to know of it. Once: what is drawn may change its answers.
    pub(super) fn ask(&mut self) {
        let mut bytes = Vec::new();
        self.questions
            .ask(Instant::now(), self.answer_limit, &mut bytes);
        self.terminal.write(&bytes, &mut self.output);
    }

    /// The facts that are known of the terminal.
    pub(super) fn facts(&self) -> TerminalFacts {
        TerminalFacts {
            colors: self.questions.colors(),
            cell: self.terminal.cell(),
        }
    }

    /// Takes in the answers that are under way, before the terminal is left to others: they would read them as keys.
    pub(super) fn await_answers(&mut self) {
        while let Some(left) = self.questions.left(Instant::now()) {
            let limit = Timespec::try_from(left).ok();
            let mut fds = [PollFd::new(self.terminal, PollFlags::IN)];
            let is_ready = match poll(&mut fds, limit.as_ref()) {
                Ok(ready) => ready > 0,
                Err(rustix::io::Errno::INTR) => false,
                Err(_) => return,
            };
            if self.flush().is_err() || self.input(is_ready).is_err() {
                return;
            }
        }
    }

    /// The terminal's size now.
    pub(super) fn size(&self) -> Size {
        self.terminal.size()
    }

    /// Shows a message until the next key.
    pub(super) fn say(&mut self, message: Message) {
        self.draw(|view, out| view.say(Some(message), out));
    }

    fn draw(&mut self, draw: impl FnOnce(&mut Display, &mut Vec<u8>)) {
        let mut bytes = Vec::new();
        draw(&mut self.view, &mut bytes);
        self.terminal.write(&bytes, &mut self.output);
    }

    fn tell(&mut self, tell: impl FnOnce(&mut Notices, &mut Vec<u8>)) {
        let mut bytes = Vec::new();
        tell(&mut self.notices, &mut bytes);
        self.terminal.write(&bytes, &mut self.output);
    }

    /// A new connection begins: it sends the whole screen.
    pub(super) fn welcome(&mut self) {
        self.drawn = false;
        self.draw(|view, out| view.say(None, out));
    }

    /// Shows one connection until it or the view ends.
    pub(super) fn watch(&mut self, link: &mut Link, signals: &mut Signals) -> Ending {
        self.go_on(link, signals)
            .map_or_else(|ending| ending, |never| match never {})
    }

    fn go_on(&mut self, link: &mut Link, signals: &mut Signals) -> Result<Infallible, Ending> {
        link.hand_over(self.terminal);
        link.settle().map_err(Ending::Lost)?;
        self.catch_up(link)?;
        while let Some(input) = self.kept.pop() {
            self.act(input, link)?;
        }
        loop {
            let answers = self.questions.left(Instant::now());
            let limit = [link.until_wake(), self.until_give_up(), answers];
            let ready = self.wait(Some(link), signals, limit.into_iter().flatten().min())?;
            link.wake().map_err(Ending::Lost)?;
            for input in self.input(ready.typed)? {
                self.act(input, link)?;
            }
            if self.questions.news() {
                self.tell_facts(link)?;
            }
            if ready.takes {
                self.flush()?;
            }
            let lost = ready.link.then(|| link.proceed().err()).flatten();
            if let Some(why) = lost {
                // What it said before it went counts.
                while let Some(event) = link.next_event() {
                    self.happened(event, link)?;
                }
                return Err(Ending::Lost(why));
            }
            self.catch_up(link)?;
            while let Some(told) = ready.told.then(|| signals.next()).flatten() {
                match told {
                    Told::End(signal) => return Err(Ending::Signal(signal)),
                    Told::Resized => self.resized(link)?,
                    Told::Stop if !Terminal::may_stop() => {}
                    Told::Stop => {
                        self.await_answers();
                        link.release();
                        self.terminal.stop(&mut self.output).map_err(gone)?;
                    }
                    Told::Continued => {
                        self.enter_again()?;
                        link.hand_over(self.terminal);
                        self.resized(link)?;
                    }
                }
            }
        }
    }

    /// Keeps keys while there is no server, for at most `limit`.
    ///
    /// # Errors
    /// The ending when one of them, or a signal, leaves.
    pub(super) fn idle(&mut self, signals: &mut Signals, limit: Duration) -> Result<(), Ending> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let ready = self.wait(None, signals, Some(left))?;
            for input in self.input(ready.typed)? {
                if input == Input::Command(Command::Detach) {
                    return Err(Ending::Detached);
                }
                self.kept.push(input);
            }
            if ready.takes {
                self.flush()?;
            }
            while let Some(told) = ready.told.then(|| signals.next()).flatten() {
                match told {
                    Told::End(signal) => return Err(Ending::Signal(signal)),
                    Told::Resized => {
                        let size = self.size();
                        self.draw(|view, out| view.resize(size, out));
                    }
                    Told::Stop if !Terminal::may_stop() => {}
                    Told::Stop => {
                        self.await_answers();
                        self.terminal.stop(&mut self.output).map_err(gone)?;
                    }
                    Told::Continued => self.enter_again()?,
                }
            }
        }
    }

    /// Makes the terminal ready after a stop, or when the server may have put it back meanwhile.
    pub(super) fn enter_again(&mut self) -> Result<(), Ending> {
        self.terminal.enter_again().map_err(gone)?;
        self.output = Output::default();
        let size = self.size();
        self.draw(|view, out| view.ready_again(size, out));
        self.tell(Notices::again);
        Ok(())
    }

    /// Waits until one of the three can go on.
    fn wait(
        &self,
        link: Option<&Link>,
        signals: &Signals,
        limit: Option<Duration>,
    ) -> Result<Ready, Ending> {
        let mut of_terminal = PollFlags::empty();
        of_terminal.set(PollFlags::IN, !link.is_some_and(Link::is_full));
        of_terminal.set(PollFlags::OUT, !self.output.is_empty());
        let mut fds = vec![
            PollFd::new(self.terminal, of_terminal),
            PollFd::new(signals, PollFlags::IN),
        ];
        fds.extend(link.map(|link| PollFd::new(link, link.interest())));
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) => {}
            // The signal has left its byte.
            Err(rustix::io::Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(gone(error.into())),
        }
        // A terminal or a server that is gone says so when it is read.
        let ended = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        let is = |index: usize, flags| {
            fds.get(index)
                .is_some_and(|fd| fd.revents().intersects(flags))
        };
        Ok(Ready {
            typed: is(0, PollFlags::IN | ended),
            takes: is(0, PollFlags::OUT),
            told: is(1, PollFlags::IN),
            link: is(2, PollFlags::IN | PollFlags::OUT | ended),
        })
    }

    /// The input that was typed, if some was, and what was held back for long enough.
    fn input(&mut self, typed: bool) -> Result<Vec<Input>, Ending> {
        let length = if typed { self.read()? } else { 0 };
        let now = Instant::now();
        let mut inputs = if length > 0 {
            let inputs = self.splitter.feed(&self.buffer[..length], now);
            // The rest of an answer may take as long as the answer.
            let asked = self.questions.left(now);
            let answer = asked.filter(|_| self.splitter.begins_answer());
            self.give_up_at = now + answer.unwrap_or(self.sequence_limit);
            inputs
        } else {
            match self.until_give_up() {
                Some(left) if left.is_zero() => self.splitter.give_up(),
                Some(_) | None => Vec::new(),
            }
        };
        inputs.retain(|input| {
            if let Input::Answer(answer) = input {
                self.questions.answered(*answer);
            }
            !matches!(input, Input::Answer(_))
        });
        self.questions.expire(now);
        Ok(inputs)
    }

    /// Tells the server what is known of the terminal.
    fn tell_facts(&self, link: &mut Link) -> Result<(), Ending> {
        let update = UpdateView {
            terminal: Some(self.facts()),
            ..no_change()
        };
        change(link, update)
    }

    fn until_give_up(&self) -> Option<Duration> {
        let left = || self.give_up_at.saturating_duration_since(Instant::now());
        self.splitter.is_waiting().then(left)
    }

    fn read(&mut self) -> Result<usize, Ending> {
        match self.terminal.read(&mut self.buffer) {
            Ok(0) => Err(Ending::TerminalGone),
            Ok(length) => Ok(length),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                Ok(0)
            }
            Err(error) => Err(gone(error)),
        }
    }

    fn flush(&mut self) -> Result<(), Ending> {
        self.terminal.flush(&mut self.output).map_err(gone)
    }

    /// Draws what has arrived, one screen at a time: a further one is asked for when this one has
    /// been taken.
    fn catch_up(&mut self, link: &mut Link) -> Result<(), Ending> {
        loop {
            if !self.output.is_empty() {
                return Ok(());
            }
            if std::mem::take(&mut self.drawn) {
                link.shown();
            }
            let Some(event) = link.next_event() else {
                return Ok(());
            };
            self.happened(event, link)?;
        }
    }

    /// Carries out what came from the terminal.
    fn act(&mut self, input: Input, link: &mut Link) -> Result<(), Ending> {
        let by_hand = !matches!(input, Input::Mouse(_) | Input::Focus(_) | Input::Answer(_));
        if by_hand && self.view.has_message() {
            self.draw(|view, out| view.say(None, out));
        }
        match input {
            Input::Command(command) => return self.command(command, link),
            Input::Mouse(mouse) => return self.mouse(mouse, link),
            Input::Answer(_) => {}
            _ if self.read_only => {}
            Input::Focus(gained) => {
                if self.view.modes() & mode::FOCUS_EVENTS != 0 {
                    self.send(if gained { b"\x1b[I" } else { b"\x1b[O" }, link)?;
                }
            }
            Input::Typed(bytes) => {
                self.draw(Display::follow);
                self.send(&bytes, link)?;
            }
            Input::Paste {
                bytes,
                begins,
                ends,
            } => {
                self.draw(Display::follow);
                if link.takes_pastes() {
                    let part = match (begins, ends) {
                        (true, true) => PastePart::Whole,
                        (true, false) => PastePart::Begin,
                        (false, false) => PastePart::More,
                        (false, true) => PastePart::End,
                    };
                    return link.paste(bytes.into(), part).map_err(Ending::Lost);
                }
                if begins {
                    self.marks_paste = self.view.modes() & mode::BRACKETED_PASTE != 0;
                }
                if begins && self.marks_paste {
                    self.send(PASTE_BEGINS, link)?;
                }
                self.send(&bytes, link)?;
                if ends && self.marks_paste {
                    self.send(PASTE_ENDS, link)?;
                }
            }
        }
        Ok(())
    }

    fn send(&self, bytes: &[u8], link: &mut Link) -> Result<(), Ending> {
        if bytes.is_empty() {
            return Ok(());
        }
        link.type_in(bytes.to_vec().into()).map_err(Ending::Lost)
    }

    fn command(&mut self, command: Command, link: &mut Link) -> Result<(), Ending> {
        let mut update = no_change();
        match command {
            Command::Detach => return Err(Ending::Detached),
            Command::NextWindow => update.window_step = 1,
            Command::PreviousWindow => update.window_step = -1,
            Command::NextPane => update.pane_step = 1,
            Command::Redraw => {
                self.draw(Display::redraw);
                update.redraw = true;
            }
            Command::Page(pages) => {
                let rows = i32::from(self.view.height().saturating_sub(1).max(1));
                update.scroll = i32::from(pages) * rows;
            }
            Command::Help => {
                self.say(Message::help());
                return Ok(());
            }
            Command::Pan(down, right) => {
                self.draw(|view, out| view.pan(down, right, out));
                return Ok(());
            }
        }
        change(link, update)
    }

    /// The mouse is the program's where it asked for it. Else the wheel goes through the scrollback, and through what a
    /// program shows on the alternate screen by cursor keys.
    fn mouse(&mut self, mouse: Mouse, link: &mut Link) -> Result<(), Ending> {
        let modes = self.view.modes();
        let tracked = mode::MOUSE_CLICK | mode::MOUSE_DRAG | mode::MOUSE_MOTION;
        if modes & tracked != 0 && !self.view.is_scrolled() && !self.read_only {
            let inside = self.view.inside(mouse, self.button_held);
            if mouse.is_press() {
                self.button_held = inside.is_some();
            } else if mouse.release {
                self.button_held = false;
            }
            return match inside.and_then(|inside| inside.report(modes)) {
                Some(report) => self.send(&report, link),
                None => Ok(()),
            };
        }
        let Some(rows) = mouse.wheel() else {
            return Ok(());
        };
        if modes & mode::ALTERNATE_SCREEN == 0 {
            let update = UpdateView {
                scroll: rows,
                ..no_change()
            };
            return change(link, update);
        }
        if self.read_only {
            return Ok(());
        }
        let key: &[u8] = match (modes & mode::APPLICATION_CURSOR != 0, rows > 0) {
            (true, true) => b"\x1bOA",
            (true, false) => b"\x1bOB",
            (false, true) => b"\x1b[A",
            (false, false) => b"\x1b[B",
        };
        self.send(&key.repeat(rows.unsigned_abs() as usize), link)
    }

    /// Shows what the server told.
    fn happened(&mut self, event: Event, link: &mut Link) -> Result<(), Ending> {
        match event {
            Event::Screen { view: VIEW, update } => {
                // Before something is set, all are told how it is undone.
                if let Some(undo) = self.view.undo_after(&update) {
                    self.terminal.undo_also(undo);
                    link.hand_over(self.terminal);
                }
                if self.notices.begins_progress(update.progress) {
                    self.terminal.undo_progress();
                    link.hand_over(self.terminal);
                }
                self.draw(|view, out| view.update(&update, out));
                self.drawn = true;
                self.tell(|notices, out| {
                    if let Some(progress) = update.progress {
                        notices.progress(progress, out);
                    }
                    notices.notify(&update.notices, Instant::now(), out);
                });
            }
            Event::InputBlocked {
                view: VIEW,
                dropped_bytes,
            } => self.say(Message::new([
                format!("the program does not read its input or has ended, or this is a mirror: {dropped_bytes} bytes were dropped"),
                format!("{dropped_bytes} bytes were dropped: nothing reads what is typed"),
                format!("{dropped_bytes} bytes were dropped"),
            ])),
            Event::Detached { view: VIEW, reason } => return Err(Ending::Ended(reason)),
            Event::Switched { .. } => self.draw(Display::follow),
            Event::Screen { .. }
            | Event::InputBlocked { .. }
            | Event::InputTaken { .. }
            | Event::Detached { .. }
            | Event::Other(_) => {}
        }
        Ok(())
    }

    /// The terminal has another size than the server knows.
    pub(super) fn resized(&mut self, link: &mut Link) -> Result<(), Ending> {
        let size = self.terminal.size();
        self.draw(|view, out| view.resize(size, out));
        let update = UpdateView {
            size: Some(size),
            terminal: Some(self.facts()),
            ..no_change()
        };
        change(link, update)
    }
}

/// The sources that are ready.
#[derive(Default)]
struct Ready {
    /// There are keys.
    typed: bool,
    /// The terminal takes more.
    takes: bool,
    /// There was a signal.
    told: bool,
    /// The server said something, or takes more.
    link: bool,
}

fn change(link: &mut Link, update: UpdateView) -> Result<(), Ending> {
    link.update(&update).map_err(Ending::Lost)
}

fn gone(_: io::Error) -> Ending {
    Ending::TerminalGone
}
