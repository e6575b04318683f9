//! One pane of an orchestration, from its start to its close, whatever becomes of the actor.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::reply::{OrchestrationKind, RunStatus};
use protocol::request::{PaneSettings, PaneSpec, Program, RunLayout, StopRecipe};
use protocol::{Error, Name};

use super::entry::OrchestrationEntry;
use super::{parallel, pipeline};
use crate::idempotency;
use crate::pane::{self, PaneEntry};
use crate::rights;
use crate::server::{Server, program_environment};
use crate::spawn::{self, SpawnOrder, Spawned};
use crate::step::step;
use keeper::LEAVE_TERMINAL;
use model::orchestration::plan::{Plan, PlannedCommand};
use model::orchestration::progress::{Doubt, Fact, Outcome, Started, StopReason};
use model::pane::{Ended, MadeBy, PaneLife};
use model::session::change::Place;
use terminal::screen::MAX_HISTORY_LINES;

/// Bytes of all outputs of one orchestration together: a reply with them must fit a frame.
const OUTPUT_BYTES: usize = 8 * 1024 * 1024;

/// Bytes of one command's output at most.
const TAIL_BYTES: usize = 64 * 1024;

/// Lines of scrollback that the steps of a pipeline share at least.
const PIPELINE_LINES: u32 = 10_000;

/// Starts a job's task. It outlives the actor, and tells by recorded facts.
pub(super) fn launch(
    server: &Arc<Server>,
    entry: &Arc<OrchestrationEntry>,
    plan: &Arc<Plan>,
    index: usize,
) {
    if !entry.launch(index) {
        return;
    }
    resume(server, entry, plan, index);
}

/// Takes up a job that an earlier daemon has launched.
pub(super) fn resume(
    server: &Arc<Server>,
    entry: &Arc<OrchestrationEntry>,
    plan: &Arc<Plan>,
    index: usize,
) {
    begin(Job {
        server: Arc::clone(server),
        entry: Arc::clone(entry),
        plan: Arc::clone(plan),
        index,
    });
}

/// The job as the maker of its pane.
pub(super) fn maker(entry: &OrchestrationEntry, index: usize) -> MadeBy {
    MadeBy::Orchestration {
        id: entry.id,
        index,
    }
}

fn begin(job: Job) {
    tokio::spawn(async move {
        match job.plan.kind {
            OrchestrationKind::Parallel => parallel::run(&job).await,
            OrchestrationKind::Pipeline => pipeline::run(&job).await,
        }
    });
}

/// The remains of a job that an earlier daemon has left.
pub(super) enum JobRemains {
    /// Nothing: it is to be started.
    Nothing,
    /// Its pane, whose program may have ended.
    Pane(Arc<PaneEntry>),
    /// Its pane is gone, and this is what is known of it.
    Gone(Outcome),
}

/// A job's task. Dropping it, a panic included, records that nothing more is to be expected.
pub(super) struct Job {
    server: Arc<Server>,
    pub(super) entry: Arc<OrchestrationEntry>,
    pub(super) plan: Arc<Plan>,
    pub(super) index: usize,
}

impl Drop for Job {
    fn drop(&mut self) {
        let (entry, index) = (Arc::clone(&self.entry), self.index);
        if !std::thread::panicking() {
            return entry.record(Fact::Closed(index));
        }
        tracing::error!(orchestration_id = %entry.id, job = index, "a job's task failed");
        let (server, cleanup) = (Arc::clone(&self.server), self.plan.cleanup);
        tokio::spawn(async move {
            let pane = entry.pane_of(index).and_then(|id| server.registry.pane(id));
            if let Some(pane) = pane.filter(|_| cleanup) {
                pane::close(&server, &pane, false).await;
            }
            entry.record(Fact::Closed(index));
        });
    }
}

impl Job {
    /// The remains of this job, whose first command is `command`, that an earlier daemon has left.
    pub(super) fn found(&self, command: usize) -> JobRemains {
        if !self.entry.is_resumed() {
            return JobRemains::Nothing;
        }
        let registry = &self.server.registry;
        let Some(id) = self.entry.pane_of(command) else {
            let maker = maker(&self.entry, self.index);
            let made = |pane: &Arc<PaneEntry>| pane.record.made_by.as_ref() == Some(&maker);
            return match registry.panes().into_iter().find(made) {
                Some(pane) => JobRemains::Pane(pane),
                None => JobRemains::Nothing,
            };
        };
        if let Some(pane) = registry.pane(id) {
            return JobRemains::Pane(pane);
        }
        let status = registry
            .ended_pane(id)
            .map(|ended| ended.end.status.clone());
        let exit = status.and_then(|status| {
            let duration = Duration::from_millis(status.duration_ms);
            let stopped = self.entry.stop_inherited();
            let usage = status.usage;
            Some(Outcome {
                usage,
                ..Outcome::of(&status.exit?, duration, stopped)
            })
        });
        JobRemains::Gone(exit.unwrap_or_else(|| {
            Outcome::without_exit(
                RunStatus::Failed,
                "its pane was gone when the daemon started again",
            )
        }))
    }

    /// Waits while a pane's keeper cannot be asked: what its program reports comes through that. The job's own end ends it.
    pub(super) async fn until_reached(&self, pane: &PaneEntry) {
        let (mut state, mut stopped) = (pane.state(), self.entry.stopped());
        tokio::select! {
            _ = state.wait_for(|state| state.unreachable().is_none()) => {}
            _ = stopped.wait_for(Option::is_some) => {}
        }
    }

    /// The first command without an outcome.
    pub(super) fn first_open(&self) -> usize {
        let commands = 0..self.plan.commands.len();
        let known = |command: &usize| self.entry.outcome_of(*command).is_some();
        commands.take_while(known).count()
    }

    /// The scrollback of a pane whose output is told. The steps of a pipeline share one, and the shell does not wait for the daemon.
    fn history_lines(&self, lines: u32) -> u32 {
        let shared = match self.plan.kind {
            OrchestrationKind::Parallel => lines,
            OrchestrationKind::Pipeline => {
                let steps = u32::try_from(self.plan.commands.len()).unwrap_or(u32::MAX);
                lines.saturating_mul(steps).max(PIPELINE_LINES)
            }
        };
        let most = u32::try_from(MAX_HISTORY_LINES).unwrap_or(u32::MAX);
        shared.max(self.server.config.history_lines).min(most)
    }

    /// Starts the job's pane.
    pub(super) async fn spawn(
        &self,
        command: &PlannedCommand,
        program: Program,
        name: &str,
    ) -> Result<Spawned, Error> {
        let plan = &*self.plan;
        let mut env = self.nobody_looks();
        env.extend(plan.env.clone());
        env.extend(command.env.clone());
        let most = plan.output_lines.max(plan.failed_output_lines);
        let lines = u32::try_from(most).unwrap_or(u32::MAX);
        let pane_name = Name::new(name).ok();
        let place = match plan.layout {
            RunLayout::Hidden => Place::NewWindow {
                name: pane_name.clone(),
            },
            RunLayout::Tiled => Place::Grid {
                orchestration: self.entry.id,
                name: Name::new(&plan.kind.to_string()).expect("a kind is a plain word"),
            },
        };
        let order = SpawnOrder {
            session: Arc::clone(&self.entry.session),
            spec: PaneSpec {
                name: pane_name,
                program,
                cwd: command.cwd.clone().or_else(|| plan.cwd.clone()),
                env,
                settings: PaneSettings {
                    remain_on_exit: true,
                    memory_max: plan.memory_max,
                    ..PaneSettings::default()
                },
                stop: StopRecipe::default(),
                history_lines: (lines > 0).then(|| self.history_lines(lines)),
                login: false,
            },
            place,
            select: false,
            streams: plan.streams,
            report_word: (plan.kind == OrchestrationKind::Pipeline)
                .then(|| self.entry.nonce().to_owned()),
            shown_as: plan.shown_as(),
            environment: self.environment(),
        };
        let started = spawn::spawn(&self.server, order);
        let started = rights::made_by(plan.origin.clone(), started);
        let spawned = idempotency::made_by(maker(&self.entry, self.index), started).await;
        if spawned.is_err() && self.server.is_leaving_panes() {
            // Not how the command ended: the next daemon starts it. This one ends now, with this task.
            return std::future::pending().await;
        }
        spawned
    }

    /// Variables that keep programs from waiting for somebody, unless they were set for this session.
    fn nobody_looks(&self) -> BTreeMap<String, String> {
        const VARIABLES: [(&str, &str); 6] = [
            ("PAGER", "cat"),
            ("GIT_PAGER", "cat"),
            ("MANPAGER", "cat"),
            ("SYSTEMD_PAGER", "cat"),
            ("GIT_TERMINAL_PROMPT", "0"),
            // Takes every message and list as it is proposed; an empty message is refused by git.
            ("GIT_EDITOR", "true"),
        ];
        let changes = &self.entry.session.snapshot().environment.changes;
        let unset = |(name, _): &(&str, &str)| !changes.contains_key(*name);
        let variables = VARIABLES.into_iter().filter(unset);
        variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// In a session that others made: the caller's environment, with what was set for that session.
    fn environment(&self) -> Option<Arc<BTreeMap<String, String>>> {
        let callers = self
            .plan
            .environment
            .as_ref()
            .filter(|_| !self.entry.session_created)?;
        let mut merged = program_environment(callers.clone());
        for (name, value) in &self.entry.session.snapshot().environment.changes {
            match value {
                Some(value) => merged.insert(name.clone(), value.clone()),
                None => merged.remove(name),
            };
        }
        Some(Arc::new(merged))
    }

    pub(super) fn started(&self, command: usize, pane: &PaneEntry) -> Instant {
        let at = pane.process().started;
        self.started_at(command, pane, at)
    }

    pub(super) fn started_at(&self, command: usize, pane: &PaneEntry, at: Instant) -> Instant {
        self.entry
            .record(Fact::Started(command, Started { pane: pane.id, at }));
        at
    }

    /// Records it for good: also for the next daemon, before the pane that could tell it is closed.
    pub(super) async fn ended(&self, command: usize, outcome: Outcome) {
        self.entry.record(Fact::Ended(command, Arc::new(outcome)));
        let _ = self.server.store.save(&self.entry).wait().await;
    }

    /// The command that lets what runs in the background outlive a pipeline's shell.
    pub(super) fn leave_terminal(&self) -> Vec<String> {
        let launch = self.server.keepers.launch();
        let mut words = vec![launch.exe.display().to_string()];
        words.extend(launch.args.iter().cloned());
        words.push(LEAVE_TERMINAL.to_owned());
        words
    }

    /// Records that how a step and all later ones ended is not known.
    pub(super) async fn doubted(&self, step: usize, doubt: Doubt) {
        tracing::warn!(orchestration_id = %self.entry.id, step, ?doubt, "a pipeline's reports contradict each other");
        self.entry.record(Fact::Doubted(step, doubt));
        let _ = self.server.store.save(&self.entry).wait().await;
    }

    /// Waits until the program has ended by itself, or until everything is to end. Where that was so for an earlier daemon, nobody
    /// knows any more whether it has ended by itself.
    pub(super) async fn wait(&self, pane: &PaneEntry) -> Option<StopReason> {
        if let Some(reason) = self.entry.stop_inherited() {
            return Some(reason);
        }
        let mut state = pane.state();
        let mut stopped = self.entry.stopped();
        tokio::select! {
            biased;
            _ = state.wait_for(PaneLife::has_ended) => None,
            stopped = stopped.wait_for(Option::is_some) => stopped.ok().and_then(|reason| *reason),
        }
    }

    /// The end of the program, which has ended.
    pub(super) fn end_of(&self, pane: &PaneEntry) -> Option<Ended> {
        pane.state().borrow().end().cloned()
    }

    /// The outcome of the program as a whole.
    pub(super) fn outcome(&self, pane: &PaneEntry, stopped: Option<StopReason>) -> Outcome {
        match self.end_of(pane) {
            Some(end) => Outcome {
                usage: end.usage,
                ..Outcome::of(&end.exit, Duration::from_millis(end.duration_ms), stopped)
            },
            None => Outcome::without_exit(
                stopped.unwrap_or(StopReason::Broken).status(),
                "it was killed and its end was not reported in time",
            ),
        }
    }

    /// Most bytes of one command's output.
    pub(super) fn tail_bytes(&self) -> usize {
        (OUTPUT_BYTES / self.plan.commands.len()).min(TAIL_BYTES)
    }

    /// Records what the program has left running, then closes the pane, if panes are to be closed.
    pub(super) async fn clean_up(&self, pane: &Arc<PaneEntry>) {
        /// A keeper that does not answer holds nobody up.
        const LOOK_LIMIT: Duration = Duration::from_millis(500);
        let process = pane.process();
        let left = tokio::time::timeout(LOOK_LIMIT, process.keeper.descendants()).await;
        let left = left.into_iter().flatten().flatten();
        let left: Vec<_> = left
            .map(|process| format!("{} (pid {})", process.comm, process.pid))
            .collect();
        if !left.is_empty() {
            self.entry.record(Fact::Left(self.index, Arc::new(left)));
        }
        if self.plan.cleanup {
            step!("run: its pane is closed", sure);
            pane::close(&self.server, pane, false).await;
        }
    }
}
