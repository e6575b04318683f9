//! Several panes in one layout: all of them, or none.

use std::sync::Arc;

use futures_util::future::{FutureExt, join_all};
use futures_util::stream::{self, StreamExt};
use protocol::request::{LayoutNode, PaneSpec};
use protocol::{Error, Name, PaneUuid, WindowUuid};

use super::started::Unplaced;
use super::{Begun, Plan, SpawnOrder, ask_session, begin, plan, room, start_actor, watch};
use crate::pane::{self, PaneEntry};
use crate::server::Server;
use crate::session::SessionEntry;
use crate::session::SessionMsg;
use crate::step::step;
use model::session::change::{Place, Placement};
use model::session::layout::Layout;
use model::session::layout::plan::checked;

/// Programs started at the same time: more gain nothing on the machines this runs on.
const AT_ONCE: usize = 8;

/// A layout to be made, and where.
pub(crate) struct LayoutOrder {
    /// In this session.
    pub session: Arc<SessionEntry>,
    /// In the right half of this window; a window of its own when absent.
    pub window: Option<WindowUuid>,
    /// The name of the window of its own.
    pub name: Option<Name>,
    /// The panes and their places.
    pub layout: LayoutNode,
    /// Its first pane becomes the focused one.
    pub select: bool,
}

/// Starts all programs of a layout and puts them into their places in one step. On failure nothing
/// of any of them is left.
///
/// # Errors
/// As for one pane, with the place in the layout in front; `invalid_argument` for a malformed layout,
/// `limit` for one that the window has no room for.
pub(crate) async fn spawn_layout(
    server: &Arc<Server>,
    order: LayoutOrder,
) -> Result<(WindowUuid, Vec<Arc<PaneEntry>>), Error> {
    let places = checked(&order.layout)?;
    let ids: Vec<PaneUuid> = places.iter().map(|_| PaneUuid::new()).collect();
    let placement = Placement {
        pane: ids[0],
        place: Place::Layout {
            window: order.window,
            name: order.name,
            layout: Layout::planned(&order.layout, &ids)?,
        },
        select: order.select,
    };
    let (planned, _) = order.session.snapshot().placed(&placement)?;
    let sizes = planned.pane_sizes();
    let mut plans = Vec::with_capacity(ids.len());
    for ((id, spec), path) in ids.iter().zip(order.layout.panes()).zip(&places) {
        let plan = planned_pane(server, &order.session, *id, spec);
        plans.push((plan.map_err(|error| at(path, error))?, path));
    }
    let mut slots = Vec::with_capacity(plans.len());
    for _ in &plans {
        slots.push(room(server).await?);
    }
    let mut starts = Vec::with_capacity(plans.len());
    for ((plan, path), slot) in plans.into_iter().zip(slots) {
        let size = sizes.get(&plan.id).copied().unwrap_or(planned.size);
        let started = begin(server, &order.session, plan, slot, size);
        starts.push(async move { started.await.map_err(|error| at(path, error)) }.boxed());
    }
    let starts = stream::iter(starts).buffered(AT_ONCE);
    let begun: Vec<Result<Begun, Error>> = starts.collect().await;
    let mut panes = Vec::with_capacity(begun.len());
    let mut unplaced = Vec::with_capacity(begun.len());
    let mut failed = None;
    for result in begun {
        match result {
            Ok(begun) => {
                panes.push(begun.entry);
                unplaced.push(begun.unplaced);
            }
            Err(error) => {
                failed.get_or_insert(error);
            }
        }
    }
    let settled = match failed {
        Some(error) => Err(error),
        None => settle_all(server, &order.session, &panes, placement).await,
    };
    unplaced.into_iter().for_each(Unplaced::settled);
    match settled {
        Ok(window) => Ok((window, panes)),
        Err(error) => {
            // Watched, so that their ends are known at once.
            panes.iter().for_each(|pane| watch(server, pane));
            join_all(panes.iter().map(|pane| pane::close(server, pane, true))).await;
            Err(error)
        }
    }
}

fn planned_pane(
    server: &Server,
    session: &Arc<SessionEntry>,
    id: PaneUuid,
    spec: &PaneSpec,
) -> Result<Plan, Error> {
    let place = Place::NewWindow { name: None };
    let order = SpawnOrder::terminal(session, spec.clone(), place, false);
    plan(server, id, &order)
}

async fn settle_all(
    server: &Arc<Server>,
    session: &Arc<SessionEntry>,
    panes: &[Arc<PaneEntry>],
    placement: Placement,
) -> Result<WindowUuid, Error> {
    for pane in panes {
        start_actor(server, session, pane).await?;
    }
    step!("layout: its places")?;
    let place = |reply| SessionMsg::Place(placement, reply);
    let window = ask_session(server, session, place).await?;
    for pane in panes {
        watch(server, pane);
    }
    Ok(window)
}

/// The error with the place in the layout that it is about.
fn at(path: &str, mut error: Error) -> Error {
    error.message = format!("{path}: {}", error.message);
    error.hint = error
        .hint
        .replacen("no pane was made", "no pane of the layout was made", 1);
    error
}

#[cfg(test)]
mod tests;
