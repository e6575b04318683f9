//! The closed set of errors that a caller can act on, the same in CLI, MCP and HTTP.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The kinds of failure, so that a program can decide what to do.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::EnumIter,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ErrorCode {
    /// The request itself is wrong; the same request will fail again.
    InvalidArgument,
    /// Nothing has that id or name.
    NotFound,
    /// A name fits several things; the candidates are listed.
    AmbiguousName,
    /// A live session has that name already.
    NameTaken,
    /// The default session is meant and there is none.
    NoSession,
    /// No server of that name is configured.
    UnknownServer,
    /// The server is configured and cannot be reached.
    ServerUnreachable,
    /// This server does not know the request or the option.
    Unsupported,
    /// The thing is in a state that does not allow this now; try again.
    Busy,
    /// The time limit ran out; what was going on goes on.
    Timeout,
    /// The caller or somebody else cancelled it.
    Cancelled,
    /// The program in the pane does not read its input.
    InputBlocked,
    /// The program could not be started.
    SpawnFailed,
    /// The pane's program has ended.
    PaneExited,
    /// The pane's keeper does not answer, or its terminal cannot be had; it is tried again.
    Unreachable,
    /// The caller has not shown who it is, or not well enough.
    Unauthenticated,
    /// The caller may not do this.
    Denied,
    /// A limit of the machine or of the configuration is reached.
    Limit,
    /// A defect of fugue; the log has more.
    Internal,
}

impl ErrorCode {
    /// The code as it stands on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

// A code that a newer peer added is still an error; it is not a reason to drop the reply.
impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(text.parse().unwrap_or(Self::Internal))
    }
}

/// An error as every surface shows it: what and why, what to do next, the valid choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// What kind of failure.
    pub code: ErrorCode,
    /// What failed and why, one sentence without a full stop.
    pub message: String,
    /// What to do next; empty when there is nothing to add.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// The valid choices or the things that were meant, as they can be given back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
}

/// The message of [`Error::replaced`].
const REPLACED: &str = "the server is being replaced by the next one, and nothing was done";

impl Error {
    /// An error without hint and candidates.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: String::new(),
            candidates: Vec::new(),
        }
    }

    /// The refusal of a server that is being replaced: nothing was done, and the next one can be asked.
    #[must_use]
    pub fn replaced() -> Self {
        Self::new(ErrorCode::ServerUnreachable, REPLACED).hint("ask again in a moment")
    }

    /// True if it is [`Self::replaced`].
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        self.code == ErrorCode::ServerUnreachable && self.message == REPLACED
    }

    /// The same with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same with the valid choices, at most 20 of them.
    #[must_use]
    pub fn candidates(mut self, candidates: impl IntoIterator<Item = String>) -> Self {
        const SHOWN: usize = 20;
        self.candidates = candidates.into_iter().take(SHOWN).collect();
        self
    }

    /// `invalid_argument` with `message`.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let candidates = self.candidates.join(", ");
        if !candidates.is_empty() && self.code == ErrorCode::NotFound {
            // What there is says what to do.
            return write!(f, ". There are: {candidates}.");
        }
        if !candidates.is_empty() && self.code == ErrorCode::AmbiguousName {
            write!(f, ": {candidates}")?;
        } else if !candidates.is_empty() && self.code != ErrorCode::NameTaken {
            // The name itself says which one has it.
            write!(f, " ({candidates})")?;
        }
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
