//! The loop of an attached view: typed bytes go out, screen events come in.

use std::convert::Infallible;
use std::io;
use std::time::{Duration, Instant};

use protocol::request::UpdateView;
use protocol::{Error, ErrorCode, Event, Size};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::link::{Link, VIEW, no_change};
use super::prefix::{Action, HELP, PrefixParser};
use super::render::Renderer;
use super::signals::{Signals, Told};
use super::terminal::{Output, Terminal};

/// Most bytes read from the terminal at a time.
const READ_BYTES: usize = 16 * 1024;

/// Why a view ended.
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
    renderer: Renderer,
    parser: PrefixParser,
    output: Output,
    /// A screen was drawn that the terminal may not have taken yet.
    drawn: bool,
    read_only: bool,
    buffer: Vec<u8>,
}

impl<'a> Viewer<'a> {
    pub(super) fn new(terminal: &'a Terminal, read_only: bool) -> Self {
        Self {
            terminal,
            renderer: Renderer::new(terminal.size()),
            parser: PrefixParser::default(),
            output: Output::default(),
            drawn: false,
            read_only,
            buffer: vec![0; READ_BYTES],
        }
    }

    /// The terminal's size now.
    pub(super) fn size(&self) -> Size {
        self.terminal.size()
    }

    /// Shows a message until the next key.
    pub(super) fn say(&mut self, message: &str) {
        let mut bytes = Vec::new();
        self.renderer.say(Some(message.to_owned()), &mut bytes);
        self.terminal.write(&bytes, &mut self.output);
    }

    /// A new connection begins: it sends the whole screen.
    pub(super) fn welcome(&mut self) {
        self.drawn = false;
        self.renderer.say(None, &mut Vec::new());
    }

    /// Shows one connection until it or the view ends.
    pub(super) fn watch(&mut self, link: &mut Link, signals: &mut Signals) -> Ending {
        self.go_on(link, signals)
            .map_or_else(|ending| ending, |never| match never {})
    }

    fn go_on(&mut self, link: &mut Link, signals: &mut Signals) -> Result<Infallible, Ending> {
        link.settle().map_err(Ending::Lost)?;
        self.catch_up(link)?;
        loop {
            let ready = self.wait(Some(link), signals, link.until_ready())?;
            link.tell_ready().map_err(Ending::Lost)?;
            if ready.typed {
                let length = self.read()?;
                self.typed(length, link)?;
            }
            if ready.takes {
                self.flush()?;
            }
            let lost = ready.link.then(|| link.proceed().err()).flatten();
            if let Some(why) = lost {
                // What it said before it went counts.
                while let Some(event) = link.next_event() {
                    self.happened(event)?;
                }
                return Err(Ending::Lost(why));
            }
            self.catch_up(link)?;
            while let Some(told) = ready.told.then(|| signals.next()).flatten() {
                match told {
                    Told::End(signal) => return Err(Ending::Signal(signal)),
                    Told::Resized => self.resized(link)?,
                    Told::Continued => {
                        self.terminal.enter_again().map_err(gone)?;
                        self.resized(link)?;
                    }
                }
            }
        }
    }

    /// Reads keys while there is no server, for at most `limit`.
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
            if ready.typed {
                let length = self.read()?;
                let actions = self.parser.parse(&self.buffer[..length]);
                if actions.contains(&Action::Detach) {
                    return Err(Ending::Detached);
                }
            }
            if ready.takes {
                self.flush()?;
            }
            while let Some(told) = ready.told.then(|| signals.next()).flatten() {
                match told {
                    Told::End(signal) => return Err(Ending::Signal(signal)),
                    Told::Resized => self.renderer.resize(self.terminal.size()),
                    Told::Continued => self.terminal.enter_again().map_err(gone)?,
                }
            }
        }
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
            self.happened(event)?;
        }
    }

    /// Carries out what was typed.
    fn typed(&mut self, length: usize, link: &mut Link) -> Result<(), Ending> {
        if self.renderer.has_message() && length > 0 {
            self.renderer.say(None, &mut Vec::new());
            change(
                link,
                UpdateView {
                    redraw: true,
                    ..no_change()
                },
            )?;
        }
        for action in self.parser.parse(&self.buffer[..length]) {
            match action {
                Action::Input(_) if self.read_only => {}
                Action::Input(bytes) => link.type_in(bytes.into()).map_err(Ending::Lost)?,
                Action::Detach => return Err(Ending::Detached),
                Action::NextWindow => change(
                    link,
                    UpdateView {
                        window_step: 1,
                        ..no_change()
                    },
                )?,
                Action::PreviousWindow => change(
                    link,
                    UpdateView {
                        window_step: -1,
                        ..no_change()
                    },
                )?,
                Action::NextPane => change(
                    link,
                    UpdateView {
                        pane_step: 1,
                        ..no_change()
                    },
                )?,
                Action::Redraw => change(
                    link,
                    UpdateView {
                        redraw: true,
                        ..no_change()
                    },
                )?,
                Action::Help => self.say(HELP),
            }
        }
        Ok(())
    }

    /// Shows what the server told.
    fn happened(&mut self, event: Event) -> Result<(), Ending> {
        match event {
            Event::Screen { view: VIEW, update } => {
                let mut bytes = Vec::new();
                self.renderer.draw(&update, &mut bytes);
                self.terminal.write(&bytes, &mut self.output);
                self.drawn = true;
            }
            Event::InputBlocked {
                view: VIEW,
                dropped_bytes,
            } => self.say(&format!(
                "the program does not read its input, or this is a mirror: {dropped_bytes} bytes were dropped"
            )),
            Event::Detached { view: VIEW, reason } => return Err(Ending::Ended(reason)),
            Event::Switched { .. }
            | Event::Screen { .. }
            | Event::InputBlocked { .. }
            | Event::Detached { .. }
            | Event::Other(_) => {}
        }
        Ok(())
    }

    /// The terminal has another size than the server knows.
    pub(super) fn resized(&mut self, link: &mut Link) -> Result<(), Ending> {
        let size = self.terminal.size();
        self.renderer.resize(size);
        change(
            link,
            UpdateView {
                size: Some(size),
                redraw: true,
                ..no_change()
            },
        )
    }
}

/// What can go on.
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
