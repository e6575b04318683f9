//! Requests about sessions and windows.

use std::sync::Arc;

use protocol::reply::{Killed, PaneCreated, SessionDetail, Sessions, WindowInfo, Windows};
use protocol::request::{
    CreateSession, CreateWindow, GetSession, KillSession, ListWindows, UpdateSession, UpdateWindow,
};
use protocol::{Error, ErrorCode, OrchestrationUuid};

use super::guard;
use crate::cwd::default_cwd;
use crate::registry::{Caller, Claim, name_taken};
use crate::server::Server;
use crate::session::SessionEntry;
use crate::session::SessionMsg;
use crate::session::life;
use crate::spawn::{self, SpawnOrder, checked_cwd};
use model::session::change::{Change, Place};

pub(super) async fn create(
    server: &Arc<Server>,
    params: CreateSession,
) -> Result<PaneCreated, Error> {
    let size = params.size.unwrap_or_default().checked()?;
    let cwd = match &params.pane.cwd {
        Some(cwd) => checked_cwd(cwd)?,
        None => default_cwd(server),
    };
    let tags = UpdateSession {
        tags: Some(params.tags),
        ..UpdateSession::default()
    };
    // Nobody's orchestration: it only keeps the session until its first pane is in place.
    let lease = OrchestrationUuid::new();
    let claimed = loop {
        let name = params.name.clone();
        let name = name.unwrap_or_else(|| server.registry.free_name());
        let environment = params.environment.clone();
        let snapshot = server.new_session(name, environment, cwd.clone(), size);
        let mut snapshot = snapshot.changed(Change::Session(tags.clone()))?;
        snapshot.leases.insert(lease);
        match server.registry.claim(snapshot) {
            Claim::Ours(entry) => break entry,
            Claim::Taken(holder) => {
                if let Some(name) = &params.name {
                    return Err(name_taken(name, holder.id));
                }
            }
        }
    };
    life::start(server, &claimed).await?;
    let name = params.window_name;
    let order = SpawnOrder::terminal(&claimed, params.pane, Place::NewWindow { name }, true);
    let unfilled = life::Unfilled::new(server, &claimed);
    let created = spawn::spawn(server, order).await;
    unfilled.settled();
    match created {
        Ok(spawned) => {
            let reply = pane_created(server, &claimed, &spawned).await;
            life::release(&claimed, lease).await;
            reply
        }
        Err(error) => {
            life::end(server, &claimed).await;
            Err(error)
        }
    }
}

/// The answer for a pane that was just made.
pub(super) async fn pane_created(
    server: &Arc<Server>,
    session: &SessionEntry,
    spawned: &spawn::Spawned,
) -> Result<PaneCreated, Error> {
    Ok(PaneCreated {
        context: session.context(&server.name),
        window_id: spawned.window,
        pane_id: spawned.entry.id,
        number: spawned.entry.record.number.told(),
        pid: spawned.entry.process().pid,
        cursor: super::pane::begin_cursor(),
    })
}

pub(super) async fn list(server: &Arc<Server>) -> Result<Sessions, Error> {
    let active = server.registry.active_session().map(|session| session.id);
    Ok(Sessions {
        server: server.name.clone(),
        sessions: server
            .registry
            .sessions()
            .iter()
            .map(|session| session.info(active == Some(session.id)))
            .collect(),
    })
}

pub(super) async fn get(
    server: &Arc<Server>,
    caller: &Caller,
    params: GetSession,
) -> Result<SessionDetail, Error> {
    let session = server
        .registry
        .session_or_default(params.session.as_ref(), caller)?;
    Ok(detail(server, &session))
}

fn detail(server: &Server, session: &SessionEntry) -> SessionDetail {
    let snapshot = session.snapshot();
    let active = server.registry.active_session().map(|active| active.id);
    SessionDetail {
        session: session.info(active == Some(session.id)),
        context: snapshot.context(&server.name),
        environment: snapshot.environment.changes.clone(),
        metadata: snapshot.metadata.clone(),
        windows: snapshot.window_infos(),
        clients: snapshot.clients.keys().copied().collect(),
    }
}

pub(super) async fn update(
    server: &Arc<Server>,
    caller: &Caller,
    params: UpdateSession,
) -> Result<SessionDetail, Error> {
    let session = server
        .registry
        .session_or_default(params.session.as_ref(), caller)?;
    change(&session, Change::Session(params)).await?;
    Ok(detail(server, &session))
}

/// Asks the session's actor for a change.
pub(super) async fn change(session: &SessionEntry, change: Change) -> Result<(), Error> {
    let change = Box::new(change);
    life::ask(session, |reply| SessionMsg::Change(change, reply)).await?
}

pub(super) async fn kill(
    server: &Arc<Server>,
    caller: &Caller,
    params: KillSession,
) -> Result<Killed, Error> {
    let session = server.registry.find_session(&params.session)?;
    if params.guarded {
        guard::session(server, caller, &session)?;
    }
    let context = session.context(&server.name);
    let Some(panes) = life::end(server, &session).await else {
        return Err(Error::new(
            ErrorCode::NotFound,
            format!("session {} is being ended already", context.session_name),
        )
        .hint("`fugue ls` or fugue_list_sessions shows when it is gone"));
    };
    super::pane::recorded(server, "the session").await?;
    Ok(Killed {
        context,
        session_ended: true,
        panes,
    })
}

pub(super) async fn create_window(
    server: &Arc<Server>,
    caller: &Caller,
    params: CreateWindow,
) -> Result<PaneCreated, Error> {
    let session = server
        .registry
        .session_or_default(params.session.as_ref(), caller)?;
    let place = Place::NewWindow { name: params.name };
    let order = SpawnOrder::terminal(&session, params.pane, place, params.select);
    let spawned = spawn::spawn(server, order).await?;
    pane_created(server, &session, &spawned).await
}

pub(super) async fn list_windows(
    server: &Arc<Server>,
    caller: &Caller,
    params: ListWindows,
) -> Result<Windows, Error> {
    let session = server
        .registry
        .session_or_default(params.session.as_ref(), caller)?;
    Ok(Windows {
        context: session.context(&server.name),
        windows: session.snapshot().window_infos(),
    })
}

pub(super) async fn update_window(
    server: &Arc<Server>,
    caller: &Caller,
    params: UpdateWindow,
) -> Result<WindowInfo, Error> {
    let within = match &params.session {
        Some(session) => Some(server.registry.find_session(session)?),
        None => None,
    };
    let (session, window) = server
        .registry
        .find_window(&params.window, within.as_ref(), caller)?;
    let wanted = Change::Window {
        window,
        name: params.name,
        select: params.select,
    };
    change(&session, wanted).await?;
    let context = session.context(&server.name);
    session
        .snapshot()
        .window_infos()
        .into_iter()
        .find(|info| info.window_id == window)
        .map(|info| WindowInfo {
            context: Some(context),
            ..info
        })
        .ok_or_else(|| Error::new(ErrorCode::NotFound, format!("window {window} is gone")))
}
