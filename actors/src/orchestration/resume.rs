//! Going on with the orchestrations of an earlier daemon.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use protocol::frame::to_bytes;

use super::entry::OrchestrationEntry;
use super::{child, guard, job, stop};
use crate::server::Server;
use crate::session::{Phase, SessionEntry};
use model::orchestration::progress::StopReason;
use model::orchestration::stored::StoredOrchestration;
use store::StoredKey;

/// Enters an orchestration, and goes on with it unless it has ended. The sessions and panes are there already.
/// The key of the request that began it, if that is among those that nobody was answered, gets it as its answer and is taken out.
pub(crate) async fn resume(
    server: &Arc<Server>,
    mut stored: StoredOrchestration,
    keys: &mut Vec<StoredKey>,
) {
    let id = stored.job.id;
    if !stored.is_sound() {
        tracing::error!(orchestration_id = %id, "the record of an orchestration contradicts itself; it is forgotten");
        let _ = server.store.forget_orchestration(id);
        return;
    }
    if stored.number.told().is_none() {
        stored.number = server.registry.numbers().orchestration();
    }
    let session = server.registry.session(stored.job.session);
    let is_there = session.is_some();
    let session = session.unwrap_or_else(|| former_session(server, &stored));
    let ended = stored.has_ended();
    // More than are allowed go on all the same: they are there.
    let slot = match ended {
        true => None,
        false => server.registry.run_slots().take(usize::MAX),
    };
    let entry = Arc::new(OrchestrationEntry::restored(stored, session, slot));
    server
        .registry
        .orchestrations()
        .insert(id, Arc::clone(&entry));
    let key = keys.iter().position(|key| Some(&key.key) == entry.key());
    if let Some(key) = key {
        answer(server, &entry, keys.swap_remove(key));
    }
    if ended {
        return;
    }
    let Some(plan) = entry.plan() else { return };
    if !entry.all_known() {
        if !is_there {
            stop::stop(server, &entry, StopReason::Broken);
        } else if entry.deadline <= Instant::now() {
            // Before anything is started for it.
            stop::stop(server, &entry, StopReason::Timeout);
        }
    }
    // Before the actor launches further ones.
    let panes = server.registry.panes();
    let makers: HashSet<_> = panes
        .iter()
        .filter_map(|pane| pane.record.made_by.as_ref())
        .collect();
    let is_open = |job: &usize| {
        // Also one whose launch was not recorded any more.
        let unrecorded = makers.contains(&job::maker(&entry, *job)) && entry.launch(*job);
        unrecorded || entry.is_open(*job)
    };
    let open: Vec<_> = (0..plan.jobs()).filter(is_open).collect();
    if let Err(error) = child::start(server, &entry).await {
        tracing::error!(orchestration_id = %id, %error, "an orchestration cannot go on");
    }
    guard::guard(server, &entry);
    let count = open.len();
    for index in open {
        job::resume(server, &entry, &plan, index);
    }
    tracing::info!(orchestration = %entry.number, orchestration_id = %id, open_jobs = count, "orchestration goes on");
}

/// Gives a key its orchestration as the answer, for the daemons after this one too.
fn answer(server: &Server, entry: &OrchestrationEntry, key: StoredKey) {
    let reply = to_bytes(&entry.reply(&server.name));
    let _ = server
        .store
        .save_key(&key.key, key.params, Some(reply.clone()));
    server.idempotency.restore(StoredKey {
        outcome: Some(reply),
        ..key
    });
}

/// A session that is gone, for answers that name it.
fn former_session(server: &Server, stored: &StoredOrchestration) -> Arc<SessionEntry> {
    let name = stored.job.session_name.clone();
    let snapshot = server.new_session(name, None, "/".to_owned(), protocol::Size::default());
    let entry = SessionEntry::new(model::session::snapshot::SessionSnapshot {
        id: stored.job.session,
        ..snapshot
    });
    entry.advance(Phase::Ended);
    Arc::new(entry)
}
