//! What the call that waits for a change gives back.

use serde::{Deserialize, Serialize};

/// Which state something is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// Names the state: give it as `after` to wait for another one. The same as before when the time limit ran out.
    pub version: String,
}
