//! The messages of an orchestration's actor.

/// The messages of an orchestration's actor.
#[derive(strum::IntoStaticStr)]
pub enum OrchestrationMsg {
    /// One of its jobs, or somebody who cancels, has recorded facts in the entry.
    FactsRecorded,
    /// The time limit ran out.
    TimedOut,
    /// A test wants to see the actor fail.
    #[cfg(debug_assertions)]
    Crash,
}
