//! OTP supervision on ractor.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod actor;
mod address;
mod child_spec;
mod clock;
mod dynamic;
mod error;
mod exit_reason;
mod host;
mod intensity;
pub mod policy;
mod strategy;
mod supervisor;
mod tree;
mod turn;
mod vitals;

pub use actor::{Actor, ActorError, ActorId, Down, Label};
pub use address::{Address, AddressSlot, CallError, Reply, SendError, Timer};
pub use child_spec::{ChildId, ChildKind, ChildSpec, OnceSpec, START_LIMIT, Startable};
pub use dynamic::{DynamicSpec, MAX_CHILDREN};
pub use error::{Cause, SpecError, StartFailure};
pub use exit_reason::ExitReason;
pub use intensity::{Backoff, Intensity, Window};
pub use strategy::{AutoShutdown, RestartType, Shutdown, Strategy};
pub use supervisor::{
    CALL_LIMIT, ChildCounts, ChildError, ChildInfo, KILL_LIMIT, StartChildError, StartError,
    SupervisorRef, SupervisorSlot, SupervisorSpec, start,
};
pub use tree::{EXITS_KEPT, PastExit, Pulse, Status, Tree, TreeNode};
pub use turn::{Turn, actor_subject, noted, turns};
pub use vitals::{Busy, Vitals};
