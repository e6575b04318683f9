//! The request for what panes use of the machine: looked at only while somebody asks.

use std::path::PathBuf;
use std::sync::Arc;

use protocol::reply::{PaneUsage, PaneUsages};
use protocol::request::ListUsage;
use protocol::{Error, ErrorCode, PaneUuid};

use crate::cgroup;
use crate::registry::Caller;
use crate::rights;
use crate::server::Server;

/// A pane whose processes are looked at.
struct Looked {
    pane: PaneUuid,
    keeper: i32,
    group: Option<PathBuf>,
}

pub(super) async fn list(
    server: &Arc<Server>,
    caller: &Caller,
    params: ListUsage,
) -> Result<PaneUsages, Error> {
    let registry = &server.registry;
    let within = match params.all {
        true => None,
        false => Some(
            registry
                .session_or_default(params.session.as_ref(), caller)?
                .id,
        ),
    };
    let panes = registry.panes().into_iter().filter(|pane| {
        within.is_none_or(|session| pane.session == session)
            && rights::sees_session(registry, caller, pane.session)
            && !pane.state().borrow().has_ended()
    });
    let looked: Vec<Looked> = panes
        .filter_map(|pane| {
            let keeper = i32::try_from(pane.process().keeper_pid).ok()?;
            Some(Looked {
                pane: pane.id,
                keeper,
                group: pane.record.cgroup.as_ref().map(PathBuf::from),
            })
        })
        .filter(|looked| looked.keeper > 0)
        .collect();
    let panes = tokio::task::spawn_blocking(move || looked.iter().map(usage).collect());
    let failed = |error: tokio::task::JoinError| {
        Error::new(ErrorCode::Internal, format!("the look failed: {error}"))
    };
    Ok(PaneUsages {
        panes: panes.await.map_err(failed)?,
    })
}

fn usage(looked: &Looked) -> PaneUsage {
    let found = keeper::usage_below(looked.keeper);
    let group = looked.group.as_deref();
    PaneUsage {
        pane_id: looked.pane,
        processes: found.processes,
        cpu_ms: group.and_then(cgroup::cpu_ms).unwrap_or(found.cpu_ms),
        memory_bytes: group
            .and_then(cgroup::memory_bytes)
            .unwrap_or(found.memory_bytes),
    }
}
