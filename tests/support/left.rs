//! What is left of a daemon's work that nobody owns.

use std::collections::BTreeSet;

use protocol::reply::{PaneInfo, SessionInfo};
use protocol::request::{ClosePane, CreatePane, CreateSession, ListPanes, ListSessions};
use protocol::{ErrorCode, PaneUuid, Target};

use super::daemon::{Client, Daemon, shell};
use super::proc;

/// What is there, as everybody is told.
pub struct Owned {
    pub sessions: Vec<SessionInfo>,
    pub panes: Vec<PaneInfo>,
}

impl Owned {
    /// Asks.
    pub async fn by(client: &Client) -> Result<Self, String> {
        let all = ListPanes {
            all: true,
            ..ListPanes::default()
        };
        let told = |error: protocol::Error| error.to_string();
        Ok(Self {
            sessions: client.call(ListSessions {}).await.map_err(told)?.sessions,
            panes: client.call(all).await.map_err(told)?.panes,
        })
    }

    /// The pane with this name.
    pub fn pane(&self, name: &str) -> Option<&PaneInfo> {
        let named = |pane: &&PaneInfo| pane.name.as_ref().is_some_and(|n| n.as_str() == name);
        self.panes.iter().find(named)
    }
}

/// Every program, keeper, session, row and key that nobody owns; the first of them.
///
/// # Errors
/// What it is.
pub async fn left_over(daemon: &Daemon, client: &Client) -> Result<(), String> {
    let owned = Owned::by(client).await?;
    let own: BTreeSet<PaneUuid> = owned.panes.iter().map(|pane| pane.pane_id).collect();
    for session in &owned.sessions {
        let mut of_it = owned.panes.iter().map(|pane| pane.session_id);
        if !of_it.any(|id| id == session.session_id) {
            return Err(format!("session {} has no pane", session.name));
        }
    }
    let marker = format!("FUGUE_RUNTIME_DIR={}", daemon.runtime().display());
    for pid in proc::marked(&marker) {
        let above = proc::ancestors(pid);
        let kept = |pane: &PaneInfo| above.contains(&pane.keeper_pid);
        if pid != daemon.pid && !owned.panes.iter().any(kept) && proc::lives(pid) {
            return Err(format!("process {pid} belongs to no pane"));
        }
    }
    let sockets = std::fs::read_dir(daemon.paths().panes()).into_iter();
    for socket in sockets.flatten().flatten() {
        let name = socket.file_name().to_string_lossy().into_owned();
        let id = name.strip_suffix(".sock").and_then(|id| id.parse().ok());
        if id.is_some_and(|id| !own.contains(&id)) {
            return Err(format!("{name} is the socket of no pane"));
        }
    }
    rows(daemon, &owned)
}

/// Each session and pane has its row, and no other has one; no key waits for its answer.
fn rows(daemon: &Daemon, owned: &Owned) -> Result<(), String> {
    let told = |error: rusqlite::Error| error.to_string();
    let database = rusqlite::Connection::open_with_flags(
        daemon.paths().state.join("state.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .map_err(told)?;
    let column = |sql: &str| -> Result<BTreeSet<String>, String> {
        let mut statement = database.prepare(sql).map_err(told)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(told)?;
        rows.collect::<Result<_, _>>().map_err(told)
    };
    let sessions = owned.sessions.iter().map(|s| s.session_id.to_string());
    let panes = owned.panes.iter().map(|pane| pane.pane_id.to_string());
    for (sql, own) in [
        ("SELECT id FROM sessions", sessions.collect::<BTreeSet<_>>()),
        ("SELECT id FROM panes", panes.clone().collect()),
        ("SELECT pane FROM pane_records", panes.collect()),
        (
            "SELECT key FROM idempotency WHERE outcome IS NULL",
            BTreeSet::new(),
        ),
    ] {
        let stored = column(sql)?;
        if stored != own {
            return Err(format!("{sql}: {stored:?}, and not {own:?}"));
        }
    }
    Ok(())
}

/// Every place for a pane is taken by a pane or free: exactly so many more can be made.
///
/// # Errors
/// How many can be.
pub async fn slots(client: &Client, most: usize) -> Result<(), String> {
    let free = most - Owned::by(client).await?.panes.len();
    let mut made = Vec::new();
    let refused = loop {
        let create = CreateSession {
            pane: shell("exec sleep 600"),
            ..CreateSession::default()
        };
        match client.call(create).await {
            Ok(created) => made.push(created.pane_id),
            Err(error) => break error,
        }
    };
    for pane in &made {
        let close = ClosePane {
            pane: Target::from(*pane),
            force: true,
            guarded: false,
        };
        client.ok(close).await;
    }
    match refused.code {
        ErrorCode::Limit if made.len() == free => Ok(()),
        _ => Err(format!(
            "{} panes could be made and not {free}: {refused}",
            made.len()
        )),
    }
}

/// A pane beside that of a session.
pub fn beside(session: &str, name: &str, line: &str) -> CreatePane {
    let mut pane = shell(line);
    pane.name = Some(protocol::Name::new(name).unwrap());
    CreatePane {
        session: Some(super::view::named(session)),
        pane,
        ..CreatePane::default()
    }
}
