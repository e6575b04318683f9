//! The keeper: the small process that is the parent of one pane's program and holds its PTY.
//!
//! [`main`] is the process itself (`fugued keeper`): blocking, single-threaded, no tokio, no parser. [`wire`] is what it and a
//! daemon say to each other, and the rest is what both do with processes.
//! A keeper outlives its daemon; the next daemon connects to the keeper's socket and gets the
//! PTY master, the journal and the exit status again.

mod account;
mod blocked;
mod conn;
mod contain;
mod diagnose;
pub mod hidden;
mod process;
mod procs;
mod program;
mod relay;
mod reports;
mod stop;
mod sys;
pub mod wire;

#[cfg(test)]
mod tests;

pub use account::account_shell;
pub use blocked::{Blocked, foreground};
pub use process::{LEAVE_TERMINAL, MAX_SOCKET_PATH_BYTES, main};
pub use procs::{
    Family, Identity, Process, UsageBelow, ancestors, descendants, is_below_keeper, listen_again,
    parent, signal_exactly, start_time, usage_below,
};
pub use stop::Rounds;
pub use sys::{close_from, signal, trim_heap};
pub use wire::{
    ExitReport, FailureClass, JOURNAL_BYTES, JOURNAL_HEADER_BYTES, KEPT_ERROR_BYTES, KeeperCgroup,
    KeeperSpec, KeptErrors, ProgramIdentity, ProgramStatus, STATUS_PIPE_FD, SignalScope,
    SpawnFailure, StopTimes, Streams, WIRE_VERSION,
};
