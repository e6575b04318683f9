//! Orchestrations: `run_parallel` and `run_pipeline`, one engine under supervision.
//!
//! Each pane of an orchestration has a task of its own (`job`), which records facts in the orchestration's entry. The actor
//! decides from the facts what starts next and when all is done (`progress`); one that is restarted reads the same
//! facts and goes on. If it cannot be restarted, a guard ends everything and cleans up in its place.

mod actor;
mod calls;
mod child;
mod entry;
mod guard;
mod job;
mod kept;
mod message;
mod over;
mod parallel;
mod pipeline;
mod resume;
mod running;
#[cfg(test)]
pub(crate) mod sample;
mod script;
mod session;
mod stop;

pub(crate) use actor::{OrchestrationActor, OrchestrationArgs, OrchestrationState};
pub(crate) use calls::{cancel, get, list, run_parallel, run_pipeline};
pub(crate) use entry::OrchestrationEntry;
pub(crate) use kept::{forget_ended, prune};
pub(crate) use message::OrchestrationMsg;
pub(crate) use over::give_way;
pub(crate) use resume::resume;
