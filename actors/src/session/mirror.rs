//! Mirrors: how they are made and closed.

use std::sync::Arc;

use protocol::reply::PaneEnd;
use protocol::{Error, ErrorCode, Name, WindowUuid};

use super::SessionMsg;
use super::life;
use crate::pane::PaneEntry;
use crate::registry::Mirror;
use crate::server::Server;
use crate::session::SessionEntry;
use crate::spawn::room;
use model::session::change::{Place, Placement};
use removal::remove;

mod removal;

pub(crate) use removal::pane_gone;

/// A mirror to be made, and where.
pub(crate) struct MirrorOrder {
    /// In this session.
    pub session: Arc<SessionEntry>,
    /// The pane to show.
    pub of: Arc<PaneEntry>,
    /// Its label.
    pub name: Option<Name>,
    /// Its place.
    pub place: Place,
    /// It becomes the focused one.
    pub select: bool,
}

/// Puts a mirror into its place. On failure nothing of it is left.
///
/// # Errors
/// `limit` when there are too many panes or no room, `pane_exited` when the pane goes meanwhile.
pub(crate) async fn make(
    server: &Arc<Server>,
    order: MirrorOrder,
) -> Result<(Arc<Mirror>, WindowUuid), Error> {
    let slot = room(server).await?;
    let of = Arc::clone(&order.of);
    let mirror = Arc::new(Mirror::new(
        order.session.id,
        server.registry.numbers().pane(),
        order.of,
        order.name,
        slot,
    ));
    let placement = Placement {
        pane: mirror.id,
        place: order.place,
        select: order.select,
    };
    // Entered first: a session's actor that restarts keeps only the leaves that are known.
    server.registry.insert_mirror(Arc::clone(&mirror));
    // Written at the latest with its place, which is waited for.
    let _ = server.store.save(&mirror);
    let placed = life::ask(&order.session, |reply| SessionMsg::Place(placement, reply)).await;
    match placed.and_then(|placed| placed) {
        Ok(window) if server.registry.pane(of.id).is_some() => Ok((mirror, window)),
        Ok(_) => {
            // The pane's end may have come between and found no place to take out.
            remove(server, &mirror).await;
            Err(Error::new(
                ErrorCode::PaneExited,
                format!("pane {} was closed meanwhile", of.shown()),
            ))
        }
        Err(error) => {
            remove(server, &mirror).await;
            Err(error)
        }
    }
}

/// Closes a mirror; the program it shows goes on.
pub(crate) async fn close(server: &Arc<Server>, mirror: &Mirror) -> PaneEnd {
    remove(server, mirror).await;
    PaneEnd {
        pane_id: mirror.id,
        number: mirror.number.told(),
        ..mirror.of.end(Vec::new())
    }
}
