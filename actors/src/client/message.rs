//! The messages of a connection's actor.

use std::sync::Arc;

use protocol::{PaneUuid, SessionUuid, Size, WindowUuid};

/// The look of an attached view: the pane that it shows, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Looks {
    /// The session.
    pub session: SessionUuid,
    /// The window.
    pub window: WindowUuid,
    /// The pane.
    pub pane: PaneUuid,
    /// Size of the client's terminal.
    pub size: Size,
    /// It types nothing.
    pub read_only: bool,
    /// The time at which it was attached, in milliseconds since 1970.
    pub since_ms: u64,
}

/// The messages of a connection's actor.
#[derive(strum::IntoStaticStr)]
pub enum ClientMsg {
    /// The connection has said hello as this, from inside this pane.
    Greeted(Arc<str>, Option<PaneUuid>),
    /// It has these attached views.
    Views(Arc<[Looks]>),
    /// Its task has ended, for this reason.
    Closed(String),
    /// A test wants to see the actor fail.
    #[cfg(debug_assertions)]
    Crash,
}
