//! The daemon's state on disk: one SQLite database of rows that their owners make when a commit asks for them.
//!
//! A mark names an entity and not a change, so marks are bounded by what is alive and a commit writes the newest state. Nothing here
//! knows what is alive, and nothing waits: the one who owns the database calls from a thread that may block.
#![forbid(unsafe_code)]

mod departed;
mod last_end;
mod load;
mod mark;
mod numbers;
mod rows;
mod schema;
mod text;
mod tidy;
mod write;

#[cfg(test)]
mod tests;

pub use load::{Loaded, LoadedSession, open};
pub use mark::{Key, Mark, Persist};
pub use numbers::LastNumbers;
pub use rows::{OrchestrationRow, PaneRow, Row, StoredEnd, StoredKey};
pub use schema::{Database, OpenError};
pub use text::{
    MAX_ROWS, MAX_TEXT_BYTES, PaneText, StoredText, TextError, load_text, stored_texts,
};
pub use write::{Commit, Written};

/// Ended panes that are remembered after they were removed: enough for the callers of an
/// orchestration of the largest size to ask for their ends.
pub const ENDED_PANES: usize = 512;

/// The choice of what is written besides what is needed to go on.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// What panes have shown and runs have printed.
    pub text: bool,
    /// Variables of sessions, panes and runs, other than fugue's own.
    pub environment: bool,
}
