//! Keepers that show themselves after everything else was adopted: of panes that nobody was told of, or of another database.

use std::sync::Arc;
use std::time::Duration;

use protocol::{Error, PaneUuid, Size};
use uuid::Uuid;

use super::enter::{Candidate, Reach, enter};
use super::{end_keeper, keepers, session_for, stored};
use crate::pane::{self, KeeperMeta};
use crate::registry::Claim;
use crate::server::Server;
use crate::session::life::{self, Unfilled};
use crate::spawn;
use keeper_link::{AdoptedPane, Expected};
use model::pane::StoredPane;
use model::session::change::{Place, Placement};

/// The times to look again for keepers of the earlier daemon: one that was being started when that daemon died may show
/// itself late.
const LATE: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(3),
    Duration::from_secs(20),
];

/// And then so often, as long as there is one that does not answer.
const LATER: Duration = Duration::from_secs(30);

/// Looks for them. `store` is the database that was read: only of what it was told can it be known that it was not told.
pub(super) fn look_again(server: &Arc<Server>, store: Option<Uuid>) {
    let server = Arc::clone(server);
    let now = PaneUuid::new();
    tokio::spawn(async move {
        let begun = tokio::time::Instant::now();
        let mut silent = 0;
        for late in LATE {
            tokio::time::sleep_until(begun + late).await;
            silent = look(&server, store, now).await;
        }
        while silent > 0 {
            tokio::time::sleep(LATER).await;
            silent = look(&server, store, now).await;
        }
    });
}

/// Looks once; how many do not answer.
async fn look(server: &Arc<Server>, store: Option<Uuid>, now: PaneUuid) -> usize {
    // Ids are ordered by time: a later one is this daemon's own.
    let wanted = |id: PaneUuid| {
        let has_none = server.registry.pane(id).is_none() && !server.unrecorded.has(id);
        let is_wanted = id < now && has_none;
        is_wanted.then(Expected::default)
    };
    let found = keepers::connect(&server.paths, wanted).await;
    for (id, keeper) in found.keepers {
        match KeeperMeta::decode(&keeper.meta) {
            Err(error) => {
                tracing::error!(pane_id = %id, %error, "a keeper of an unknown kind is left alone");
            }
            Ok(meta) if meta.store.is_some() && meta.store == store => {
                tracing::warn!(pane_id = %id, "a pane whose creation nobody was told of is ended");
                end_keeper(server, id, keeper.keeper);
            }
            Ok(meta) => {
                if let Err(error) = take_in(server, id, meta, keeper).await {
                    tracing::error!(pane_id = %id, %error, "a pane has no place");
                }
            }
        }
    }
    found.away.len()
}

/// A pane that another database has known gets a window of its own. One that gets none is known by its id.
async fn take_in(
    server: &Arc<Server>,
    id: PaneUuid,
    meta: KeeperMeta,
    keeper: AdoptedPane,
) -> Result<(), Error> {
    tracing::warn!(pane_id = %id, session = %meta.session_name, "a pane is taken in by what its keeper knows");
    let pane = stored(id, meta);
    let mut unfilled = None;
    let session = match server.registry.session(pane.session) {
        Some(session) => session,
        None => match server.registry.claim(session_for(server, &pane)) {
            Claim::Ours(session) => {
                life::start(server, &session).await?;
                unfilled = Some(Unfilled::new(server, &session));
                session
            }
            Claim::Taken(session) => session,
        },
    };
    let registry = &server.registry;
    let mut record = pane.record;
    let others = registry.leaves().into_iter().map(|leaf| leaf.number());
    let mut numbers: Vec<_> = others.chain([record.number]).collect();
    registry.numbers().note_panes(numbers.iter_mut());
    record.number = numbers.pop().unwrap_or_default();
    let candidate = Candidate {
        pane: StoredPane {
            record,
            session: session.id,
            ..pane
        },
        reach: Reach::Answers(Box::new(keeper)),
        size: Size::default(),
    };
    let entry = enter(server, candidate, false);
    let placement = Placement {
        pane: id,
        place: Place::NewWindow { name: None },
        select: false,
    };
    let settled = spawn::settle(server, &session, &entry, placement).await;
    // Whatever has failed: it has been entered, and no shortage of this daemon ends a program. Its place may still be given late.
    if let Some(unfilled) = unfilled {
        unfilled.settled();
    }
    if entry.state().borrow().unreachable().is_none() {
        pane::life::watch_life(server, &entry, &entry.process());
    }
    settled.map(drop)
}
