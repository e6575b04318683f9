//! The guard of what an ordinary call does not end: the caller itself, and what people look at.

use protocol::{Error, ErrorCode};

use crate::registry::{Caller, Leaf};
use crate::server::Server;
use crate::session::SessionEntry;

/// The hint of what to do instead.
const HINT: &str = "force ends it all the same";

/// Refuses to end the session of the caller, or one that somebody is attached to.
///
/// # Errors
/// `denied` with the reason.
pub(super) fn session(
    server: &Server,
    caller: &Caller,
    session: &SessionEntry,
) -> Result<(), Error> {
    let name = session.snapshot().name.clone();
    let own = server.registry.callers_session(caller);
    if own.is_some_and(|own| own.id == session.id) {
        return Err(denied(format!(
            "session {name} was not ended, because the caller runs in it"
        )));
    }
    watched(session, &format!("session {name} was not ended"))
}

/// Refuses to close the pane in which the caller runs, or the last pane of a session that somebody is attached to.
///
/// # Errors
/// `denied` with the reason.
pub(super) fn pane(
    server: &Server,
    caller: &Caller,
    leaf: &Leaf,
    session: &SessionEntry,
) -> Result<(), Error> {
    // A mirror is a view: its end ends nobody.
    let Leaf::Pane(pane) = leaf else {
        return Ok(());
    };
    if caller.pane == Some(pane.id) {
        return Err(denied(format!(
            "pane {} was not closed, because the caller runs in it",
            pane.shown()
        )));
    }
    let snapshot = session.snapshot();
    let panes = snapshot.windows.iter().map(|window| window.layout.panes());
    let last = panes.flatten().all(|id| id == pane.id);
    match last && snapshot.leases.is_empty() && server.registry.pane(pane.id).is_some() {
        true => {
            let pane = pane.shown();
            let name = &snapshot.name;
            let what = format!("pane {pane}, the last one of session {name}, was not closed");
            watched(session, &what)
        }
        false => Ok(()),
    }
}

/// Refuses what ends a session that somebody looks at; `what` was then not done.
fn watched(session: &SessionEntry, what: &str) -> Result<(), Error> {
    let snapshot = session.snapshot();
    let who = match snapshot.attached_clients() {
        0 => return Ok(()),
        1 => "somebody is".to_owned(),
        count => format!("{count} clients are"),
    };
    Err(denied(format!("{what}, because {who} attached to it")))
}

fn denied(message: String) -> Error {
    Error::new(ErrorCode::Denied, message).hint(HINT)
}
