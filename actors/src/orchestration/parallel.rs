//! A command of `run_parallel`: the program of a pane of its own, so that its wait status is the command's.

use protocol::reply::RunStatus;
use protocol::request::Program;

use super::job::Job;
use super::progress::Outcome;
use crate::pane::{PaneEntry, life};

pub(super) async fn run(job: &Job) {
    if job.entry.stopped().borrow().is_some() {
        return;
    }
    let index = job.index;
    let command = &job.plan.commands[index];
    let program = Program::ShellLine {
        line: command.line.clone(),
        shell: job.plan.shell.clone(),
    };
    let pane = match job.spawn(command, program, &command.name).await {
        Ok(spawned) => spawned.entry,
        Err(error) => {
            return job.ended(
                index,
                Outcome::without_exit(RunStatus::Failed, error.message),
            );
        }
    };
    job.started(index, &pane);
    let stopped = job.wait(&pane).await;
    if stopped.is_some() {
        life::stop_program(&pane).await;
    }
    let mut outcome = job.outcome(&pane, stopped);
    outcome.output = tail(job, &pane).await;
    job.ended(index, outcome);
    job.clean_up(&pane).await;
}

async fn tail(job: &Job, pane: &PaneEntry) -> Option<String> {
    let (lines, bytes) = (job.plan.output_lines, job.tail_bytes());
    if lines == 0 {
        return None;
    }
    let look = move |screen: &mut crate::pane::screen::Screen| {
        screen.read_last(lines, true, false, bytes).text
    };
    // A pane that somebody else has closed has no text any more.
    pane.io.look(look).await.ok()
}
