//! The state machine, alone and under random orders of events.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use protocol::PaneUuid;
use protocol::reply::{ExitStatus, RunStatus};
use protocol::request::{ParallelCommand, PipelineStep, RunParallel, RunPipeline};

use super::{CLOSING_PANES, Fact, Order, Outcome, Progress, Started, StopReason};
use crate::orchestration::plan::Plan;

fn parallel(count: usize, max: u32) -> Progress {
    let command = ParallelCommand {
        command: "true".to_owned(),
        ..ParallelCommand::default()
    };
    let plan = Plan::parallel(RunParallel {
        commands: vec![command; count],
        max_parallel: Some(max),
        ..RunParallel::default()
    });
    Progress::new(&plan.unwrap())
}

fn pipeline(count: usize, stop_on_error: bool) -> Progress {
    let step = PipelineStep {
        command: "true".to_owned(),
        name: None,
    };
    let plan = Plan::pipeline(RunPipeline {
        steps: vec![step; count],
        stop_on_error: Some(stop_on_error),
        ..RunPipeline::default()
    });
    Progress::new(&plan.unwrap())
}

fn started() -> Started {
    Started {
        pane: PaneUuid::new(),
        at: Instant::now(),
    }
}

fn exited(code: i32) -> Arc<Outcome> {
    outcome(code, None)
}

fn outcome(code: i32, stopped: Option<StopReason>) -> Arc<Outcome> {
    let exit = ExitStatus::Exited { code };
    Arc::new(Outcome::of(&exit, Duration::from_millis(5), stopped))
}

fn statuses(progress: &Progress) -> Vec<RunStatus> {
    let results = progress.results(Instant::now());
    results.iter().map(|result| result.status).collect()
}

/// Gives each launched job its outcome until all is done.
fn run(progress: &mut Progress, codes: &[i32]) -> RunStatus {
    for _ in 0..10_000 {
        for order in progress.orders() {
            match order {
                Order::Launch(job) => {
                    progress.note(Fact::Started(job, started()));
                    progress.note(Fact::Ended(job, exited(codes[job])));
                    progress.note(Fact::Closed(job));
                }
                Order::Release => progress.note(Fact::Released),
                Order::Finish => {
                    progress.finish(Duration::from_secs(1));
                    return progress.status;
                }
            }
        }
    }
    panic!("it never ends");
}

#[test]
fn the_whole_is_what_its_commands_are() {
    assert_eq!(run(&mut parallel(3, 1), &[0, 0, 0]), RunStatus::Completed);
    assert_eq!(run(&mut parallel(3, 2), &[0, 3, 0]), RunStatus::Partial);
    assert_eq!(run(&mut parallel(2, 2), &[1, 3]), RunStatus::Failed);
    assert_eq!(run(&mut parallel(1, 9), &[1]), RunStatus::Failed);
}

fn steps(progress: &mut Progress, codes: &[i32]) -> RunStatus {
    assert_eq!(progress.orders(), [Order::Launch(0)]);
    for (step, code) in codes.iter().enumerate() {
        progress.note(Fact::Started(step, started()));
        progress.note(Fact::Ended(step, exited(*code)));
    }
    progress.note(Fact::Closed(0));
    assert_eq!(progress.orders(), [Order::Release]);
    assert_eq!(progress.orders(), [], "each order is given once");
    progress.note(Fact::Released);
    assert_eq!(progress.orders(), [Order::Finish]);
    progress.finish(Duration::from_secs(1));
    progress.status
}

#[test]
fn steps_after_a_failed_one_are_skipped() {
    use RunStatus::{Completed, Failed, Skipped};
    let mut all = pipeline(2, true);
    assert_eq!(steps(&mut all, &[0, 0]), Completed);
    assert_eq!(all.failed_at(), None);

    let mut stopped = pipeline(4, true);
    assert_eq!(steps(&mut stopped, &[0, 5]), Failed);
    assert_eq!(statuses(&stopped), [Completed, Failed, Skipped, Skipped]);
    assert_eq!(stopped.failed_at(), Some("step-2"));

    let mut going = pipeline(3, false);
    assert_eq!(steps(&mut going, &[0, 5, 0]), RunStatus::Partial);
    assert_eq!(going.failed_at(), Some("step-2"));

    let mut early = pipeline(3, true);
    assert_eq!(
        steps(&mut early, &[0]),
        RunStatus::Partial,
        "`exit 0` is not the end of all steps"
    );
    assert_eq!(statuses(&early), [Completed, Skipped, Skipped]);
}

#[test]
fn a_time_out_keeps_what_has_ended() {
    use RunStatus::{Completed, Timeout};
    let mut progress = parallel(3, 2);
    assert_eq!(progress.orders(), [Order::Launch(0), Order::Launch(1)]);
    progress.note(Fact::Started(0, started()));
    progress.note(Fact::Started(1, started()));
    progress.note(Fact::Ended(0, exited(0)));
    progress.note(Fact::Stopped(StopReason::Timeout));
    assert_eq!(progress.orders(), [], "nothing is started any more");
    assert_eq!(
        statuses(&progress),
        [Completed, RunStatus::Running, Timeout]
    );
    progress.note(Fact::Closed(0));
    progress.note(Fact::Ended(1, outcome(0, Some(StopReason::Timeout))));
    progress.note(Fact::Stopped(StopReason::Cancelled));
    progress.note(Fact::Closed(1));
    assert_eq!(progress.orders(), [Order::Release]);
    progress.note(Fact::Released);
    assert_eq!(progress.orders(), [Order::Finish]);
    progress.finish(Duration::from_secs(1));
    assert_eq!(progress.status, Timeout);
    assert_eq!(statuses(&progress), [Completed, Timeout, Timeout]);
}

#[test]
fn a_stop_that_comes_too_late_changes_nothing() {
    let mut progress = parallel(1, 1);
    assert_eq!(progress.orders(), [Order::Launch(0)]);
    progress.note(Fact::Ended(0, exited(0)));
    progress.note(Fact::Stopped(StopReason::Cancelled));
    progress.note(Fact::Closed(0));
    let _ = progress.orders();
    progress.note(Fact::Released);
    progress.finish(Duration::from_secs(1));
    assert_eq!(progress.status, RunStatus::Completed);
}

#[test]
fn a_pipeline_that_is_cancelled_ends_at_the_step_that_ran() {
    let mut progress = pipeline(3, true);
    let _ = progress.orders();
    progress.note(Fact::Started(0, started()));
    progress.note(Fact::Stopped(StopReason::Cancelled));
    progress.note(Fact::Ended(0, outcome(1, Some(StopReason::Cancelled))));
    progress.note(Fact::Closed(0));
    assert_eq!(statuses(&progress), [RunStatus::Cancelled; 3]);
    assert_eq!(progress.failed_at(), Some("step-1"));
}

#[test]
fn a_shell_that_does_not_start_fails_the_first_step() {
    let mut progress = pipeline(2, true);
    let _ = progress.orders();
    let error = Outcome::without_exit(RunStatus::Failed, "no shell");
    progress.note(Fact::Ended(0, Arc::new(error)));
    progress.note(Fact::Closed(0));
    assert_eq!(statuses(&progress), [RunStatus::Failed, RunStatus::Skipped]);
    assert_eq!(
        progress.results(Instant::now())[0].error.as_deref(),
        Some("no shell")
    );
}

#[test]
fn unknown_is_not_success() {
    let lost = ExitStatus::Lost {
        reason: "its keeper died".to_owned(),
    };
    let outcome = Outcome::of(&lost, Duration::ZERO, None);
    assert_eq!(
        (outcome.status, outcome.exit_code),
        (RunStatus::Failed, None)
    );
    assert_eq!(outcome.error.as_deref(), Some("its keeper died"));

    let mut progress = parallel(1, 1);
    let _ = progress.orders();
    progress.note(Fact::Started(0, started()));
    progress.note(Fact::Closed(0));
    assert_eq!(statuses(&progress), [RunStatus::Failed]);
}

#[test]
fn long_command_lines_are_cut_in_results() {
    let plan = Plan::parallel(RunParallel {
        commands: vec![ParallelCommand {
            command: "ä".repeat(20_000),
            ..ParallelCommand::default()
        }],
        ..RunParallel::default()
    });
    let progress = Progress::new(&plan.unwrap());
    let result = progress.results(Instant::now()).remove(0);
    assert!(result.command.len() < 17_000 && result.command.ends_with('…'));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Start,
    End(i32),
    Close,
    Stop,
    Repeat,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Start),
        6 => (0..3i32).prop_map(Step::End),
        6 => Just(Step::Close),
        1 => Just(Step::Stop),
        2 => Just(Step::Repeat),
        2 => Just(Step::Restart),
    ]
}

/// A world of panes that follows orders, in any order and with restarts of the actor in between.
struct World {
    progress: Progress,
    facts: Vec<Fact>,
    launched: Vec<usize>,
    started: BTreeSet<usize>,
    ended: BTreeSet<usize>,
    closed: BTreeSet<usize>,
    stopped: bool,
    finished: bool,
    version: u64,
}

impl World {
    fn new(progress: Progress) -> Self {
        Self {
            progress,
            facts: Vec::new(),
            launched: Vec::new(),
            started: BTreeSet::new(),
            ended: BTreeSet::new(),
            closed: BTreeSet::new(),
            stopped: false,
            finished: false,
            version: 0,
        }
    }

    fn tell(&mut self, fact: Fact) {
        self.facts.push(fact.clone());
        self.progress.note(fact);
        self.obey();
    }

    fn obey(&mut self) {
        for order in self.progress.orders() {
            match order {
                Order::Launch(job) => {
                    assert!(!self.stopped, "nothing starts after a stop");
                    assert!(!self.launched.contains(&job), "a job starts once");
                    self.launched.push(job);
                    self.facts.push(Fact::Launched(job));
                }
                Order::Release => self.facts.push(Fact::Released),
                Order::Finish => self.finished = true,
            }
        }
        assert!(self.progress.version >= self.version);
        self.version = self.progress.version;
    }

    /// The first launched job with `has` but not `lacks`.
    fn job(&self, has: &BTreeSet<usize>, lacks: &BTreeSet<usize>) -> Option<usize> {
        self.launched
            .iter()
            .copied()
            .find(|job| has.contains(job) && !lacks.contains(job))
    }

    fn act(&mut self, step: Step) {
        match step {
            Step::Start => {
                let launched = self.launched.iter().copied().collect();
                if let Some(job) = self.job(&launched, &self.started) {
                    self.started.insert(job);
                    self.tell(Fact::Started(job, started()));
                }
            }
            Step::End(code) => {
                if let Some(job) = self.job(&self.started, &self.ended) {
                    self.ended.insert(job);
                    self.tell(Fact::Ended(job, exited(code)));
                }
            }
            Step::Close => {
                if let Some(job) = self.job(&self.ended, &self.closed) {
                    self.closed.insert(job);
                    self.tell(Fact::Closed(job));
                }
            }
            Step::Stop => {
                self.stopped = true;
                self.tell(Fact::Stopped(StopReason::Timeout));
            }
            Step::Repeat => {
                if let Some(fact) = self.facts.first().cloned() {
                    self.progress.note(fact);
                    self.obey();
                }
            }
            Step::Restart => {
                for fact in self.facts.clone() {
                    self.progress.note(fact);
                }
                self.obey();
            }
        }
    }
}

proptest! {
    #[test]
    fn every_job_is_launched_once_and_the_end_is_reached(
        count in 1..60usize,
        max in 1..10u32,
        walk in prop::collection::vec(step(), 0..300),
    ) {
        let mut world = World::new(parallel(count, max));
        world.obey();
        for step in walk {
            world.act(step);
            let running = world.launched.iter().filter(|job| !world.ended.contains(job)).count();
            prop_assert!(running <= max as usize);
            let open = world.launched.len() - world.closed.len();
            prop_assert!(open <= max as usize + CLOSING_PANES);
        }
        for _ in 0..=count {
            for step in [Step::Start, Step::End(0), Step::Close, Step::Restart] {
                world.act(step);
            }
        }
        prop_assert!(world.finished, "it comes to its end");
        world.progress.finish(Duration::ZERO);
        prop_assert!(world.progress.status.is_final());
        prop_assert!(statuses(&world.progress).iter().all(|status| status.is_final()));
        prop_assert!(world.stopped || world.launched.len() == count);
    }

    #[test]
    fn a_restarted_actor_gets_to_the_same_state(
        count in 1..40usize,
        max in 1..10u32,
        walk in prop::collection::vec(step(), 0..200),
    ) {
        let mut world = World::new(parallel(count, max));
        world.obey();
        for step in walk {
            world.act(step);
        }
        let mut again = parallel(count, max);
        for fact in world.facts.clone() {
            again.note(fact);
        }
        prop_assert_eq!(statuses(&again), statuses(&world.progress));
        let launches = again.orders().into_iter().filter(|o| matches!(o, Order::Launch(_))).count();
        prop_assert_eq!(launches, 0, "what was launched is known");
    }
}
