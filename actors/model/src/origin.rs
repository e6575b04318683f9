//! The maker of a pane or an orchestration.

use protocol::SessionUuid;
use serde::{Deserialize, Serialize};

/// The maker of something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// An agent, or a pane that an agent made.
    pub agent: bool,
    /// The session from which it was made, the one from which that was made, and so on.
    pub makers: Vec<SessionUuid>,
}
