//! Every operation of several steps, its steps by their names in the code, and which faults each can have.

/// What is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A pane in a session that is there.
    Start,
    /// A layout of two panes.
    Layout,
    /// A session with its first pane.
    NewSession,
    /// A pane by a request with an idempotency key, which is sent again.
    Keyed,
    /// The next life of a program that ends.
    Restart,
    /// The next life of a program that somebody asks to be started again.
    Ask,
    /// A pane is closed.
    Close,
    /// The next daemon takes a pane over.
    Adopt,
    /// It takes one over whose keeper was stopped first.
    Reach,
    /// A pane gets another name.
    RenamePane,
    /// A session does.
    RenameSession,
    /// A window does.
    RenameWindow,
    /// A session gets a variable, a note and a tag.
    SetSession,
    /// Commands are run, and cleaned up after.
    Run,
    /// A run is cancelled while its command runs.
    Cancel,
}

/// Which faults a step can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All: it fails, is slow, panics, and the daemon is killed there.
    Fails,
    /// All but a failure: it can only panic.
    Sure,
}

use Kind::{Fails, Sure};
use Operation::{
    Adopt, Ask, Cancel, Close, Keyed, Layout, NewSession, Reach, RenamePane, RenameSession,
    RenameWindow, Restart, Run, SetSession, Start,
};

/// The name of the step that each commit of the database is.
const COMMIT: &str = "commit: it is written";

/// The name of the step between a change of a session and its answer.
const CHANGE: &str = "change: it is recorded";

/// The table.
pub const TABLE: &[(Operation, &str, Kind)] = &[
    (Start, "start: its terminal", Fails),
    (Start, "start: its actor", Fails),
    (Start, "start: its place", Fails),
    (Start, CHANGE, Fails),
    (Start, COMMIT, Fails),
    (Layout, "start: its terminal", Fails),
    (Layout, "layout: its places", Fails),
    (Layout, CHANGE, Fails),
    (NewSession, "session: its actors", Fails),
    (NewSession, "start: its terminal", Fails),
    (NewSession, "start: its actor", Fails),
    (NewSession, "start: its place", Fails),
    (NewSession, CHANGE, Fails),
    (NewSession, COMMIT, Fails),
    (Keyed, "key: it is recorded", Fails),
    (Keyed, "key: its answer is recorded", Sure),
    (Keyed, "start: its place", Fails),
    (Keyed, COMMIT, Fails),
    (Restart, "restart: its last life is over", Fails),
    (Restart, "restart: its terminal", Fails),
    (Restart, "restart: it is recorded", Sure),
    (Restart, COMMIT, Fails),
    (Ask, "restart: it is asked for", Sure),
    (Ask, "restart: its last life is over", Fails),
    (Ask, "restart: its terminal", Fails),
    (Ask, "restart: it is recorded", Sure),
    (Ask, COMMIT, Fails),
    (Close, "close: it is recorded", Sure),
    (Close, "close: its program is ended", Sure),
    (Close, "close: its keeper is let go", Sure),
    (Close, "close: it is removed", Sure),
    (Close, "close: it is taken out", Sure),
    (Close, "close: its end is told", Sure),
    (Close, COMMIT, Fails),
    (Adopt, "adopt: its keeper is asked", Fails),
    (Adopt, "adopt: its screen is entered", Fails),
    (Adopt, "session: its actors", Fails),
    (Adopt, COMMIT, Fails),
    (Reach, "adopt: it is taken up", Fails),
    (RenamePane, "rename: it is recorded", Fails),
    (RenamePane, COMMIT, Fails),
    (RenameSession, CHANGE, Fails),
    (RenameSession, COMMIT, Fails),
    (RenameWindow, CHANGE, Fails),
    (RenameWindow, COMMIT, Fails),
    (SetSession, CHANGE, Fails),
    (SetSession, COMMIT, Fails),
    (Run, "run: it is recorded", Fails),
    (Run, "run: its actor", Fails),
    (Run, "session: its actors", Fails),
    (Run, "start: its place", Fails),
    (Run, "run: its pane is closed", Sure),
    (Run, "run: its session is let go", Sure),
    (Run, COMMIT, Fails),
    (Cancel, "run: its stop is recorded", Sure),
    (Cancel, "run: its pane is closed", Sure),
    (Cancel, "run: its session is let go", Sure),
];
