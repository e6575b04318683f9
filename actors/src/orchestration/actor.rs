//! An orchestration's actor: decides from the recorded facts what starts next and when all is done.

use std::sync::Arc;
use std::time::Instant;

use protocol::reply::OrchestrationKind;
use supervisor::{Actor, ActorError, Address, ExitReason};

use super::{OrchestrationEntry, OrchestrationMsg, job, session, stop};
use crate::server::Server;
use model::orchestration::plan::Plan;
use model::orchestration::progress::{Order, Progress, StopReason};

/// The actor.
pub(crate) struct OrchestrationActor;

/// The start arguments of an orchestration's actor.
pub(crate) struct OrchestrationArgs {
    /// The daemon.
    pub server: Arc<Server>,
    /// Its orchestration.
    pub entry: Arc<OrchestrationEntry>,
}

/// The state of an orchestration's actor: nothing that the entry's facts do not tell.
pub(crate) struct OrchestrationState {
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
            OrchestrationMsg::TimedOut => {
                stop::stop(&state.server, &state.entry, StopReason::Timeout);
            }
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
    /// The state that the facts of the entry tell.
    pub(super) fn new(server: Arc<Server>, entry: Arc<OrchestrationEntry>) -> Self {
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
    pub(super) fn step(&mut self) -> bool {
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
            tracing::info!(orchestration = %self.entry.number, orchestration_id = %self.entry.id, %status, "orchestration ended");
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
