//! The reply of the call that waits for a change.

use serde::{Deserialize, Serialize};

/// The version of the watched state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// Names the state: give it as `after` to wait for another one. The same as before when the time limit ran out.
    pub version: String,
}
