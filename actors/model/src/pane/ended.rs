//! The end of one life of a pane's program.

use protocol::reply::ExitStatus;
use serde::{Deserialize, Serialize};

/// How a program's life ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Exit code, signal, or why it is not known.
    pub exit: ExitStatus,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}
