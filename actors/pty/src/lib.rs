//! The I/O task of a pane: reads its PTY into the journal and the screen, writes what is typed, answers waits and sends frames.
//!
//! It knows the terminal and the journal and nothing of actors, sessions or the database: what it needs of the daemon that
//! it runs in is a [`Host`].
#![forbid(unsafe_code)]

mod clock;
mod io;
mod setup;
mod watched;

pub use clock::steady_ms;
pub use io::{
    ExpectOrder, Facts, Input, Io, Line, Live, Piece, PieceKind, QueueTicket, Seen, TerminalUse,
    Unread, Waited, WriteOrder, Writer, Written,
};
pub use setup::{Host, ScreenSetup, Setup, TaskFuture, TaskSubject, Window};
pub use watched::{Waiting, Watched};
