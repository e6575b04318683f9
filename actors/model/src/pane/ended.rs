//! The end of one life of a pane's program.

use protocol::reply::ExitStatus;
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
}
