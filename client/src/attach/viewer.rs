//! The loop of an attached view: typed bytes go out, screen events come in.

use protocol::request::UpdateView;
use protocol::{Error, Event, Size};

use super::link::{Link, VIEW, no_change};
use super::prefix::{Action, HELP, PrefixParser};
use super::render::Renderer;
use super::terminal::{Output, Signals, Terminal, Told};

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

/// The state of a view over all its connections.
pub(super) struct Viewer<'a> {
    terminal: &'a Terminal,
    renderer: Renderer,
    parser: PrefixParser,
    output: Output,
    /// The server waits for our word before it sends the next screen.
    ready_due: bool,
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
            ready_due: false,
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
        self.ready_due = false;
        self.renderer.say(None, &mut Vec::new());
    }

    /// Shows one connection until it or the view ends.
    pub(super) async fn watch(&mut self, link: &mut Link, signals: &mut Signals) -> Ending {
        loop {
            tokio::select! {
                read = self.terminal.read(&mut self.buffer) => match read {
                    Ok(0) | Err(_) => return Ending::TerminalGone,
                    Ok(length) => {
                        if let Some(ending) = self.typed(length, link).await {
                            return ending;
                        }
                    }
                },
                // One screen at a time: the next one is asked for when this one has been taken.
                event = link.events.recv(), if self.output.is_empty() => {
                    let Some(event) = event else {
                        return Ending::Lost(link.connection.why_closed());
                    };
                    if let Some(ending) = self.happened(event, link).await {
                        return ending;
                    }
                }
                flushed = self.terminal.flush(&mut self.output), if !self.output.is_empty() => {
                    if flushed.is_err() {
                        return Ending::TerminalGone;
                    }
                    self.tell_ready(link).await;
                }
                told = signals.next() => match told {
                    Told::End(signal) => return Ending::Signal(signal),
                    Told::Resized => self.resized(link),
                    Told::Continued => {
                        if self.terminal.enter_again().is_err() {
                            return Ending::TerminalGone;
                        }
                        self.resized(link);
                    }
                },
            }
        }
    }

    /// Reads keys while there is no server, until one of them or a signal leaves.
    pub(super) async fn wait_for_leave(&mut self, signals: &mut Signals) -> Ending {
        loop {
            tokio::select! {
                read = self.terminal.read(&mut self.buffer) => match read {
                    Ok(0) | Err(_) => return Ending::TerminalGone,
                    Ok(length) => {
                        if self.parser.parse(&self.buffer[..length]).contains(&Action::Detach) {
                            return Ending::Detached;
                        }
                    }
                },
                flushed = self.terminal.flush(&mut self.output), if !self.output.is_empty() => {
                    if flushed.is_err() {
                        return Ending::TerminalGone;
                    }
                }
                told = signals.next() => match told {
                    Told::End(signal) => return Ending::Signal(signal),
                    Told::Resized => self.renderer.resize(self.terminal.size()),
                    Told::Continued => {
                        let _ = self.terminal.enter_again();
                    }
                },
            }
        }
    }

    /// Carries out what was typed.
    async fn typed(&mut self, length: usize, link: &Link) -> Option<Ending> {
        if self.renderer.has_message() {
            self.renderer.say(None, &mut Vec::new());
            link.update(UpdateView {
                redraw: true,
                ..no_change()
            });
        }
        for action in self.parser.parse(&self.buffer[..length]) {
            match action {
                Action::Input(_) if self.read_only => {}
                Action::Input(bytes) => {
                    if let Err(why) = link.connection.input(VIEW, bytes.into()).await {
                        return Some(Ending::Lost(why));
                    }
                }
                Action::Detach => return Some(Ending::Detached),
                Action::NextWindow => link.update(UpdateView {
                    window_step: 1,
                    ..no_change()
                }),
                Action::PreviousWindow => link.update(UpdateView {
                    window_step: -1,
                    ..no_change()
                }),
                Action::NextPane => link.update(UpdateView {
                    pane_step: 1,
                    ..no_change()
                }),
                Action::Redraw => link.update(UpdateView {
                    redraw: true,
                    ..no_change()
                }),
                Action::Help => self.say(HELP),
            }
        }
        None
    }

    /// Shows what the server told.
    async fn happened(&mut self, event: Event, link: &mut Link) -> Option<Ending> {
        match event {
            Event::Screen { view: VIEW, update } => {
                let mut bytes = Vec::new();
                self.renderer.draw(&update, &mut bytes);
                self.terminal.write(&bytes, &mut self.output);
                self.ready_due = true;
                if self.output.is_empty() {
                    self.tell_ready(link).await;
                }
            }
            Event::Switched {
                view: VIEW,
                attached,
            } => link.attached = attached,
            Event::InputBlocked {
                view: VIEW,
                dropped_bytes,
            } => self.say(&format!(
                "the program does not read its input: {dropped_bytes} bytes were dropped"
            )),
            Event::Detached { view: VIEW, reason } => return Some(Ending::Ended(reason)),
            Event::Screen { .. }
            | Event::Switched { .. }
            | Event::InputBlocked { .. }
            | Event::Detached { .. }
            | Event::Other(_) => {}
        }
        None
    }

    /// Asks for the next screen. A connection that ended is noticed by its events.
    async fn tell_ready(&mut self, link: &Link) {
        if std::mem::take(&mut self.ready_due) {
            let _ = link.connection.ready(VIEW).await;
        }
    }

    /// The terminal has another size than the server knows.
    pub(super) fn resized(&mut self, link: &Link) {
        let size = self.terminal.size();
        self.renderer.resize(size);
        link.update(UpdateView {
            size: Some(size),
            redraw: true,
            ..no_change()
        });
    }
}
