//! The programs that are compared, each started anew with sockets of its own.

mod bare;
mod control;
mod dtach;
mod fugue;
mod screen;
mod tmux;

use std::time::Duration;

use anyhow::Result;
use protocol::Size;

use crate::pty::Pty;
use crate::socket::{Desk, Remote};
use crate::stage::{Curtain, Stage};

pub(crate) use control::Control;
pub(crate) use dtach::detached;
pub(crate) use fugue::{CALL_LIMIT, Fugue, session};
pub(crate) use tmux::Tmux;

/// The time that something that a peer starts may take to be there.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(30);

/// The silence that must follow a client's first screen before it is measured.
pub(crate) const SETTLED: Duration = Duration::from_millis(300);

/// A program that keeps terminals.
pub(crate) trait Peer {
    /// Starts a program in a terminal that nobody looks at.
    fn run(&mut self, argv: &[String], size: Size) -> Result<()>;

    /// Floods another terminal of the same server with `yes`.
    fn flood(&mut self) -> Result<()>;

    /// The terminal of a person who looks at the program.
    fn attach(&mut self, size: Size) -> Result<Pty>;

    /// The server's processes; none when there is no server.
    fn server(&self) -> Result<Vec<u32>>;
}

/// The programs that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A terminal and a program that reads it, nothing else.
    Bare,
    /// Ours.
    Fugue,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
    /// dtach, which has no screen model.
    Dtach,
}

impl Kind {
    /// All of them, ours first.
    pub(crate) const ALL: [Self; 5] = [
        Self::Fugue,
        Self::Bare,
        Self::Tmux,
        Self::Screen,
        Self::Dtach,
    ];

    /// Its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Fugue => crate::report::OURS,
            Self::Tmux => "tmux",
            Self::Screen => "screen",
            Self::Dtach => "dtach",
        }
    }

    /// True if somebody answers a program's questions when nobody is attached.
    pub(crate) fn answers(self) -> bool {
        self != Self::Dtach
    }

    /// Starts one without terminals.
    pub(crate) fn start<'s>(self, stage: &'s Stage) -> Result<Box<dyn Peer + 's>> {
        Ok(match self {
            Self::Bare => Box::new(bare::Bare::new(stage)),
            Self::Fugue => Box::new(Fugue::start(stage)?),
            Self::Tmux => Box::new(Tmux::start(stage)?),
            Self::Screen => Box::new(screen::Screen::new(stage)?),
            Self::Dtach => Box::new(dtach::Dtach::new(stage)?),
        })
    }
}

/// A started program with its pane program waiting for orders, and its viewer.
///
/// Fields are dropped in this order: first the viewer goes, then the server, then what is left.
pub(crate) struct Scene<'s> {
    /// The viewer's terminal, when somebody looks.
    pub(crate) viewer: Option<Pty>,
    /// The program in the pane.
    pub(crate) remote: Remote,
    /// The program that keeps the terminal.
    pub(crate) peer: Box<dyn Peer + 's>,
    _curtain: Curtain<'s>,
}

impl<'s> Scene<'s> {
    /// Starts `kind` with a program of ours in one terminal. The bare terminal always has its viewer.
    pub(crate) fn start(
        stage: &'s Stage,
        kind: Kind,
        size: Size,
        words: &[&str],
        attached: bool,
    ) -> Result<Self> {
        let mut peer = kind.start(stage)?;
        let desk = Desk::open(&stage.fresh()?)?;
        peer.run(&desk.program(words)?, size)?;
        let mut viewer = None;
        if kind == Kind::Bare {
            viewer = Some(peer.attach(size)?);
        }
        let remote = desk.ready()?;
        if attached && kind != Kind::Bare {
            let pty = peer.attach(size)?;
            pty.settle(SETTLED, START_LIMIT)?;
            viewer = Some(pty);
        } else if kind == Kind::Screen && size != Size::DEFAULT {
            // Only a viewer can give it another size; it keeps it.
            let pty = peer.attach(size)?;
            pty.settle(SETTLED, START_LIMIT)?;
        }
        Ok(Self {
            viewer,
            remote,
            peer,
            _curtain: Curtain(stage),
        })
    }
}
