//! Requests that fill a window: whole layouts and mirrors.

mod show;

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::Error;
use protocol::reply::{LayoutCreated, LayoutPane, PaneMirrored};
use protocol::request::{CreateLayout, MirrorPane};

use super::pane::{begin_cursor, checked_ratio, session_and_window};
use crate::registry::Caller;
use crate::server::Server;
use crate::session::mirror::{self, MirrorOrder};
use crate::spawn::group::{LayoutOrder, spawn_layout};
use model::session::change::Place;
use model::session::layout::Rect;

pub(super) use show::get;

pub(super) async fn create(
    server: &Arc<Server>,
    caller: &Caller,
    params: CreateLayout,
) -> Result<LayoutCreated, Error> {
    if params.window.is_some() && params.name.is_some() {
        return Err(
            Error::invalid("name is the name of a new window, and window was given too")
                .hint("give one of them"),
        );
    }
    let (session, window) = (params.session.as_ref(), params.window.as_ref());
    let (session, window) = session_and_window(server, caller, session, window)?;
    let order = LayoutOrder {
        session: Arc::clone(&session),
        window,
        name: params.name,
        layout: params.layout,
        select: params.select,
    };
    let (window_id, panes) = spawn_layout(server, order).await?;
    let snapshot = session.snapshot();
    let window = snapshot.window(window_id);
    let rects: BTreeMap<_, Rect> = window
        .map(|window| window.rects(snapshot.size).into_iter().collect())
        .unwrap_or_default();
    let pane = |pane: &Arc<crate::pane::PaneEntry>| {
        // A program that has ended already may have taken its pane with it.
        let rect = rects.get(&pane.id).copied();
        LayoutPane {
            pane_id: pane.id,
            number: pane.record.number.told(),
            name: pane.name().map(|name| protocol::Name::clone(&name)),
            pid: pane.process().pid,
            cursor: begin_cursor(),
            row: rect.map_or(0, |rect| rect.row),
            col: rect.map_or(0, |rect| rect.col),
            size: rect.map_or_else(|| pane.io.size(), |rect| rect.size),
        }
    };
    Ok(LayoutCreated {
        context: session.context(&server.name),
        window_id,
        panes: panes.iter().map(pane).collect(),
    })
}

pub(super) async fn mirror(
    server: &Arc<Server>,
    caller: &Caller,
    params: MirrorPane,
) -> Result<PaneMirrored, Error> {
    let of = server.registry.find_pane(&params.pane, caller)?;
    let ratio = checked_ratio(params.ratio.unwrap_or(0.5))?;
    if params.new_window && params.window.is_some() {
        return Err(
            Error::invalid("new_window was given together with window").hint("give one of them")
        );
    }
    let (session, window) = (params.session.as_ref(), params.window.as_ref());
    let (session, window) = session_and_window(server, caller, session, window)?;
    let place = if params.new_window {
        Place::NewWindow {
            name: params.name.clone(),
        }
    } else {
        Place::Beside {
            window,
            pane: None,
            direction: params.direction,
            ratio,
        }
    };
    let order = MirrorOrder {
        session: Arc::clone(&session),
        of,
        name: params.name,
        place,
        select: params.select,
    };
    let (mirror, window_id) = mirror::make(server, order).await?;
    Ok(PaneMirrored {
        context: session.context(&server.name),
        window_id,
        pane_id: mirror.id,
        number: mirror.number.told(),
        mirror_of: mirror.of.id,
    })
}
