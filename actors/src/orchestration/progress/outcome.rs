//! What became of a command.

use std::time::{Duration, Instant};

use protocol::PaneUuid;
use protocol::reply::{ExitStatus, RunStatus};
use serde::{Deserialize, Serialize};

/// Why commands are ended before they end by themselves.
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

/// A command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// In this pane.
    pub pane: PaneUuid,
    /// Since then.
    pub at: Instant,
}

/// What became of a command.
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
    /// The end of its output, when that was asked for.
    pub output: Option<String>,
    /// Why it was not started, or why its end is not known.
    pub error: Option<String>,
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
            ExitStatus::SpawnFailed { reason } | ExitStatus::Lost { reason } => {
                outcome.error = Some(reason.clone());
            }
        }
        outcome
    }
}
