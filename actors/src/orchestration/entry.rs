//! The part of an orchestration that outlives its actor: the plan, every fact recorded so far, and the published state.

mod stored;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use dashmap::DashMap;
use protocol::reply::{Orchestration, OrchestrationKind};
use protocol::{OrchestrationNumber, OrchestrationUuid, PaneUuid, ServerName};
use supervisor::AddressSlot;
use tokio::sync::watch;
use uuid::Uuid;

use super::message::OrchestrationMsg;
use crate::clock::{epoch_ms, instant, millis, now};
use crate::session::SessionEntry;
use crate::slots::Slot;
use model::orchestration::plan::Plan;
use model::orchestration::progress::{Doubt, Fact, Outcome, Progress, Started, StopReason};
use model::orchestration::stored::{StoredFact, StoredOrchestration};
use model::origin::Origin;

#[derive(Default)]
struct CommandFacts {
    started: OnceLock<Started>,
    outcome: OnceLock<Arc<Outcome>>,
    doubted: OnceLock<Doubt>,
}

#[derive(Default)]
struct JobFacts {
    launched: AtomicBool,
    left: OnceLock<Arc<Vec<String>>>,
    closed: AtomicBool,
}

/// An orchestration as everybody may see it. It outlives its actor.
pub(crate) struct OrchestrationEntry {
    /// Its id.
    pub id: OrchestrationUuid,
    /// Its number, for people.
    pub number: OrchestrationNumber,
    /// Its actor.
    pub address: AddressSlot<OrchestrationMsg>,
    /// The session of its panes.
    pub session: Arc<SessionEntry>,
    /// It made that session.
    pub session_created: bool,
    /// When its time is over.
    pub deadline: Instant,
    /// By whom it was begun.
    pub origin: Origin,
    kind: OrchestrationKind,
    cleanup: bool,
    shell: String,
    begun: Instant,
    started_at_ms: u64,
    /// Given up at the end: environments are large.
    plan: ArcSwapOption<Plan>,
    /// It counts until its end.
    slot: ArcSwapOption<Slot>,
    progress: watch::Sender<Arc<Progress>>,
    /// Why everything is to end, once that is decided.
    decided: OnceLock<StopReason>,
    /// The same once it is recorded, for those who end something because of it.
    stop: watch::Sender<Option<StopReason>>,
    /// An earlier daemon has recorded it, and may have ended what it could.
    inherited: OnceLock<StopReason>,
    /// Counts recorded facts, so that nobody who waits for one can miss it.
    recorded: watch::Sender<u64>,
    commands: Vec<CommandFacts>,
    jobs: Vec<JobFacts>,
    released: AtomicBool,
    /// The word that begins each report of a pipeline's shell.
    nonce: String,
    key: Option<String>,
    /// An earlier daemon has begun it.
    resumed: bool,
    /// Names of the facts that are in the database.
    written: DashMap<String, ()>,
}

impl OrchestrationEntry {
    /// An entry for an orchestration that is about to begin.
    #[must_use]
    pub(crate) fn new(
        id: OrchestrationUuid,
        number: OrchestrationNumber,
        plan: Plan,
        session: Arc<SessionEntry>,
        session_created: bool,
        slot: Option<Slot>,
    ) -> Self {
        let begun = now();
        let nonce = Uuid::new_v4().simple().to_string();
        Self {
            nonce,
            key: plan.key.clone(),
            resumed: false,
            written: DashMap::new(),
            id,
            number,
            address: AddressSlot::new(),
            session,
            session_created,
            deadline: begun + plan.timeout,
            origin: plan.origin.clone(),
            kind: plan.kind,
            cleanup: plan.cleanup,
            shell: plan.shell().to_owned(),
            begun,
            started_at_ms: epoch_ms(),
            progress: watch::Sender::new(Arc::new(Progress::new(&plan))),
            decided: OnceLock::new(),
            stop: watch::Sender::new(None),
            inherited: OnceLock::new(),
            recorded: watch::Sender::new(0),
            commands: plan
                .commands
                .iter()
                .map(|_| CommandFacts::default())
                .collect(),
            jobs: (0..plan.jobs()).map(|_| JobFacts::default()).collect(),
            released: AtomicBool::new(false),
            slot: ArcSwapOption::new(slot.map(Arc::new)),
            plan: ArcSwapOption::from_pointee(plan),
        }
    }

    /// An orchestration of an earlier daemon, with all that is recorded of it.
    #[must_use]
    pub(crate) fn restored(
        stored: StoredOrchestration,
        session: Arc<SessionEntry>,
        slot: Option<Slot>,
    ) -> Self {
        let StoredOrchestration { number, job, facts } = stored;
        let plan = job.plan.clone();
        let begun = instant(job.started_at_ms);
        let mut entry = Self {
            begun,
            deadline: begun + plan.timeout,
            started_at_ms: job.started_at_ms,
            nonce: job.nonce,
            resumed: true,
            ..Self::new(job.id, number, plan, session, job.session_created, slot)
        };
        let mut progress = Progress::new(&job.plan);
        let mut took = None;
        for stored in facts {
            if let StoredFact::Finished(took_ms) = stored {
                took = Some(Duration::from_millis(took_ms));
            } else if let Some(fact) = stored.fact(instant) {
                entry.record(fact);
            }
        }
        for fact in entry.facts() {
            progress.note(fact);
        }
        if let Some(took) = took {
            progress.finish(took);
            entry.plan = ArcSwapOption::empty();
        }
        entry.progress.send_replace(Arc::new(progress));
        entry
    }

    /// The idempotency key of the request that began it.
    #[must_use]
    pub(crate) fn key(&self) -> Option<&String> {
        self.key.as_ref()
    }

    /// An earlier daemon has begun it, so that there may be panes of which nothing is recorded.
    pub(super) fn is_resumed(&self) -> bool {
        self.resumed
    }

    pub(super) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// A job was launched and needs something still.
    pub(super) fn is_open(&self, job: usize) -> bool {
        self.jobs.get(job).is_some_and(|job| {
            job.launched.load(Ordering::Acquire) && !job.closed.load(Ordering::Acquire)
        })
    }

    /// The outcome of a command, if that is known.
    pub(super) fn outcome_of(&self, command: usize) -> Option<Arc<Outcome>> {
        self.commands.get(command)?.outcome.get().cloned()
    }

    /// True if the outcome of every command is known.
    pub(super) fn all_known(&self) -> bool {
        let known = |command: &CommandFacts| command.outcome.get().is_some();
        self.commands.iter().all(known)
    }

    /// The time since which a command runs.
    pub(super) fn started_at(&self, command: usize) -> Option<Instant> {
        Some(self.commands.get(command)?.started.get()?.at)
    }

    /// Its state now.
    #[must_use]
    pub(crate) fn snapshot(&self) -> Arc<Progress> {
        Arc::clone(&self.progress.borrow())
    }

    /// Every later state.
    #[must_use]
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Progress>> {
        self.progress.subscribe()
    }

    /// As an answer, with the tails of output and durations as of now.
    #[must_use]
    pub(crate) fn reply(&self, server: &ServerName) -> Orchestration {
        let progress = self.snapshot();
        let pipeline = self.kind == OrchestrationKind::Pipeline;
        let failed_at = progress.failed_at().filter(|_| pipeline);
        let commands = progress.results(now());
        let pane_id = commands.iter().find_map(|command| command.pane_id);
        Orchestration {
            orchestration_id: self.id,
            number: self.number.told(),
            kind: self.kind,
            status: progress.status,
            context: self.session.context(server),
            session_created: self.session_created,
            cleanup: self.cleanup,
            version: progress.version,
            failed_at: failed_at.map(str::to_owned),
            pane_id: pane_id.filter(|_| pipeline && !self.cleanup),
            shell: self.shell.clone(),
            left_running: self.left(),
            started_at_ms: self.started_at_ms,
            duration_ms: millis(
                progress
                    .took
                    .unwrap_or_else(|| now().saturating_duration_since(self.begun)),
            ),
            commands,
        }
    }

    /// The processes that its programs have left running, as far as a list should go.
    fn left(&self) -> Vec<String> {
        const TOLD: usize = 50;
        let left = self.jobs.iter().filter_map(|job| job.left.get());
        left.flat_map(|left| left.iter().cloned())
            .take(TOLD)
            .collect()
    }

    /// Decides that it ends for this reason, from which on nothing more is started; true for the first one, which counts. What runs is
    /// ended by [`Self::carry_out_stop`], when this is recorded.
    pub(super) fn decide_stop(&self, reason: StopReason) -> bool {
        let first = self.decided.set(reason).is_ok();
        if first {
            self.recorded.send_modify(|count| *count += 1);
        }
        first
    }

    /// Ends what runs for the reason that was decided. Its tasks see it without its actor.
    pub(super) fn carry_out_stop(&self) {
        if let Some(reason) = self.decided.get() {
            self.stop.send_replace(Some(*reason));
        }
    }

    /// The reason for which it ends, as far as that is decided.
    pub(super) fn stop_decided(&self) -> Option<StopReason> {
        self.decided.get().copied()
    }

    /// The reason for which an earlier daemon has ended it. What has ended and was not recorded counts as ended by
    /// that.
    pub(super) fn stop_inherited(&self) -> Option<StopReason> {
        self.inherited.get().copied()
    }

    /// Becomes `Some` when everything is to end, which is recorded by then.
    #[must_use]
    pub(crate) fn stopped(&self) -> watch::Receiver<Option<StopReason>> {
        self.stop.subscribe()
    }

    pub(super) fn plan(&self) -> Option<Arc<Plan>> {
        self.plan.load_full()
    }

    /// True for the first caller only: a job is launched once, whatever becomes of the actor.
    pub(super) fn launch(&self, job: usize) -> bool {
        !self.jobs[job].launched.swap(true, Ordering::AcqRel)
    }

    /// Records a fact for good, then lets the actor know.
    pub(super) fn record(&self, fact: Fact) {
        // A second report of the same thing changes nothing.
        match fact {
            Fact::Launched(job) => self.jobs[job].launched.store(true, Ordering::Release),
            Fact::Started(command, started) => {
                let _ = self.commands[command].started.set(started);
            }
            Fact::Ended(command, outcome) => {
                let _ = self.commands[command].outcome.set(outcome);
            }
            Fact::Doubted(step, doubt) => {
                let _ = self.commands[step].doubted.set(doubt);
            }
            Fact::Left(job, left) => {
                let _ = self.jobs[job].left.set(left);
            }
            Fact::Closed(job) => self.jobs[job].closed.store(true, Ordering::Release),
            // Of an earlier daemon: it is recorded.
            Fact::Stopped(reason) => {
                let _ = self.inherited.set(reason);
                let _ = self.decided.set(reason);
                self.carry_out_stop();
            }
            Fact::Released => self.released.store(true, Ordering::Release),
        }
        self.recorded.send_modify(|count| *count += 1);
    }

    /// The pane of a command that was started; there may be none such.
    pub(super) fn pane_of(&self, command: usize) -> Option<PaneUuid> {
        let facts = self.commands.get(command)?;
        facts.started.get().map(|started| started.pane)
    }

    /// Every change of the recorded facts.
    pub(super) fn recorded(&self) -> watch::Receiver<u64> {
        self.recorded.subscribe()
    }

    /// Every recorded fact, causes before consequences.
    pub(super) fn facts(&self) -> Vec<Fact> {
        // Read against the order of writing: whose close is seen, its outcome is seen too.
        let released = self
            .released
            .load(Ordering::Acquire)
            .then_some(Fact::Released);
        let jobs = || self.jobs.iter().enumerate();
        let closed: Vec<_> = jobs()
            .filter(|(_, job)| job.closed.load(Ordering::Acquire))
            .map(|(job, _)| Fact::Closed(job))
            .collect();
        let left: Vec<_> = jobs()
            .filter_map(|(job, facts)| Some(Fact::Left(job, Arc::clone(facts.left.get()?))))
            .collect();
        let stopped = self.stop_decided().map(Fact::Stopped);
        let commands = || self.commands.iter().enumerate();
        let ended: Vec<_> = commands()
            .filter_map(|(command, facts)| {
                Some(Fact::Ended(command, Arc::clone(facts.outcome.get()?)))
            })
            .collect();
        let doubted: Vec<_> = commands()
            .filter_map(|(step, facts)| Some(Fact::Doubted(step, *facts.doubted.get()?)))
            .collect();
        let started: Vec<_> = commands()
            .filter_map(|(command, facts)| Some(Fact::Started(command, *facts.started.get()?)))
            .collect();
        let launched = jobs()
            .filter(|(_, job)| job.launched.load(Ordering::Acquire))
            .map(|(job, _)| Fact::Launched(job));
        launched
            .chain(started)
            .chain(ended)
            .chain(doubted)
            .chain(left)
            .chain(stopped)
            .chain(closed)
            .chain(released)
            .collect()
    }

    /// Publishes a state that is newer than the last one. Only its actor does, or who stands in for it.
    pub(super) fn publish(&self, progress: &Progress) {
        let published = self.progress.borrow().version;
        if progress.version > published {
            self.progress.send_replace(Arc::new(progress.clone()));
        }
    }

    /// Publishes its end, after which only results are kept.
    pub(super) fn finish(&self, progress: &mut Progress) {
        progress.finish(now().saturating_duration_since(self.begun));
        self.slot.store(None);
        self.publish(progress);
        self.plan.store(None);
        self.recorded.send_modify(|count| *count += 1);
    }

    /// The time at which it ended.
    pub(super) fn ended_at(&self) -> Option<Instant> {
        Some(self.begun + self.took()?)
    }

    /// The time at which it began, in milliseconds since 1970.
    pub(super) fn started_at_ms(&self) -> u64 {
        self.started_at_ms
    }

    /// The time from its beginning to its end.
    fn took(&self) -> Option<Duration> {
        self.progress.borrow().took
    }
}
