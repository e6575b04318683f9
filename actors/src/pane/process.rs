//! One life of a pane's program: the processes of it, and the link to them.

use std::time::Instant;

use keeper::Identity;
use keeper_link::Keeper;
use uuid::Uuid;

/// One life of a pane's program.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    /// The link to its parent.
    pub keeper: Keeper,
    /// The program.
    pub pid: u32,
    /// When it started, in clock ticks since boot; 0 when that is not known.
    pub start_time: u64,
    /// Its parent.
    pub keeper_pid: u32,
    /// When its parent started, in clock ticks since boot; with the pid it is the identity.
    pub keeper_start_time: u64,
    /// When it was started.
    pub started: Instant,
    /// Which life of the pane it is, from 0.
    pub life: u32,
    /// What its keeper asks the next daemon for; absent for keepers of older versions.
    pub secret: Option<Uuid>,
}

impl Process {
    /// The identity of its keeper's process.
    #[must_use]
    pub(crate) fn keeper_identity(&self) -> Option<Identity> {
        Identity::new(self.keeper_pid.cast_signed(), self.keeper_start_time)
    }

    /// The identity of the program's process.
    #[must_use]
    pub(crate) fn program_identity(&self) -> Option<Identity> {
        Identity::new(self.pid.cast_signed(), self.start_time)
    }
}
