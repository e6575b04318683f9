//! A session's beginning and end: atomic by name, complete on every way out.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use protocol::reply::PaneEnd;
use protocol::{Error, ErrorCode, OrchestrationUuid};
use supervisor::Reply;

use super::child;
use crate::children;
use crate::pane;
use crate::registry::Claim;
use crate::server::Server;
use crate::session::{Phase, SessionEntry, SessionMsg};
use crate::step::step;
use model::session::snapshot::SessionSnapshot;

pub(crate) use super::ask::{SESSION_LIMIT, ask, ask_again, leave, tell};

/// Starts the actors of a session whose name is claimed. On failure the name is free again.
///
/// # Errors
/// `internal` when its supervisor refuses, `limit` when there are too many sessions.
pub(crate) async fn start(server: &Arc<Server>, entry: &Arc<SessionEntry>) -> Result<(), Error> {
    let unfilled = Unfilled::new(server, entry);
    let started = start_actors(server, entry).await;
    unfilled.settled();
    if started.is_err() {
        server.registry.remove_session(entry);
        let _ = server.store.forget_session(entry.id);
    }
    started
}

async fn start_actors(server: &Arc<Server>, entry: &Arc<SessionEntry>) -> Result<(), Error> {
    server.mark_unfinished();
    step!("session: its actors")?;
    let sessions = server.sessions.get();
    let sessions = sessions.ok_or_else(|| children::supervisor_away("sessions"))?;
    sessions
        .start_child(child::spec(server, entry))
        .await
        .map_err(|error| children::start_error("session", &error))?;
    entry.advance(Phase::Live);
    Ok(())
}

/// Starts the actors of a session that an earlier daemon has left, as often as it takes: its programs live.
pub(crate) async fn start_again(server: &Arc<Server>, entry: &Arc<SessionEntry>) {
    const PAUSE: Duration = Duration::from_secs(1);
    let Err(error) = start_once(server, entry).await else {
        return;
    };
    tracing::error!(session_id = %entry.id, error, "a session cannot be started again now; it is tried on");
    let (server, entry) = (Arc::clone(server), Arc::clone(entry));
    tokio::spawn(async move {
        while *entry.phase().borrow() == Phase::Starting {
            tokio::time::sleep(PAUSE).await;
            let _ = start_once(&server, &entry).await;
        }
    });
}

async fn start_once(server: &Arc<Server>, entry: &Arc<SessionEntry>) -> Result<(), String> {
    let (server, entry) = (Arc::clone(server), Arc::clone(entry));
    // A task of its own, so that a panic in it is seen here.
    let starting = tokio::spawn(async move {
        start_actors(&server, &entry).await?;
        if entry.snapshot().windows.is_empty() && entry.snapshot().leases.is_empty() {
            end(&server, &entry).await;
        }
        Ok::<(), Error>(())
    });
    match starting.await {
        Ok(started) => started.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// A session that has a name, and no actors or no pane yet. Unless that is settled, it is ended: also by a panic on the way.
pub(crate) struct Unfilled(Option<(Arc<Server>, Arc<SessionEntry>)>);

impl Unfilled {
    pub(crate) fn new(server: &Arc<Server>, entry: &Arc<SessionEntry>) -> Self {
        Self(Some((Arc::clone(server), Arc::clone(entry))))
    }

    /// It is there, or somebody else ends it.
    pub(crate) fn settled(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfilled {
    fn drop(&mut self) {
        if let Some((server, entry)) = self.0.take() {
            end_in_background(&server, &entry);
        }
    }
}

/// The session with the snapshot's name, started if there is none. Two callers get the same one.
/// The flag is true for the caller whose session it is. The session is held for `orchestration`.
///
/// # Errors
/// As [`start`]; `busy` when a session of that name keeps ending while this asks for it.
pub(crate) async fn find_or_create(
    server: &Arc<Server>,
    make: impl Fn() -> SessionSnapshot,
    orchestration: OrchestrationUuid,
) -> Result<(Arc<SessionEntry>, bool), Error> {
    const TRIES: usize = 20;
    let mut name = None;
    for _ in 0..TRIES {
        let mut snapshot = make();
        // Held from the first moment, so that it cannot end before its first pane.
        snapshot.leases.insert(orchestration);
        name = Some(snapshot.name.clone());
        match server.registry.claim(snapshot) {
            Claim::Ours(entry) => {
                start(server, &entry).await?;
                return Ok((entry, true));
            }
            Claim::Taken(entry) => {
                wait_for(&entry, |phase| phase != Phase::Starting).await;
                if acquire(&entry, orchestration).await.is_ok() {
                    return Ok((entry, false));
                }
                wait_for_removal(server, &entry).await;
            }
        }
    }
    let name = name.map_or_else(String::new, |name| name.to_string());
    Err(Error::new(
        ErrorCode::Busy,
        format!("session {name} is being started and ended again and again"),
    )
    .hint("use another name"))
}

/// Makes a session stay until `orchestration` releases its lease.
///
/// # Errors
/// `not_found` when it is ending.
pub(crate) async fn acquire(
    entry: &SessionEntry,
    orchestration: OrchestrationUuid,
) -> Result<(), Error> {
    let acquired = ask_again(entry, |reply| SessionMsg::Acquire(orchestration, reply))
        .await
        .flatten();
    if acquired.is_err() {
        // An actor that has not answered may carry it out later; this comes after it.
        tell(
            entry,
            SessionMsg::Release(orchestration, Reply::channel().0),
        )
        .await;
    }
    acquired
}

/// Releases the lease of `orchestration`: the session may end from here on.
pub(crate) async fn release(session: &SessionEntry, orchestration: OrchestrationUuid) {
    const TRIES: usize = 10;
    for _ in 0..TRIES {
        let released = ask(session, |reply| SessionMsg::Release(orchestration, reply)).await;
        let is_held = session.snapshot().leases.contains(&orchestration);
        // An actor that failed in between may have lost it.
        if released.is_ok() || !is_held || *session.phase().borrow() == Phase::Ended {
            return;
        }
    }
    tracing::error!(session_id = %session.id, orchestration_id = %orchestration, "the session cannot be let go");
}

async fn wait_for(entry: &SessionEntry, until: impl Fn(Phase) -> bool) {
    let mut phase = entry.phase();
    let reached = phase.wait_for(|phase| until(*phase));
    // On a time-out the caller looks again, and gives up after its tries.
    let _ = tokio::time::timeout(SESSION_LIMIT, reached).await;
}

/// Waits until the name of an ending session is free.
async fn wait_for_removal(server: &Server, entry: &SessionEntry) {
    wait_for(entry, |phase| phase == Phase::Ended).await;
    let removed = server
        .registry
        .until(|registry| registry.session(entry.id).is_none());
    let _ = tokio::time::timeout(SESSION_LIMIT, removed).await;
}

/// Ends a session without anybody waiting for it.
pub(crate) fn end_in_background(server: &Arc<Server>, entry: &Arc<SessionEntry>) {
    // At once: nobody may hold it or put a pane into it from here on.
    if entry.advance(Phase::Ended) {
        let server = Arc::clone(server);
        let entry = Arc::clone(entry);
        tokio::spawn(async move { take_down(&server, &entry).await });
    }
}

/// Ends a session: its panes by their recipes, side by side, then its actors. Of several callers one
/// does it and the others get no ends.
pub(crate) async fn end(server: &Arc<Server>, entry: &Arc<SessionEntry>) -> Option<Vec<PaneEnd>> {
    match entry.advance(Phase::Ended) {
        true => Some(take_down(server, entry).await),
        false => None,
    }
}

async fn take_down(server: &Arc<Server>, entry: &Arc<SessionEntry>) -> Vec<PaneEnd> {
    let panes = server
        .registry
        .panes()
        .into_iter()
        .filter(|pane| pane.session == entry.id);
    let mut panes: Vec<_> = panes.collect();
    panes.sort_by_key(|pane| pane.id);
    let ends = join_all(panes.iter().map(|pane| pane::close(server, pane, false))).await;
    if let Some(sessions) = server.sessions.get()
        && let Err(error) = sessions.terminate_child(child::id(entry.id)).await
    {
        tracing::warn!(session_id = %entry.id, %error, "the session's actors did not end");
    }
    server.registry.remove_session(entry);
    let _ = server.store.forget_session(entry.id).wait().await;
    tracing::info!(session = %entry.snapshot().name, session_id = %entry.id, panes = ends.len(), "session ended");
    ends
}
