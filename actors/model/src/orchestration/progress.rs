//! The progress of an orchestration: the command that may start next, the outcome of each, and the status of the whole.
//! Pure: facts go in, orders come out, and a restarted actor gets to the same state from the same facts.

mod outcome;

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::reply::{CommandResult, OrchestrationKind, RunStatus};
use protocol::time::millis;

use super::plan::Plan;

pub use outcome::{Doubt, Outcome, Started, StopReason, Tail};

/// Panes that may be waiting to be closed beside those that run: enough to keep the running ones going, few enough
/// that a slow end of panes holds back the start of further ones.
const CLOSING_PANES: usize = 32;

/// Bytes of a command line in results; the rest is cut.
const SHOWN_COMMAND_BYTES: usize = 16 * 1024;

/// One command.
#[derive(Clone, Debug)]
pub struct Command {
    name: Arc<str>,
    line: Arc<str>,
    started: Option<Started>,
    outcome: Option<Arc<Outcome>>,
}

/// A pane's part in it: one command, or all steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Pending,
    /// Its pane is being started, runs, or has ended and is being closed.
    Open,
    /// Its pane is closed, or left to whoever wants it.
    Closed,
}

/// A fact about an orchestration.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A job's pane was ordered.
    Launched(usize),
    /// A command runs.
    Started(usize, Started),
    /// A command has ended.
    Ended(usize, Arc<Outcome>),
    /// How this step and all later ones ended is not known, whatever was told of them.
    Doubted(usize, Doubt),
    /// What a job's program has left running.
    Left(usize, Arc<Vec<String>>),
    /// A job needs nothing more.
    Closed(usize),
    /// Everything is to end.
    Stopped(StopReason),
    /// The session is let go.
    Released,
}

/// An order: the next thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start this job.
    Launch(usize),
    /// Let the session go.
    Release,
    /// All is done.
    Finish,
}

/// An orchestration at one moment.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Where it is as a whole.
    pub status: RunStatus,
    /// Grows with each change.
    pub version: u64,
    /// How long it took, once it has ended.
    pub took: Option<Duration>,
    commands: Vec<Command>,
    jobs: Vec<Job>,
    kind: OrchestrationKind,
    max_parallel: usize,
    stop_on_error: bool,
    stopped: Option<StopReason>,
    /// From which step on nothing that was told counts.
    doubted: Option<(usize, Doubt)>,
    releasing: bool,
    released: bool,
}

impl Progress {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let command = |planned: &super::plan::PlannedCommand| Command {
            name: planned.name.as_str().into(),
            line: cut(&planned.line).into(),
            started: None,
            outcome: None,
        };
        Self {
            status: RunStatus::Running,
            version: 1,
            took: None,
            commands: plan.commands.iter().map(command).collect(),
            jobs: vec![Job::Pending; plan.jobs()],
            kind: plan.kind,
            max_parallel: plan.max_parallel,
            stop_on_error: plan.stop_on_error,
            stopped: None,
            doubted: None,
            releasing: false,
            released: false,
        }
    }

    /// Nothing is known again, to be told all facts: the state of a restarted actor. `version` is the published one.
    #[must_use]
    pub fn resume(plan: &Plan, version: u64) -> Self {
        Self {
            version,
            ..Self::new(plan)
        }
    }

    /// Takes in a fact. One that is known already, or comes too late, changes nothing.
    pub fn note(&mut self, fact: Fact) {
        if self.status.is_final() {
            return;
        }
        let changed = match fact {
            Fact::Launched(job) => self.advance(job, Job::Pending, Job::Open),
            Fact::Started(command, started) => self.started(command, started),
            Fact::Ended(command, outcome) => self.ended(command, outcome),
            Fact::Doubted(step, doubt) => self.doubt(step, doubt),
            Fact::Left(..) => false,
            Fact::Closed(job) => self.closed(job),
            Fact::Stopped(reason) => self.stop(reason),
            Fact::Released => !std::mem::replace(&mut self.released, true),
        };
        self.version += u64::from(changed);
    }

    fn advance(&mut self, job: usize, from: Job, to: Job) -> bool {
        let changed = self.jobs[job] == from;
        if changed {
            self.jobs[job] = to;
        }
        changed
    }

    fn started(&mut self, command: usize, started: Started) -> bool {
        let command = &mut self.commands[command];
        let changed = command.started.is_none() && command.outcome.is_none();
        if changed {
            command.started = Some(started);
        }
        changed
    }

    fn ended(&mut self, command: usize, outcome: Arc<Outcome>) -> bool {
        let slot = &mut self.commands[command].outcome;
        let changed = slot.is_none();
        slot.get_or_insert(outcome);
        changed
    }

    fn doubt(&mut self, step: usize, doubt: Doubt) -> bool {
        let earlier = self.doubted.is_none_or(|(known, _)| step < known);
        if earlier {
            self.doubted = Some((step, doubt));
        }
        earlier
    }

    /// The outcome of a command, as far as that is believed.
    fn outcome(&self, index: usize) -> Option<Arc<Outcome>> {
        let told = self.commands[index].outcome.as_ref()?;
        Some(match self.doubted {
            Some((from, doubt)) if index >= from => Arc::new(told.doubted(doubt)),
            _ => Arc::clone(told),
        })
    }

    fn outcomes(&self) -> impl Iterator<Item = Option<Arc<Outcome>>> {
        (0..self.commands.len()).map(|index| self.outcome(index))
    }

    fn stop(&mut self, reason: StopReason) -> bool {
        if self.stopped.is_some() {
            return false;
        }
        self.stopped = Some(reason);
        for job in 0..self.jobs.len() {
            if self.jobs[job] == Job::Pending {
                self.closed(job);
            }
        }
        true
    }

    fn closed(&mut self, job: usize) -> bool {
        if self.jobs[job] == Job::Closed {
            return false;
        }
        self.jobs[job] = Job::Closed;
        for index in self.commands_of(job) {
            if self.commands[index].outcome.is_none() {
                let outcome = self.left_over(index);
                self.commands[index].outcome = Some(Arc::new(outcome));
            }
        }
        true
    }

    /// The outcome of a command of which none was told although nothing of its job is left.
    fn left_over(&self, index: usize) -> Outcome {
        if self.commands[index].started.is_some() {
            return Outcome::unknown("how it ended is not known");
        }
        let failed = self.commands[..index]
            .iter()
            .find(|command| command.has_failed());
        match (failed.filter(|_| self.stop_on_error), self.stopped) {
            (Some(failed), _) => {
                let why = format!("{} had failed before its turn", failed.name);
                Outcome::without_exit(RunStatus::Skipped, why)
            }
            (None, Some(reason)) => Outcome::without_exit(reason.status(), reason.never_started()),
            (None, None) => {
                Outcome::without_exit(RunStatus::Skipped, "the shell had ended before its turn")
            }
        }
    }

    fn commands_of(&self, job: usize) -> std::ops::Range<usize> {
        match self.kind {
            OrchestrationKind::Parallel => job..job + 1,
            OrchestrationKind::Pipeline => 0..self.commands.len(),
        }
    }

    /// The orders that are due now. Each is given once.
    #[must_use]
    pub fn orders(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        if self.status.is_final() {
            return orders;
        }
        let mut open = self.jobs.iter().filter(|job| **job == Job::Open).count();
        let mut running = (0..self.jobs.len()).filter(|job| self.runs(*job)).count();
        for job in 0..self.jobs.len() {
            if self.jobs[job] != Job::Pending {
                continue;
            }
            if running >= self.max_parallel || open >= self.max_parallel + CLOSING_PANES {
                break;
            }
            self.jobs[job] = Job::Open;
            self.version += 1;
            running += 1;
            open += 1;
            orders.push(Order::Launch(job));
        }
        if self.jobs.iter().all(|job| *job == Job::Closed) {
            if self.released {
                orders.push(Order::Finish);
            } else if !std::mem::replace(&mut self.releasing, true) {
                orders.push(Order::Release);
            }
        }
        orders
    }

    /// True if a job counts as one of those that run at a time: until the outcome of its last command is known.
    fn runs(&self, job: usize) -> bool {
        let last = self.commands_of(job).end - 1;
        self.jobs[job] == Job::Open && self.commands[last].outcome.is_none()
    }

    /// It has ended, after this time.
    pub fn finish(&mut self, took: Duration) {
        if !self.status.is_final() {
            self.status = self.verdict();
            self.took = Some(took);
            self.version += 1;
        }
    }

    fn verdict(&self) -> RunStatus {
        if self.doubted.is_some() {
            return RunStatus::Failed;
        }
        let statuses = || self.outcomes().flatten().map(|outcome| outcome.status);
        let count = |status: RunStatus| statuses().filter(|s| *s == status).count();
        let completed = count(RunStatus::Completed);
        let ended_by_stop = self.stopped.filter(|reason| count(reason.status()) > 0);
        if let Some(reason) = ended_by_stop {
            return reason.status();
        }
        if completed == self.commands.len() {
            return RunStatus::Completed;
        }
        let stopped_at_error = self.stop_on_error && count(RunStatus::Failed) > 0;
        match completed {
            0 => RunStatus::Failed,
            _ if stopped_at_error => RunStatus::Failed,
            _ => RunStatus::Partial,
        }
    }

    /// The first command that did not end well, of those that had their turn.
    #[must_use]
    pub fn failed_at(&self) -> Option<&str> {
        let failed = |outcome: Option<Arc<Outcome>>| {
            outcome.is_some_and(|outcome| {
                !matches!(outcome.status, RunStatus::Completed | RunStatus::Skipped)
            })
        };
        let first = self.outcomes().position(failed)?;
        Some(&*self.commands[first].name)
    }

    /// Commands, and those that have ended.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let ended = self.commands.iter().filter(|c| c.outcome.is_some()).count();
        (self.commands.len(), ended)
    }

    /// The results so far.
    #[must_use]
    pub fn results(&self, now: Instant) -> Vec<CommandResult> {
        let commands = self.commands.iter().zip(self.outcomes());
        commands
            .map(|(command, outcome)| command.result(outcome.as_deref(), now))
            .collect()
    }

    /// Bytes that its results take.
    #[must_use]
    pub fn weight(&self) -> usize {
        let texts = |command: &Command| {
            let outcome = command.outcome.as_deref();
            let output = outcome
                .and_then(|o| o.output.as_ref())
                .map_or(0, String::len);
            let stderr = outcome
                .and_then(|o| o.stderr.as_ref())
                .map_or(0, String::len);
            let error = outcome
                .and_then(|o| o.error.as_ref())
                .map_or(0, String::len);
            command.name.len() + command.line.len() + output + stderr + error + size_of::<Command>()
        };
        self.commands.iter().map(texts).sum()
    }
}

impl Command {
    fn has_failed(&self) -> bool {
        self.outcome
            .as_ref()
            .is_some_and(|outcome| outcome.status == RunStatus::Failed)
    }

    fn result(&self, outcome: Option<&Outcome>, now: Instant) -> CommandResult {
        let ran = |started: &Started| now.saturating_duration_since(started.at);
        let mut result = CommandResult {
            name: self.name.to_string(),
            command: self.line.to_string(),
            pane_id: self.started.map(|started| started.pane),
            status: RunStatus::Pending,
            ..CommandResult::default()
        };
        match (outcome, &self.started) {
            (Some(outcome), _) => {
                result.status = outcome.status;
                result.unknown = outcome.unknown;
                result.exit_code = outcome.exit_code;
                result.signal = outcome.signal;
                result.duration_ms = outcome.duration.map(millis);
                result.usage = outcome.usage;
                result.output.clone_from(&outcome.output);
                result.omitted_bytes = outcome.omitted_bytes;
                result.stderr.clone_from(&outcome.stderr);
                result.stderr_omitted_bytes = outcome.stderr_omitted_bytes;
                result.error.clone_from(&outcome.error);
            }
            (None, Some(started)) => {
                result.status = RunStatus::Running;
                result.duration_ms = Some(millis(ran(started)));
            }
            (None, None) => {}
        }
        result
    }
}

fn cut(line: &str) -> String {
    match line.len() > SHOWN_COMMAND_BYTES {
        true => format!(
            "{}…",
            &line[..line.floor_char_boundary(SHOWN_COMMAND_BYTES)]
        ),
        false => line.to_owned(),
    }
}

#[cfg(test)]
mod tests;
