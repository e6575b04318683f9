//! The daemon's side of a keeper, and what the keeper's own crate has for the daemon.

mod link;

pub use keeper::{
    Blocked, ExitReport, FailureClass, Family, Identity, JOURNAL_BYTES, JOURNAL_HEADER_BYTES,
    KEPT_ERROR_BYTES, KeeperCgroup, KeeperSpec, KeptErrors, LEAVE_TERMINAL, Process,
    ProgramIdentity, ProgramStatus, STATUS_PIPE_FD, SignalScope, SpawnFailure, StopTimes, Streams,
    ancestors, descendants, foreground, listen_again, parent, start_time,
};
pub use link::{
    AdoptError, AdoptedPane, Expected, Keeper, KeeperExit, KeeperLaunch, KeeperStock, LinkError,
    SpawnError, SpawnedPane,
};
