//! The call that waits for something to change.

use serde::{Deserialize, Serialize};

use crate::target::Target;

/// Waits until a pane, or without one the tree of sessions, windows and panes, is no more what it
/// was at `after`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Watch {
    /// Which pane's screen and program.
    #[serde(default)]
    pub pane: Option<Target>,
    /// The version of an earlier answer; answered at once when absent.
    #[serde(default)]
    pub after: Option<String>,
    /// How long at most, in milliseconds; at most one hour.
    pub timeout_ms: u64,
}
