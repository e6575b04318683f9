//! The outcome of a command, and the reasons for which one is ended or not believed.

use std::time::{Duration, Instant};

use protocol::PaneUuid;
use protocol::reply::{ExitStatus, RunStatus, Usage};
use serde::{Deserialize, Serialize};

/// The reasons for which commands are ended before they end by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The time limit ran out.
    Timeout,
    /// Somebody cancelled it.
    Cancelled,
    /// Its actor cannot go on.
    Broken,
}

impl StopReason {
    /// The status of what it ended.
    #[must_use]
    pub fn status(self) -> RunStatus {
        match self {
            Self::Timeout => RunStatus::Timeout,
            Self::Cancelled => RunStatus::Cancelled,
            Self::Broken => RunStatus::Failed,
        }
    }

    pub(super) fn never_started(self) -> &'static str {
        match self {
            Self::Timeout => "it was not started before the time ran out",
            Self::Cancelled => "it was not started before the cancel",
            Self::Broken => "it was not started: the orchestration's actor could not go on",
        }
    }
}

/// The reasons for which the reports of a pipeline's shell do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// A step has ended twice.
    ToldTwice,
    /// A step has ended that was not begun.
    NotBegun,
    /// The shell has ended otherwise than its last step.
    Contradicted,
}

impl Doubt {
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::ToldTwice => {
                "unknown: its shell's reports name a step twice, so they are not believed from there on"
            }
            Self::NotBegun => {
                "unknown: its shell's reports name a step that had not begun, so they are not believed from there on"
            }
            Self::Contradicted => "unknown: the shell ended otherwise than it had reported",
        }
    }
}

/// A command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// In this pane.
    pub pane: PaneUuid,
    /// Since then.
    pub at: Instant,
}

/// The last lines of an output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// As much of them as fits.
    pub text: String,
    /// What does not, at their beginning.
    pub omitted_bytes: u64,
}

impl Tail {
    /// The last `lines` of `text`, at most `bytes` of them. What is cut is cut behind the end of a line where one is near.
    #[must_use]
    pub fn of(text: &str, lines: usize, bytes: usize) -> Self {
        let text = text.trim_end_matches('\n');
        let first = lines.checked_sub(1).map_or(text.len(), |before| {
            let begin = text.rmatch_indices('\n').nth(before);
            begin.map_or(0, |(at, _)| at + 1)
        });
        let wanted = &text[first..];
        let cut = wanted.ceil_char_boundary(wanted.len().saturating_sub(bytes));
        Self {
            text: wanted[cut..].to_owned(),
            omitted_bytes: cut as u64,
        }
    }
}

/// The outcome of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Always a final one.
    pub status: RunStatus,
    /// Its exit code, when it exited.
    pub exit_code: Option<i32>,
    /// The signal that killed it.
    pub signal: Option<i32>,
    /// How long it ran.
    pub duration: Option<Duration>,
    /// Processor time and memory that it used, where its keeper has seen that; never of a step of a pipeline.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// The end of its output, when that was asked for.
    pub output: Option<String>,
    /// Bytes of the lines asked for that are missing at its beginning.
    #[serde(default)]
    pub omitted_bytes: u64,
    /// The end of its standard error, where that is apart.
    #[serde(default)]
    pub stderr: Option<String>,
    /// Bytes that are missing at its beginning.
    #[serde(default)]
    pub stderr_omitted_bytes: u64,
    /// Why it was not started, or why its end is not known.
    pub error: Option<String>,
    /// How it ended is not known: its status is a failure because unknown is no success.
    #[serde(default)]
    pub unknown: bool,
    /// The mark behind its output.
    #[serde(default)]
    pub mark: Option<String>,
}

impl Outcome {
    /// It never ran, or nobody knows how it ended.
    #[must_use]
    pub fn without_exit(status: RunStatus, error: impl Into<String>) -> Self {
        Self {
            status,
            error: Some(error.into()),
            ..Self::default()
        }
    }

    /// The same with the end of its output.
    #[must_use]
    pub fn with_output(mut self, tail: Option<Tail>) -> Self {
        if let Some(tail) = tail {
            self.output = Some(tail.text);
            self.omitted_bytes = tail.omitted_bytes;
        }
        self
    }

    /// The same with the end of its standard error, of which `before` bytes were not kept.
    #[must_use]
    pub fn with_stderr(mut self, tail: Tail, before: u64) -> Self {
        self.stderr = Some(tail.text);
        self.stderr_omitted_bytes = tail.omitted_bytes + before;
        self
    }

    /// Nobody knows how it ended.
    #[must_use]
    pub fn unknown(error: impl Into<String>) -> Self {
        Self {
            unknown: true,
            ..Self::without_exit(RunStatus::Failed, error)
        }
    }

    /// The same when what was told of it is not believed.
    #[must_use]
    pub fn doubted(&self, doubt: Doubt) -> Self {
        Self {
            duration: self.duration,
            output: self.output.clone(),
            omitted_bytes: self.omitted_bytes,
            stderr: self.stderr.clone(),
            stderr_omitted_bytes: self.stderr_omitted_bytes,
            ..Self::unknown(doubt.why())
        }
    }

    /// It ended so. What ended because it was stopped has the status of that, whatever its exit.
    #[must_use]
    pub fn of(exit: &ExitStatus, duration: Duration, stopped: Option<StopReason>) -> Self {
        let own = if exit.success() {
            RunStatus::Completed
        } else {
            RunStatus::Failed
        };
        let mut outcome = Self {
            status: stopped.map_or(own, StopReason::status),
            duration: Some(duration),
            ..Self::default()
        };
        match exit {
            ExitStatus::Exited { code } => outcome.exit_code = Some(*code),
            ExitStatus::Signaled { signal, .. } => outcome.signal = Some(*signal),
            ExitStatus::OutOfMemory { .. } => {
                outcome.signal = Some(9);
                outcome.error = Some(exit.to_string());
            }
            ExitStatus::SpawnFailed { reason } => outcome.error = Some(reason.clone()),
            ExitStatus::Lost { reason } => {
                outcome.error = Some(reason.clone());
                outcome.unknown = true;
            }
        }
        outcome
    }
}
