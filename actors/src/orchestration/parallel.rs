//! A command of `run_parallel`: the program of a pane of its own, so that its wait status is the command's.

use std::sync::Arc;

use protocol::reply::RunStatus;
use protocol::request::{Program, RunStreams};
use terminal::plain::plain_text;
use terminal::screen::Screen;

use super::job::{Job, JobRemains};
use crate::pane::{PaneEntry, life};
use model::orchestration::progress::{Outcome, Tail};

pub(super) async fn run(job: &Job) {
    let index = job.index;
    let pane = match job.found(index) {
        JobRemains::Pane(pane) => pane,
        JobRemains::Gone(outcome) => return job.ended(index, outcome).await,
        JobRemains::Nothing => match begin(job, index).await {
            Some(pane) => pane,
            None => return,
        },
    };
    if job.entry.outcome_of(index).is_none() {
        job.started(index, &pane);
        let stopped = job.wait(&pane).await;
        if stopped.is_some() {
            life::stop_program(&pane).await;
        }
        let mut outcome = job.outcome(&pane, stopped);
        let status = outcome.status;
        outcome = outcome.with_output(tail(job, &pane, status).await);
        outcome = with_stderr(job, &pane, outcome).await;
        job.ended(index, outcome).await;
    }
    job.clean_up(&pane).await;
}

/// Starts the command; when that fails, it is recorded.
async fn begin(job: &Job, index: usize) -> Option<Arc<PaneEntry>> {
    if job.entry.stop_decided().is_some() || job.entry.outcome_of(index).is_some() {
        return None;
    }
    let command = &job.plan.commands[index];
    let program = Program::ShellLine {
        line: command.line.clone(),
        shell: job.plan.shell.clone(),
    };
    match job.spawn(command, program, &command.name).await {
        Ok(spawned) => Some(spawned.entry),
        Err(error) => {
            let outcome = Outcome::without_exit(RunStatus::Failed, error.message);
            job.ended(index, outcome).await;
            None
        }
    }
}

/// Adds the end of standard error, where that is apart and lines are wanted.
async fn with_stderr(job: &Job, pane: &PaneEntry, outcome: Outcome) -> Outcome {
    let (lines, bytes) = (job.plan.lines_of(outcome.status), job.tail_bytes());
    if lines == 0 || job.plan.streams != RunStreams::Apart {
        return outcome;
    }
    let kept = match pane.process().keeper.kept_errors().await {
        Ok(kept) => kept,
        Err(error) => {
            let told = format!("[its standard error is not known: {error}]");
            return outcome.with_stderr(Tail::of(&told, lines, bytes), 0);
        }
    };
    let text = plain_text(&kept.tail);
    outcome.with_stderr(Tail::of(&text, lines, bytes), kept.omitted)
}

async fn tail(job: &Job, pane: &PaneEntry, status: RunStatus) -> Option<Tail> {
    let (lines, bytes) = (job.plan.lines_of(status), job.tail_bytes());
    if lines == 0 {
        return None;
    }
    let look = move |screen: &mut Screen| {
        let text = screen.read_last(lines, true, false, usize::MAX).text;
        Tail::of(&text, lines, bytes)
    };
    // A pane that somebody else has closed has no text any more.
    pane.io.look(look).await.ok()
}
