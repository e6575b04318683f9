//! The messages of a session's actor.

use std::collections::BTreeMap;

use model::session::change::{Change, Placement};
use protocol::frame::ViewId;
use protocol::terminal::TerminalFacts;
use protocol::{ClientUuid, Error, OrchestrationUuid, PaneUuid, Size, WindowUuid};
use supervisor::{Address, Reply};

use crate::client::ClientMsg;

/// The messages of a session's actor.
#[derive(strum::IntoStaticStr)]
pub enum SessionMsg {
    /// The spawn function asks where a new pane would go: its size comes back, nothing changes.
    Measure(Placement, Reply<Result<Size, Error>>),
    /// The spawn function puts a started pane into its place.
    Place(Placement, Reply<Result<WindowUuid, Error>>),
    /// A pane was removed; the session ends when it was the last one and nobody holds it.
    PaneGone(PaneUuid),
    /// Somebody changes something else.
    Change(Box<Change>, Reply<Result<(), Error>>),
    /// A change was recorded.
    Settled(u64),
    /// A change could not be recorded: it is taken back.
    Undo(u64),
    /// A connection attaches one view.
    Attach(AttachRequest, Reply<Result<(), Error>>),
    /// A connection takes one view away.
    Detach(ClientUuid, ViewId, Reply<()>),
    /// A view that decides about the size has another one.
    ViewSize(ClientUuid, Size),
    /// This is known of the terminal of a view that decides about the size.
    ViewTerminal(ClientUuid, TerminalFacts),
    /// The person at a client typed or clicked: the size is theirs from now on.
    Typed(ClientUuid),
    /// An orchestration needs the session to stay.
    Acquire(OrchestrationUuid, Reply<Result<(), Error>>),
    /// It needs it no more.
    Release(OrchestrationUuid, Reply<()>),
    /// A test wants to see the actor fail.
    #[cfg(debug_assertions)]
    Crash,
}

/// One view of a connection.
#[derive(Clone)]
pub struct AttachRequest {
    /// The connection.
    pub client: ClientUuid,
    /// The view's number within it.
    pub view: ViewId,
    /// Its actor, whose end is the end of all its views.
    pub address: Address<ClientMsg>,
    /// The view's size, unless it only looks.
    pub size: Option<Size>,
    /// What the session learns of the person's login.
    pub login: BTreeMap<String, Option<String>>,
    /// What is known of its terminal.
    pub terminal: TerminalFacts,
}
