//! The one pane of `run_pipeline`: a shell that runs all steps and reports each on the status pipe.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::reply::{ExitStatus, RunStatus};
use protocol::request::Program;
use tokio::net::unix::pipe;

use super::job::{Found, Job};
use super::progress::{Outcome, StopReason};
use super::script::{self, Report, Reports};
use crate::pane::screen::{Screen, TextCursor};
use crate::pane::{PaneEntry, life};

/// How long the output of a step that has ended may take to arrive; it was printed before its report.
const MARK_LIMIT: Duration = Duration::from_secs(1);

/// The pause between two looks for it.
const MARK_PAUSE: Duration = Duration::from_millis(1);

/// The beginning of a pane's text.
const TOP: &str = "t0.0.0.0";

pub(super) async fn run(job: &Job) {
    let pane = match job.found(0) {
        Found::Pane(pane) => pane,
        Found::Gone(outcome) => return gone(job, outcome).await,
        Found::Nothing => match begin(job).await {
            Some(pane) => pane,
            None => return,
        },
    };
    let mut steps = Steps::of(job, &pane).await;
    let mut pipe = match pane.take_status_pipe().map(open) {
        Some(Ok(pipe)) => Some(pipe),
        Some(Err(_)) | None => None,
    };
    let stopped = steps.follow(&mut pipe).await;
    if stopped.is_some() {
        life::stop_program(&pane).await;
    }
    steps.take_rest(&pipe).await;
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
    if job.entry.stopped().borrow().is_some() || job.entry.outcome_of(0).is_some() {
        return None;
    }
    let nonce = job.entry.nonce();
    let shell = job.plan.shell().to_owned();
    let name = shell.rsplit('/').next().unwrap_or("sh").to_owned();
    let source = script::source(&job.plan, nonce);
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

fn open(pipe: OwnedFd) -> io::Result<pipe::Receiver> {
    pipe::Receiver::from_owned_fd(pipe).inspect_err(|error| {
        tracing::error!(%error, "a pipeline's status pipe cannot be read");
    })
}

/// The steps of a shell that runs.
struct Steps<'a> {
    job: &'a Job,
    pane: &'a PaneEntry,
    reports: Reports,
    nonce: String,
    /// The step that has its turn; as many as there are when all have ended.
    current: usize,
    /// When it began.
    since: Instant,
    /// Where its output began.
    output_from: TextCursor,
}

impl<'a> Steps<'a> {
    /// From the step on that has no outcome yet.
    async fn of(job: &'a Job, pane: &'a PaneEntry) -> Self {
        let nonce = job.entry.nonce().to_owned();
        let current = job.first_open();
        if current == 0 {
            job.started(0, pane);
        }
        let top: TextCursor = TOP.parse().expect("this is how a cursor is printed");
        let before = current.checked_sub(1).map(|step| format!("{nonce}-{step}"));
        let look = move |screen: &mut Screen| before.and_then(|mark| screen.mark(&mark));
        let output_from = match current {
            0 => None,
            _ => pane.io.look(look).await.ok().flatten(),
        };
        Self {
            since: job.entry.started_at(current).unwrap_or_else(Instant::now),
            job,
            pane,
            reports: Reports::from_step(nonce.clone(), current),
            nonce,
            current,
            output_from: output_from.unwrap_or(top),
        }
    }

    /// Takes reports until the shell has ended, or until everything is to end.
    async fn follow(&mut self, pipe: &mut Option<pipe::Receiver>) -> Option<StopReason> {
        let job = self.job;
        let end = job.wait(self.pane);
        tokio::pin!(end);
        loop {
            let Some(open) = pipe else {
                return end.await;
            };
            let ready = tokio::select! {
                biased;
                ready = open.readable() => ready,
                stopped = &mut end => return stopped,
            };
            match ready.and_then(|()| self.peek(open)) {
                Ok(Some(bytes)) => self.take(open, &bytes).await,
                Ok(None) => {}
                Err(_) => *pipe = None,
            }
        }
    }

    /// Reports are taken out of the pipe when they are recorded: otherwise a daemon that dies in between would take them along.
    async fn take(&mut self, pipe: &pipe::Receiver, bytes: &[u8]) {
        for report in self.reports.take(bytes) {
            self.reported(report).await;
        }
        let mut taken = vec![0; bytes.len()];
        let mut count = 0;
        while count < bytes.len()
            && let Ok(more @ 1..) = rustix::io::read(pipe, &mut taken[count..])
        {
            count += more;
        }
    }

    /// What is in the pipe, without taking it out; `None` when there is nothing yet.
    ///
    /// # Errors
    /// Nobody writes to it any more, or the system's own.
    fn peek(&self, pipe: &pipe::Receiver) -> io::Result<Option<Vec<u8>>> {
        const PEEK_BYTES: usize = 4096;
        let (from, to) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let flags = rustix::pipe::SpliceFlags::NONBLOCK;
        match pipe.try_io(|| Ok(rustix::pipe::tee(pipe, &to, PEEK_BYTES, flags)?)) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                let mut bytes = vec![0; count];
                let read = rustix::io::read(&from, &mut bytes)?;
                bytes.truncate(read);
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes what the shell wrote before its end.
    async fn take_rest(&mut self, pipe: &Option<pipe::Receiver>) {
        /// No script reports more.
        const REST_BYTES: usize = 1024 * 1024;
        let Some(pipe) = pipe else { return };
        let mut buffer = [0; 4096];
        let mut taken = 0;
        // Asking the system itself: the runtime may not know yet that there is something to read.
        while let Ok(count @ 1..) = rustix::io::read(pipe, &mut buffer) {
            for report in self.reports.take(&buffer[..count]) {
                self.reported(report).await;
            }
            taken += count;
            if taken > REST_BYTES {
                return;
            }
        }
    }

    async fn reported(&mut self, report: Report) {
        let Report { step, code } = report;
        let now = Instant::now();
        let exit = ExitStatus::Exited { code };
        let mut outcome = Outcome::of(&exit, now.saturating_duration_since(self.since), None);
        outcome.output = self.output(step, false).await;
        self.job.ended(step, outcome).await;
        self.current = step + 1;
        let goes_on = code == 0 || !self.job.plan.stop_on_error;
        if goes_on && self.current < self.job.plan.commands.len() {
            self.since = self.job.started_at(self.current, self.pane, now);
        }
    }

    /// The step that had its turn ended with the shell.
    async fn shell_ended(&mut self, stopped: Option<StopReason>) {
        let step = self.current;
        // All have ended, or what follows a failed one is skipped.
        if self.job.entry.pane_of(step).is_none() {
            return;
        }
        let mut outcome = self.job.outcome(self.pane, stopped);
        outcome.duration = Some(self.since.elapsed());
        outcome.output = self.output(step, true).await;
        self.job.ended(step, outcome).await;
    }

    /// The end of a step's output: up to its mark, or up to the end of all output for the last one.
    async fn output(&mut self, step: usize, is_last: bool) -> Option<String> {
        let (lines, bytes) = (self.job.plan.output_lines, self.job.tail_bytes());
        if lines == 0 {
            return None;
        }
        let mark = (!is_last).then(|| format!("{}-{step}", self.nonce));
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
                    return Some(text);
                }
                Ok(None) => tokio::time::sleep(MARK_PAUSE).await,
                Err(_) => return None,
            }
        }
    }
}

/// The last lines between two places.
fn tail(screen: &Screen, from: &TextCursor, to: &TextCursor, lines: usize, bytes: usize) -> String {
    let text = screen.read_since(from, usize::MAX).text;
    let after = screen.read_since(to, usize::MAX).text;
    let text = text.strip_suffix(after.as_str()).unwrap_or(&text);
    let text = text.trim_end_matches('\n');
    let start = text
        .rmatch_indices('\n')
        .nth(lines - 1)
        .map_or(0, |(at, _)| at + 1);
    let start = start.max(text.ceil_char_boundary(text.len().saturating_sub(bytes)));
    text[start..].to_owned()
}
