//! An orchestration that has ended, for tests of what is kept of it.

use std::sync::Arc;
use std::time::Duration;

use protocol::OrchestrationUuid;
use protocol::reply::ExitStatus;
use protocol::request::{ParallelCommand, RunParallel};

use super::OrchestrationEntry;
use crate::server::Server;
use crate::session::SessionEntry;
use model::orchestration::plan::Plan;
use model::orchestration::progress::{Fact, Outcome, Progress};

/// Enters one of two commands, which has just begun.
pub(crate) fn begun(
    server: &Arc<Server>,
    session: &Arc<SessionEntry>,
) -> (Arc<OrchestrationEntry>, Progress) {
    let command = |line: &str| ParallelCommand {
        command: line.to_owned(),
        ..ParallelCommand::default()
    };
    let request = RunParallel {
        commands: vec![command("true"), command("false")],
        ..RunParallel::default()
    };
    let plan = Plan::parallel(request).unwrap();
    let progress = Progress::new(&plan);
    let id = OrchestrationUuid::new();
    let session = Arc::clone(session);
    let registry = &server.registry;
    let slot = registry.run_slots().take(usize::MAX);
    let number = registry.numbers().orchestration();
    let entry = OrchestrationEntry::new(id, number, plan, session, false, slot);
    let entry = Arc::new(entry);
    registry.orchestrations().insert(id, Arc::clone(&entry));
    let _ = server.store.save(&entry);
    (entry, progress)
}

/// Enters one of two commands that ended with some output.
pub(crate) fn ended(server: &Arc<Server>, session: &Arc<SessionEntry>) -> OrchestrationUuid {
    let (entry, mut progress) = begun(server, session);
    for code in [0, 1] {
        let exit = ExitStatus::Exited { code };
        let mut outcome = Outcome::of(&exit, Duration::from_millis(5), None);
        outcome.output = Some("output\n".repeat(50));
        let index = code as usize;
        entry.record(Fact::Launched(index));
        entry.record(Fact::Ended(index, Arc::new(outcome)));
        entry.record(Fact::Closed(index));
    }
    for fact in entry.facts() {
        progress.note(fact);
    }
    entry.finish(&mut progress);
    let _ = server.store.save(&entry);
    entry.id
}
