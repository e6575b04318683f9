//! The end of one life of a pane's program.

use protocol::reply::{ExitStatus, Usage};
use serde::{Deserialize, Serialize};

/// End of a program's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Exit code, signal, or why it is not known.
    pub exit: ExitStatus,
    /// Duration of its run, in milliseconds.
    pub duration_ms: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Processor time and memory that it has used, where its keeper has seen that.
    #[serde(default)]
    pub usage: Option<Usage>,
}

impl Ended {
    /// An end that no keeper has seen.
    #[must_use]
    pub fn unseen(exit: ExitStatus, duration_ms: u64, at_ms: u64) -> Self {
        Self {
            exit,
            duration_ms,
            at_ms,
            usage: None,
        }
    }
}
