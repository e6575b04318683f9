//! Orders to a pane's I/O task, and its answers.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use journal::Journal;
use protocol::Error;
use protocol::frame::PastePart;
use protocol::reply::{ExpectOutcome, ProgramState, ProgramStatus};
use terminal::screen::{Match, Pattern, Screen, TextCursor};
use tokio::sync::oneshot;

use super::QueueTicket;
use super::frames::{Frame, Known};

/// Something to look at or to do with the screen, between two chunks of output.
pub(crate) type Look = Box<dyn FnOnce(&mut Screen) + Send>;

/// A command to the task.
pub(crate) enum Command {
    /// Type something.
    Write(Typing, oneshot::Sender<Written>),
    /// Look at the screen.
    Look(Look),
    /// The next change after what somebody has, when there is one.
    NextFrame(Known, oneshot::Sender<Frame>),
    /// Wait for output, quiet or the end.
    Expect(ExpectOrder, oneshot::Sender<Waited>),
    /// Read until there is nothing more, at most for so long.
    Drain(Duration, oneshot::Sender<()>),
    /// The program's end is recorded: waits for it end.
    ProgramEnded(oneshot::Sender<()>),
    /// A new life of the program has this PTY and this journal.
    Adopt(Arc<OwnedFd>, Journal, oneshot::Sender<Result<(), Error>>),
    /// A test wants to see the task fail.
    #[cfg(debug_assertions)]
    Crash,
    /// The task turns for ever.
    #[cfg(debug_assertions)]
    TurnForEver,
}

/// Something to type.
pub struct WriteOrder {
    /// The text, keys or bytes.
    pub input: Input,
    /// The time that the program may take to read it; as long as it likes when absent.
    pub limit: Option<Duration>,
}

/// The input of an order.
pub enum Input {
    /// A program's: text and keys in one piece.
    Line(Line),
    /// A person's, in pieces.
    Piece(Piece),
}

/// Text and keys, encoded as the program's modes want them.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Literal text. A newline at its end is Enter.
    pub text: String,
    /// Whether the text is a paste, where the program takes pastes; by what it holds when absent.
    pub paste: Option<bool>,
    /// Named keys after the text.
    pub keys: Vec<String>,
    /// Enter at the end.
    pub submit: bool,
    /// So long after what comes before it Enter is pressed, where the program takes pastes.
    pub pause: Duration,
}

/// Somebody who types in pieces: one attached view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writer(u64);

impl Writer {
    /// Another one than all before.
    #[must_use]
    pub fn another() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A piece of what a person types or pastes.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Whose.
    pub writer: Writer,
    /// The bytes, as their terminal sent them; of a paste without its marks.
    pub bytes: Bytes,
    /// The kind of them.
    pub kind: PieceKind,
}

/// The kind of a person's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// Keys, or a paste with its marks.
    Typed {
        /// A paste with its marks goes on after them.
        pasting: bool,
    },
    /// A part of a paste.
    Paste(PastePart),
}

impl WriteOrder {
    /// Keys only.
    #[must_use]
    pub fn keys(keys: Vec<String>, limit: Duration) -> Self {
        let line = Line {
            keys,
            ..Line::default()
        };
        Self {
            input: Input::Line(line),
            limit: Some(limit),
        }
    }

    /// The text and keys, unless a person types it.
    #[must_use]
    pub fn line(&self) -> Option<&Line> {
        match &self.input {
            Input::Line(line) => Some(line),
            Input::Piece(_) => None,
        }
    }

    /// A piece of what a person types. It waits for the program as long as it takes.
    #[must_use]
    pub fn piece(piece: Piece) -> Self {
        Self {
            input: Input::Piece(piece),
            limit: None,
        }
    }
}

/// An order and the terminal that it is for, whose modes decide what its echo is.
pub(crate) struct Typing {
    pub(super) order: WriteOrder,
    pub(super) place: QueueTicket,
    pub(super) master: Arc<OwnedFd>,
}

/// The outcome of a [`WriteOrder`].
#[derive(Debug)]
pub struct Written {
    /// So many bytes went in.
    pub bytes: u64,
    /// Output from here on is not the echo of them.
    pub cursor: TextCursor,
    /// The text went in as one paste.
    pub pasted: bool,
    /// Enter was pressed at the end.
    pub submitted: bool,
    /// The reason why not all went in.
    pub failed: Option<Error>,
}

/// The things to wait for.
#[derive(Clone)]
pub struct ExpectOrder {
    /// A match ends the wait.
    pub pattern: Option<Pattern>,
    /// So much quiet ends the wait: no change of the text.
    pub idle: Option<Duration>,
    /// It is not quiet while the program has not read what was typed.
    pub after_input: bool,
    /// Only what comes after this is looked at; the whole screen when absent.
    pub since: Option<TextCursor>,
    /// States of the program that end the wait.
    pub states: Vec<ProgramState>,
    /// The echo of what was typed does not match.
    pub output_only: bool,
    /// The longest wait.
    pub limit: Duration,
}

/// The end of a wait.
#[derive(Debug)]
pub struct Waited {
    /// The outcome: what came first.
    pub outcome: ExpectOutcome,
    /// The match.
    pub found: Option<Match>,
    /// The place to go on from.
    pub cursor: TextCursor,
    /// The program's state that ended it.
    pub state: Option<ProgramStatus>,
}
