//! Orchestrations: `run_parallel` and `run_pipeline`, one engine under supervision.
//!
//! Each pane of an orchestration has a task of its own (`job`), which records facts in the orchestration's entry. The actor
//! decides from the facts what starts next and when all is done (`progress`); one that is restarted reads the same
//! facts and goes on. If it cannot be restarted, a guard ends everything and cleans up in its place.

mod calls;
mod child;
mod entry;
mod job;
mod kept;
mod message;
mod over;
mod parallel;
mod pipeline;
mod resume;
mod running;
#[cfg(test)]
pub(crate) mod sample;
mod script;
mod session;

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::Error;
use protocol::reply::OrchestrationKind;
use supervisor::{Actor, ActorError, Address, ExitReason};

use crate::children;
use crate::server::Server;
use model::orchestration::plan::Plan;
use model::orchestration::progress::{Order, Progress, StopReason};

pub use calls::{cancel, get, list, run_parallel, run_pipeline};
pub use entry::OrchestrationEntry;
pub(crate) use entry::RUN_TAG;
pub(crate) use kept::{forget_ended, prune};
pub use message::OrchestrationMsg;
pub(crate) use over::give_way;
pub(crate) use resume::resume;

/// How long a restart of the actor may take before the guard concludes that there will be none.
const RESTART_LIMIT: Duration = Duration::from_secs(5);

/// The actor.
pub struct OrchestrationActor;

/// What it is started with.
pub struct OrchestrationArgs {
    /// The daemon.
    pub server: Arc<Server>,
    /// Its orchestration.
    pub entry: Arc<OrchestrationEntry>,
}

/// What it keeps: nothing that the entry's facts do not tell.
pub struct OrchestrationState {
    server: Arc<Server>,
    entry: Arc<OrchestrationEntry>,
    /// Absent when it has ended already.
    plan: Option<Arc<Plan>>,
    progress: Progress,
}

impl Actor for OrchestrationActor {
    type Msg = OrchestrationMsg;
    type State = OrchestrationState;
    type Args = OrchestrationArgs;

    async fn pre_start(
        &self,
        myself: Address<OrchestrationMsg>,
        args: OrchestrationArgs,
    ) -> Result<OrchestrationState, ActorError> {
        let OrchestrationArgs { server, entry } = args;
        let state = OrchestrationState::new(server, entry);
        forward_facts(&myself, &state.entry);
        let left = state
            .entry
            .deadline
            .saturating_duration_since(Instant::now());
        // Not needed again: the timer ends with the actor.
        let _ = myself.send_after(left, OrchestrationMsg::TimedOut);
        let _ = myself.cast(OrchestrationMsg::FactsRecorded);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: &Address<OrchestrationMsg>,
        msg: OrchestrationMsg,
        state: &mut OrchestrationState,
    ) -> Result<(), ActorError> {
        match msg {
            OrchestrationMsg::FactsRecorded => {}
            // What is left then is the clean-up. A pipeline's shell must have ended besides.
            OrchestrationMsg::TimedOut if state.entry.all_known() && !state.is_pipeline() => {}
            OrchestrationMsg::TimedOut => state.entry.stop(StopReason::Timeout),
            #[cfg(debug_assertions)]
            OrchestrationMsg::Crash => panic!("a test asked for it"),
        }
        if state.step() {
            myself.stop(ExitReason::Normal);
        }
        state.show(myself);
        Ok(())
    }
}

/// Tells the actor of every recorded fact; several at once are one message.
fn forward_facts(myself: &Address<OrchestrationMsg>, entry: &OrchestrationEntry) {
    let mut recorded = entry.recorded();
    let myself = myself.clone();
    tokio::spawn(async move {
        while recorded.changed().await.is_ok() {
            if myself.cast(OrchestrationMsg::FactsRecorded).is_err() {
                return;
            }
        }
    });
}

impl OrchestrationState {
    fn new(server: Arc<Server>, entry: Arc<OrchestrationEntry>) -> Self {
        let published = entry.snapshot();
        let plan = entry.plan();
        Self {
            progress: match &plan {
                Some(plan) => Progress::resume(plan, published.version),
                None => Progress::clone(&published),
            },
            plan,
            server,
            entry,
        }
    }

    fn is_pipeline(&self) -> bool {
        let kind = self.plan.as_ref().map(|plan| plan.kind);
        kind == Some(OrchestrationKind::Pipeline)
    }

    /// Takes in all recorded facts and does what follows from them. True when all is done.
    fn step(&mut self) -> bool {
        let Some(plan) = self.plan.clone() else {
            return true;
        };
        for fact in self.entry.facts() {
            self.progress.note(fact);
        }
        let orders = self.progress.orders();
        self.entry.publish(&self.progress);
        let _ = self.server.store.save(&self.entry);
        let mut done = false;
        for order in orders {
            match order {
                Order::Launch(index) => job::launch(&self.server, &self.entry, &plan, index),
                Order::Release => session::release_in_background(&self.server, &self.entry),
                Order::Finish => {
                    self.entry.finish(&mut self.progress);
                    let _ = self.server.store.save(&self.entry);
                    done = true;
                }
            }
        }
        if done {
            let status = self.progress.status;
            tracing::info!(orchestration_id = %self.entry.id, %status, "orchestration ended");
        }
        done
    }

    fn show(&self, myself: &Address<OrchestrationMsg>) {
        let (commands, ended) = self.progress.counts();
        myself.set_details(vec![
            ("status", self.progress.status.to_string()),
            ("ended", format!("{ended} of {commands}")),
            ("session", self.entry.session.snapshot().name.to_string()),
        ]);
    }
}

/// Starts an orchestration's actor.
async fn start_actor(server: &Arc<Server>, entry: &Arc<OrchestrationEntry>) -> Result<(), Error> {
    let supervisor = server.orchestrations.get();
    let supervisor = supervisor.ok_or_else(|| children::supervisor_away("orchestrations"))?;
    supervisor
        .start_child(child::spec(server, entry))
        .await
        .map_err(|error| children::start_error("orchestration", &error))?;
    Ok(())
}

/// Cleans up if the actor ends before its orchestration and is not restarted.
fn guard(server: &Arc<Server>, entry: &Arc<OrchestrationEntry>) {
    let server = Arc::clone(server);
    let entry = Arc::clone(entry);
    tokio::spawn(async move {
        loop {
            if let Some(actor) = entry.address.get() {
                actor.vitals().wait_ended().await;
            }
            let stopping = server.stop_order().borrow().is_some();
            if entry.snapshot().status.is_final() || stopping {
                return;
            }
            if !has_actor(&entry).await {
                break;
            }
        }
        tracing::error!(orchestration_id = %entry.id, "the actor is gone for good; cleaning up");
        entry.stop(StopReason::Broken);
        let mut recorded = entry.recorded();
        let mut state = OrchestrationState::new(server, entry);
        while !state.step() {
            if recorded.changed().await.is_err() {
                return;
            }
        }
    });
}

async fn has_actor(entry: &OrchestrationEntry) -> bool {
    let mut changes = entry.changes();
    let found = async {
        tokio::select! {
            _ = entry.address.next_after(None) => {}
            _ = changes.wait_for(|progress| progress.status.is_final()) => {}
        }
    };
    tokio::time::timeout(RESTART_LIMIT, found).await.is_ok()
}
