//! The messages of a pane's actor.

use keeper_link::AdoptedPane;

/// The messages of a pane's actor.
#[derive(strum::IntoStaticStr)]
pub enum PaneMsg {
    /// The life with this number has ended, and its output is read.
    ProgramEnded(u32),
    /// The pause before the restart that is due at this time is over.
    RestartDue(u64),
    /// Somebody has asked for a restart, which the pane's state says.
    RestartAsked,
    /// What was being started when an earlier life of this actor failed is undone.
    StartUndone,
    /// The keeper lives and can be asked no more: it is tried again.
    KeeperAway,
    /// The keeper of an unreachable pane answers, or is dead.
    Reached(Box<Reached>),
    /// The I/O task has failed: the actor fails with it, and its next life starts another one.
    IoFailed,
    /// A test wants to see the actor fail.
    #[cfg(debug_assertions)]
    Crash,
}

/// The result of asking the keeper of an unreachable pane.
pub enum Reached {
    /// The keeper answers.
    Keeper(AdoptedPane),
    /// It is dead.
    Dead,
}
