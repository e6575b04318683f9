//! What a pane's I/O task is asked for, and what it answers.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::Error;
use protocol::event::ScreenUpdate;
use protocol::reply::ExpectOutcome;
use regex::Regex;
use supervisor::Reply;

use super::Ahead;
use crate::pane::journal::Journal;
use crate::pane::screen::{Match, Screen, TextCursor};

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
    /// Why not all.
    pub failed: Option<Error>,
}

/// What to wait for.
#[derive(Clone)]
pub struct ExpectOrder {
    /// A match ends the wait.
    pub pattern: Option<Regex>,
    /// So much quiet ends the wait: no change of the text.
    pub idle: Option<Duration>,
    /// It is not quiet while the program has not read what was typed.
    pub after_input: bool,
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
