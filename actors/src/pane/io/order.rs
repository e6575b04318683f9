//! What a pane's I/O task is asked for, and what it answers.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use journal::Journal;
use protocol::Error;
use protocol::frame::PastePart;
use protocol::reply::{ExpectOutcome, ProgramState, ProgramStatus};
use supervisor::Reply;
use terminal::screen::{Match, Pattern, Screen, TextCursor};

use super::Ahead;
use super::frames::{Frame, Known};

/// Something to look at or to do with the screen, between two chunks of output.
pub(crate) type Look = Box<dyn FnOnce(&mut Screen) + Send>;

/// What the task is asked for.
pub(crate) enum Command {
    /// Type something.
    Write(Typing, Reply<Written>),
    /// Look at the screen.
    Look(Look),
    /// The next change after what somebody has, when there is one.
    NextFrame(Known, Reply<Frame>),
    /// Wait for output, quiet or the end.
    Expect(ExpectOrder, Reply<Waited>),
    /// Read until there is nothing more, at most for so long.
    Drain(Duration, Reply<()>),
    /// The program's end is recorded: waits for it end.
    ProgramEnded(Reply<()>),
    /// A new life of the program has this PTY and this journal.
    Adopt(Arc<OwnedFd>, Journal, Reply<Result<(), Error>>),
    /// A test wants to see the task fail.
    #[cfg(debug_assertions)]
    Crash,
    /// The task turns for ever.
    #[cfg(debug_assertions)]
    TurnForEver,
}

/// Something to type.
pub struct WriteOrder {
    /// What.
    pub input: Input,
    /// How long the program may take to read it; as long as it likes when absent.
    pub limit: Option<Duration>,
}

/// What is typed.
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

/// Who types in pieces: one attached view.
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
    /// What they are.
    pub kind: PieceKind,
}

/// What a person's bytes are.
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
    pub(super) place: Ahead,
    pub(super) master: Arc<OwnedFd>,
}

/// What became of a [`WriteOrder`].
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
    /// Why not all.
    pub failed: Option<Error>,
}

/// What to wait for.
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
    /// The program's state that ended it.
    pub state: Option<ProgramStatus>,
}
