//! The guard of what an ordinary call does not end: the caller itself, and what people look at.

use protocol::{Error, ErrorCode};

use crate::registry::{Caller, Leaf};
use crate::server::Server;
use crate::session::SessionEntry;

/// The hint of what to do instead.
const HINT: &str = "nothing was ended; with force it is (`--force`), without a second question";

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
            "session {name} is the caller's own: its end would end the caller"
        )));
    }
    watched(session)
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
            "pane {} is the caller's own: its end would end the caller",
            pane.id
        )));
    }
    let snapshot = session.snapshot();
    let panes = snapshot.windows.iter().map(|window| window.layout.panes());
    let last = panes.flatten().all(|id| id == pane.id);
    match last && snapshot.leases.is_empty() && server.registry.pane(pane.id).is_some() {
        true => watched(session),
        false => Ok(()),
    }
}

fn watched(session: &SessionEntry) -> Result<(), Error> {
    let snapshot = session.snapshot();
    match snapshot.attached_clients() {
        0 => Ok(()),
        1 => Err(denied(format!(
            "somebody is attached to session {}, which would end",
            snapshot.name
        ))),
        count => Err(denied(format!(
            "{count} clients are attached to session {}, which would end",
            snapshot.name
        ))),
    }
}

fn denied(message: String) -> Error {
    Error::new(ErrorCode::Denied, message).hint(HINT)
}
