//! The keeper: the small process that is the parent of one pane's program and holds its PTY.
//!
//! [`main`] is the process itself (`fugued keeper`): blocking, single-threaded, no tokio, no parser.
//! [`Keeper`] is the daemon's side of it: it starts or adopts a keeper and talks to it.
//! A keeper outlives its daemon; the next daemon connects to the keeper's socket and gets the
//! PTY master, the journal and the exit status again.

mod blocked;
mod conn;
mod contain;
mod diagnose;
mod link;
mod process;
mod procs;
mod program;
mod relay;
mod reports;
mod stop;
mod sys;
mod wire;

#[cfg(test)]
mod tests;

pub use blocked::{Blocked, foreground};
pub use link::{
    AdoptError, AdoptedPane, Expected, Keeper, KeeperExit, KeeperLaunch, KeeperStock, LinkError,
    SpawnError, SpawnedPane,
};
pub use process::{LEAVE_TERMINAL, main};
pub use procs::{
    Family, Identity, Process, ancestors, descendants, listen_again, parent, start_time,
};
pub(crate) use sys::{close_from, trim_heap};
pub use wire::{
    ExitReport, FailureClass, JOURNAL_BYTES, JOURNAL_HEADER_BYTES, KEPT_ERROR_BYTES, KeeperCgroup,
    KeeperSpec, KeptErrors, ProgramIdentity, ProgramStatus, STATUS_PIPE_FD, SignalScope,
    SpawnFailure, StopTimes, Streams, WIRE_VERSION,
};
