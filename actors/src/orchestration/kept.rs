//! The orchestrations that are known: how long results are kept, and when they are forgotten.

use std::sync::Arc;
use std::time::Duration;

use model::orchestration::progress::StopReason;
use protocol::reply::SessionContext;

use super::entry::OrchestrationEntry;
use super::{child, over};
use crate::clock::now;
use crate::server::Server;

/// The time for which an ended orchestration can still be asked for.
const KEPT: Duration = Duration::from_secs(3600);

/// Ended orchestrations kept at most.
const KEPT_COUNT: usize = 1_000;

/// Bytes of results of ended orchestrations kept at most; the newest is kept in any case.
const KEPT_BYTES: usize = 128 * 1024 * 1024;

/// Forgets what ended too long ago, and the oldest of too many.
pub(crate) fn prune(server: &Arc<Server>) {
    let orchestrations = server.registry.orchestrations();
    let mut ended: Vec<_> = orchestrations
        .iter()
        .filter_map(|entry| Some((entry.ended_at()?, Arc::clone(&entry))))
        .collect();
    ended.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut bytes = 0;
    for (index, (at, entry)) in ended.iter().enumerate() {
        bytes += entry.snapshot().weight();
        let too_many = index > 0 && (index >= KEPT_COUNT || bytes > KEPT_BYTES);
        if too_many || now().saturating_duration_since(*at) >= KEPT {
            orchestrations.remove(&entry.id);
            let _ = server.store.forget_orchestration(entry.id);
            over::forget_panes(server, entry.id);
            forget_child(server, entry);
        }
    }
}

/// Forgets the results of ended orchestrations in the sessions that are meant, and says how many.
pub(crate) fn forget_ended(server: &Arc<Server>, meant: impl Fn(&SessionContext) -> bool) -> usize {
    let orchestrations = server.registry.orchestrations();
    let ended = orchestrations.iter().filter(|entry| {
        let context = entry.session.snapshot().context(&server.name);
        entry.snapshot().status.is_final() && meant(&context)
    });
    let ended: Vec<_> = ended.map(|entry| Arc::clone(&entry)).collect();
    for entry in &ended {
        orchestrations.remove(&entry.id);
        let _ = server.store.forget_orchestration(entry.id);
        forget_child(server, entry);
    }
    ended.len()
}

/// An actor that was given up stays with its supervisor, for operators, as long as its results.
fn forget_child(server: &Arc<Server>, entry: &OrchestrationEntry) {
    if entry.stop_decided() == Some(StopReason::Broken)
        && let Some(supervisor) = server.orchestrations.get()
    {
        let child = child::id(entry.id);
        tokio::spawn(async move { supervisor.delete_child(child).await });
    }
}

/// All entries, newest first.
pub(super) fn newest_first(server: &Server) -> Vec<Arc<OrchestrationEntry>> {
    let entries = server.registry.orchestrations().iter();
    let mut entries: Vec<_> = entries.map(|entry| Arc::clone(&entry)).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.started_at_ms(), entry.id)));
    entries
}
