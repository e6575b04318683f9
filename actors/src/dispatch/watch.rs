//! Requests that wait for a change.

use std::sync::Arc;

use protocol::Error;
use protocol::reply::Watched;
use protocol::request::Watch;
use pty::Seen;
use tokio::time::{Instant, timeout_at};

use super::pane::wait_limit;
use crate::pane::PaneEntry;
use crate::registry::Caller;
use crate::server::Server;

pub(super) async fn watch(
    server: &Arc<Server>,
    caller: &Caller,
    params: Watch,
) -> Result<Watched, Error> {
    let until = Instant::now() + wait_limit(params.timeout_ms)?;
    match &params.pane {
        None => Ok(tree(server, params.after.as_deref(), until).await),
        Some(target) => {
            let pane = server.registry.find_pane(target, caller)?;
            screen(server, &pane, params.after.as_deref(), until).await
        }
    }
}

async fn tree(server: &Server, after: Option<&str>, until: Instant) -> Watched {
    let mut changes = server.registry.changes();
    loop {
        let count = *changes.borrow_and_update();
        // Counts begin anew with each life of the daemon.
        let version = format!("{}.{count}", server.instance);
        if after != Some(version.as_str()) || timeout_at(until, changes.changed()).await.is_err() {
            return Watched { version };
        }
    }
}

async fn screen(
    server: &Server,
    pane: &Arc<PaneEntry>,
    after: Option<&str>,
    until: Instant,
) -> Result<Watched, Error> {
    let mut state = pane.state();
    loop {
        let program = {
            let state = state.borrow_and_update();
            format!("{}.{}", state.restarts(), u8::from(state.has_ended()))
        };
        let seen = pane.io.present().await?;
        // A screen that is rebuilt counts anew, and may come to the same numbers.
        let version = format!("{}.{seen}.{program}", server.instance);
        if after != Some(version.as_str()) {
            return Ok(Watched { version });
        }
        let changed = async {
            tokio::select! {
                frame = changed_screen(pane, seen) => frame,
                _ = state.changed() => Ok(()),
            }
        };
        match timeout_at(until, changed).await {
            Ok(changed) => changed?,
            Err(_) => return Ok(Watched { version }),
        }
    }
}

async fn changed_screen(pane: &PaneEntry, seen: Seen) -> Result<(), Error> {
    pane.io.next_frame(seen).await.map(drop)
}
