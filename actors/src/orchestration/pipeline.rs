//! The one pane of `run_pipeline`: a shell that runs all steps and reports each.

mod pipe;

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::reply::{ExitStatus, RunStatus};
use protocol::request::Program;
use terminal::screen::{Screen, TextCursor};

use super::job::{Job, JobRemains};
use super::script::{self, Report, Reports, Told};
use crate::pane::{PaneEntry, life};
use model::orchestration::progress::{Doubt, Outcome, StopReason, Tail};
use pipe::StatusPipe;

/// The time that the output of a step that has ended may take to arrive; it was printed before its report.
const MARK_LIMIT: Duration = Duration::from_secs(1);

/// The reason for an outcome that nobody knows.
const UNREPORTED_WHY: &str = "unknown: its shell could not report how it ended, because the step closed the descriptors of its shell or changed the words that report; run such a step as a program of its own (`bash -c '...'`)";

/// The pause between two looks for it.
const MARK_PAUSE: Duration = Duration::from_millis(1);

/// The beginning of a pane's text.
const TOP: &str = "t0.0.0.0";

pub(super) async fn run(job: &Job) {
    let pane = match job.found(0) {
        JobRemains::Pane(pane) => {
            job.until_reached(&pane).await;
            pane
        }
        JobRemains::Gone(outcome) => return gone(job, outcome).await,
        JobRemains::Nothing => match begin(job).await {
            Some(pane) => pane,
            None => return,
        },
    };
    let mut steps = ShellRun::of(job, &pane).await;
    let mut pipe = pane.take_status_pipe().map(StatusPipe::new);
    let stopped = steps.follow(&mut pipe).await;
    if stopped.is_some() {
        life::stop_program(&pane).await;
    }
    steps.take_rest(pipe.as_ref()).await;
    steps.shell_ended(stopped).await;
    job.clean_up(&pane).await;
}

/// Its pane went with the daemon; the step that had its turn has this outcome.
async fn gone(job: &Job, outcome: Outcome) {
    let next = job.first_open();
    if next < job.plan.commands.len() && job.entry.pane_of(next).is_some() {
        job.ended(next, outcome).await;
    }
}

/// Starts the shell; when that fails, it is recorded.
async fn begin(job: &Job) -> Option<Arc<PaneEntry>> {
    if job.entry.stop_decided().is_some() || job.entry.outcome_of(0).is_some() {
        return None;
    }
    let shell = job.plan.shell().to_owned();
    let name = job.plan.shell_name().to_owned();
    let source = script::source(&job.plan, &job.leave_terminal());
    let program = Program::Argv(vec![shell, "-c".to_owned(), source, name]);
    let kind = job.plan.kind.to_string();
    match job.spawn(&job.plan.commands[0], program, &kind).await {
        Ok(spawned) => {
            let pane = spawned.entry;
            if let Some(pipe) = spawned.status_pipe {
                pane.keep_status_pipe(pipe);
            }
            Some(pane)
        }
        Err(error) => {
            let outcome = Outcome::without_exit(RunStatus::Failed, error.message);
            job.ended(0, outcome).await;
            None
        }
    }
}

/// The steps of a shell that runs.
struct ShellRun<'a> {
    job: &'a Job,
    pane: &'a PaneEntry,
    reports: Reports,
    /// What the step before the one that has its turn has reported, as far as this daemon knows.
    last: Option<i32>,
    /// The step that has its turn; as many as there are when all have ended.
    current: usize,
    /// When it began.
    since: Instant,
    /// Where its output began.
    output_from: TextCursor,
}

impl<'a> ShellRun<'a> {
    /// From the step on that has no outcome yet.
    async fn of(job: &'a Job, pane: &'a PaneEntry) -> Self {
        let word = job.entry.nonce().to_owned();
        let current = job.first_open();
        let top: TextCursor = TOP.parse().expect("this is how a cursor is printed");
        let before = current
            .checked_sub(1)
            .and_then(|step| job.entry.outcome_of(step));
        let mark = before.as_ref().and_then(|before| before.mark.clone());
        let look = move |screen: &mut Screen| mark.and_then(|mark| screen.mark(&mark));
        let output_from = match current {
            0 => None,
            _ => pane.io.look(look).await.ok().flatten(),
        };
        let steps = Self {
            since: job.entry.started_at(current).unwrap_or_else(Instant::now),
            job,
            pane,
            reports: Reports::from_step(word, current),
            last: before.and_then(|before| before.exit_code),
            current,
            output_from: output_from.unwrap_or(top),
        };
        if current == 0 {
            job.started(0, pane);
        } else if !steps.is_over() && job.entry.pane_of(current).is_none() {
            // Begun, and not recorded by a daemon that died.
            job.started_at(current, pane, steps.since);
        }
        steps
    }

    /// Takes reports until the shell has ended, or until everything is to end.
    async fn follow(&mut self, pipe: &mut Option<StatusPipe>) -> Option<StopReason> {
        let job = self.job;
        let end = job.wait(self.pane);
        tokio::pin!(end);
        loop {
            let Some(open) = pipe else {
                return end.await;
            };
            let bytes = tokio::select! {
                biased;
                bytes = open.peek() => bytes,
                stopped = &mut end => return stopped,
            };
            if bytes.is_empty() {
                *pipe = None;
                continue;
            }
            // Taken out when they are recorded: otherwise a daemon that dies in between would take them along.
            self.take(&bytes).await;
            open.drop_first(bytes.len());
        }
    }

    /// Takes what was reported before the shell's end.
    async fn take_rest(&mut self, pipe: Option<&StatusPipe>) {
        /// No script reports more.
        const REST_BYTES: usize = 1024 * 1024;
        let Some(pipe) = pipe else { return };
        let mut taken = 0;
        while taken < REST_BYTES
            && let Some(bytes) = pipe.read()
        {
            taken += bytes.len();
            self.take(&bytes).await;
        }
    }

    async fn take(&mut self, bytes: &[u8]) {
        for told in self.reports.take(bytes) {
            match told {
                Told::Ended(report) => self.reported(report).await,
                Told::Again(report) => self.reported_again(report).await,
                Told::NotBegun(step) => self.not_begun(step).await,
            }
        }
    }

    async fn not_begun(&self, step: usize) {
        let last = self.job.plan.commands.len() - 1;
        self.job.doubted(step.min(last), Doubt::NotBegun).await;
    }

    async fn reported_again(&self, report: Report) {
        let known = self.job.entry.outcome_of(report.step);
        let same = known.is_some_and(|known| known.mark == Some(report.mark));
        // Recorded by a daemon that died before it took it out.
        if !same {
            self.job.doubted(report.step, Doubt::ToldTwice).await;
        }
    }

    async fn reported(&mut self, report: Report) {
        let Report { step, code, mark } = report;
        if self.is_over() {
            return self.not_begun(step).await;
        }
        let now = Instant::now();
        let exit = ExitStatus::Exited { code };
        let outcome = Outcome::of(&exit, now.saturating_duration_since(self.since), None);
        let tail = self.output(Some(mark.clone()), outcome.status).await;
        let mut outcome = outcome.with_output(tail);
        outcome.mark = Some(mark);
        self.job.ended(step, outcome).await;
        self.current = step + 1;
        self.last = Some(code);
        if !self.is_over() {
            self.since = self.job.started_at(self.current, self.pane, now);
        }
    }

    /// True if the shell has nothing more to do than to end with what it has reported last.
    fn is_over(&self) -> bool {
        let stops = self.job.plan.stop_on_error && self.last.is_some_and(|code| code != 0);
        stops || self.current == self.job.plan.commands.len()
    }

    /// The step that had its turn ended with the shell.
    async fn shell_ended(&mut self, stopped: Option<StopReason>) {
        let step = self.current;
        if self.is_over() {
            return self.compare_with_end().await;
        }
        let mut outcome = match self.job.end_of(self.pane).map(|end| end.exit) {
            Some(ExitStatus::Exited {
                code: script::UNREPORTED,
            }) if stopped.is_none() => Outcome::unknown(UNREPORTED_WHY),
            _ => self.job.outcome(self.pane, stopped),
        };
        outcome.duration = Some(self.since.elapsed());
        let tail = self.output(None, outcome.status).await;
        self.job.ended(step, outcome.with_output(tail)).await;
    }

    /// A shell that has reported its last step ends with that step's code, also when it is stopped right then. Any other end, or none that
    /// anybody saw, proves nothing of what was reported.
    async fn compare_with_end(&self) {
        let end = self.job.end_of(self.pane).map(|end| end.exit);
        let agrees = matches!((end, self.last), (Some(ExitStatus::Exited { code }), Some(last)) if code == last);
        if !agrees && self.current > 0 {
            let last = self.current - 1;
            self.job.doubted(last, Doubt::Contradicted).await;
        }
    }

    /// The end of a step's output: up to its mark, or up to the end of all output for the last one.
    async fn output(&mut self, mark: Option<String>, status: RunStatus) -> Option<Tail> {
        let (lines, bytes) = (self.job.plan.lines_of(status), self.job.tail_bytes());
        if !self.job.plan.wants_output() {
            return None;
        }
        let begun = Instant::now();
        loop {
            let (from, mark) = (self.output_from, mark.clone());
            let patient = begun.elapsed() < MARK_LIMIT;
            let look = move |screen: &mut Screen| {
                let end = match mark {
                    Some(mark) => match screen.mark(&mark) {
                        None if patient => return None,
                        end => end,
                    },
                    None => None,
                };
                let end = end.unwrap_or_else(|| screen.position());
                Some((tail(screen, &from, &end, lines, bytes), end))
            };
            match self.pane.io.look(look).await {
                Ok(Some((text, end))) => {
                    self.output_from = end;
                    return (lines > 0).then_some(text);
                }
                Ok(None) => tokio::time::sleep(MARK_PAUSE).await,
                Err(_) => return None,
            }
        }
    }
}

/// The last lines between two places. The shell does not wait for the daemon: what a late one finds gone counts as left out.
fn tail(screen: &Screen, from: &TextCursor, to: &TextCursor, lines: usize, bytes: usize) -> Tail {
    let since = screen.read_since(from, usize::MAX);
    let after = screen.read_since(to, usize::MAX);
    let text = since.text.strip_suffix(after.text.as_str());
    let text = text.unwrap_or(&since.text);
    let mut tail = Tail::of(text, lines, bytes);
    let gone = since.dropped_lines.saturating_sub(after.dropped_lines);
    if text.lines().count() < lines {
        tail.omitted_bytes += gone;
    }
    tail
}
