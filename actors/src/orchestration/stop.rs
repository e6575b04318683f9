//! The end of an orchestration for a reason: recorded, then carried out.

use std::sync::Arc;

use super::entry::OrchestrationEntry;
use crate::server::Server;
use crate::step::step;
use model::orchestration::progress::StopReason;

/// Ends an orchestration for this reason; the first one counts. From now on nothing more is started. What runs is ended when the
/// reason is written, so that the next daemon gives the same one for what has ended by it; or when writing it has failed or takes too
/// long, because nothing goes on for want of a database.
pub(super) fn stop(server: &Arc<Server>, entry: &Arc<OrchestrationEntry>, reason: StopReason) {
    if !entry.decide_stop(reason) {
        return;
    }
    let saved = server.store.save(entry);
    let decided = Decided(Arc::clone(entry));
    // A task of its own: who cancels may go away.
    tokio::spawn(async move {
        if let Err(error) = saved.wait().await {
            let id = decided.0.id;
            tracing::warn!(orchestration_id = %id, %error, ?reason, "an orchestration is ended for a reason that is not recorded yet");
        }
        step!("run: its stop is recorded", sure);
        drop(decided);
    });
}

/// A stop that is decided: carried out when this is dropped, also by a panic on the way.
struct Decided(Arc<OrchestrationEntry>);

impl Drop for Decided {
    fn drop(&mut self) {
        self.0.carry_out_stop();
    }
}
