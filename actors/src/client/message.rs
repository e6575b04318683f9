//! The messages of a connection's actor.

use std::sync::Arc;

use protocol::PaneUuid;

/// The messages of a connection's actor.
#[derive(strum::IntoStaticStr)]
pub enum ClientMsg {
    /// The connection has said hello as this, from inside this pane.
    Greeted(Arc<str>, Option<PaneUuid>),
    /// It has so many attached views.
    Views(usize),
    /// Its task has ended, for this reason.
    Closed(String),
    /// A test wants to see the actor fail.
    #[cfg(debug_assertions)]
    Crash,
}
