//! OTP supervision on ractor: child specs, strategies, restart intensity, ordered shutdown, dynamic
//! supervisors, and a tree that can be read at any time. `docs/supervision.md` has the semantics.

mod actor;
mod address;
mod body;
mod child_spec;
mod clock;
mod dynamic;
mod exit_reason;
mod intensity;
pub mod policy;
mod strategy;
mod supervisor;
mod tree;
mod turn;
mod vitals;

pub use ractor::ActorId;

pub use actor::{Actor, ActorError, Down, Label};
pub use address::{Address, AddressSlot, CallError, Reply, SendError, Timer};
pub use child_spec::{ChildId, ChildKind, ChildSpec, START_LIMIT};
pub use dynamic::{DynamicSpec, MAX_CHILDREN};
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
