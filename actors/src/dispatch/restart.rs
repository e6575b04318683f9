//! The request that ends a pane's program and starts it again in the same pane.

use std::sync::Arc;

use protocol::reply::PaneInfo;
use protocol::request::RestartPane;
use protocol::{Error, ErrorCode};

use super::listing::info_of;
use super::pane::session_of;
use super::retry;
use crate::pane::{self, PaneEntry};
use crate::registry::{Caller, Leaf};
use crate::server::Server;
use model::pane::MadeBy;

pub(super) async fn restart(
    server: &Arc<Server>,
    caller: &Caller,
    params: RestartPane,
) -> Result<PaneInfo, Error> {
    let leaf = server.registry.find_leaf(&params.pane, caller)?;
    let session = session_of(server, leaf.session(), &leaf.shown())?;
    let entry = match &leaf {
        Leaf::Pane(entry) => entry,
        Leaf::Mirror(mirror) => {
            let of = mirror.of.record.number;
            let message = format!("pane {} is a mirror of pane {of}", mirror.number);
            return Err(Error::new(ErrorCode::Denied, message)
                .hint("restart the pane that it shows")
                .candidates([of.to_string()]));
        }
    };
    if params.guarded && caller.pane == Some(entry.id) {
        let number = entry.record.number;
        let message =
            format!("pane {number} is the caller's own: its restart would end the caller");
        return Err(Error::new(ErrorCode::Denied, message).hint(
            "nothing was ended; with force it is (`--force`), and somebody outside of that pane can do it too",
        ));
    }
    free(server, entry)?;
    if entry.reachable().is_err() && !entry.state().borrow().is_closing() {
        retry::reach(server, entry).await;
    }
    pane::restart(server, entry).await?;
    info_of(server, &session, &leaf)
}

/// Refuses a pane whose program is somebody else's to start.
///
/// # Errors
/// `busy` while its orchestration is in progress, `unsupported` for the shell of a pipeline.
fn free(server: &Server, entry: &PaneEntry) -> Result<(), Error> {
    let number = entry.record.number;
    let made_by = entry.record.made_by.as_ref();
    if let Some(id) = made_by.and_then(MadeBy::orchestration) {
        let run = server.registry.orchestrations().get(&id);
        if let Some(run) = run.filter(|run| !run.snapshot().status.is_final()) {
            let message = format!(
                "pane {number} belongs to orchestration {}, which is in progress",
                run.number
            );
            return Err(Error::new(ErrorCode::Busy, message).hint(
                "wait for its end, or cancel it with `fugue orchestrations cancel` or fugue_cancel_orchestration",
            ));
        }
    }
    if entry.record.status_pipe {
        let message = format!(
            "pane {number} is the shell of a pipeline, whose steps would not be run by a restart"
        );
        return Err(Error::new(ErrorCode::Unsupported, message)
            .hint("run the pipeline again with `fugue run` or fugue_run_pipeline"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
