//! The replies of the calls about orchestrations.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{SessionContext, Usage};
use crate::error::{Error, ErrorCode};
use crate::id::{OrchestrationUuid, PaneUuid};
use crate::name::shown;
use crate::short::{OrchestrationNumber, PaneNumber};

/// The status of a command or an orchestration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RunStatus {
    /// Waits for its turn.
    #[default]
    Pending,
    /// Runs.
    Running,
    /// Ended with 0; an orchestration: all of it.
    Completed,
    /// An orchestration of which some commands failed.
    Partial,
    /// Ended otherwise; an orchestration: all of it, or its pipeline stopped.
    Failed,
    /// Ended by the time limit.
    Timeout,
    /// Ended by a cancel.
    Cancelled,
    /// Never started because an earlier step failed.
    Skipped,
}

impl RunStatus {
    /// It will not change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// One command of an orchestration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CommandResult {
    /// Given, or `task-N`, `step-N`.
    pub name: String,
    /// The command line.
    pub command: String,
    /// Where it is.
    pub status: RunStatus,
    /// Its exit code, when it exited.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// The signal that killed it.
    #[serde(default)]
    pub signal: Option<i32>,
    /// Its pane, closed or not.
    #[serde(default)]
    pub pane_id: Option<PaneUuid>,
    /// That pane's number, for people, as long as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PaneNumber>,
    /// How long it ran or has run, in milliseconds.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// What it used, once it has ended; absent for the steps of a pipeline.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The end of its output, when that was asked for; of a command that runs, the end so far.
    #[serde(default)]
    pub output: Option<String>,
    /// Bytes of the lines asked for that are missing at the output's beginning: too many for the result, or of a pipeline's step and gone from
    /// the scrollback before the daemon could take them, which counts one for each row.
    #[serde(default)]
    pub omitted_bytes: u64,
    /// The end of its standard error, where that is apart and output was asked for.
    #[serde(default)]
    pub stderr: Option<String>,
    /// Bytes that are missing at its beginning.
    #[serde(default)]
    pub stderr_omitted_bytes: u64,
    /// Of a command that runs: how long it has printed nothing, in milliseconds.
    #[serde(default)]
    pub idle_ms: Option<u64>,
    /// Of a command that runs: its program waits for keys.
    #[serde(default)]
    pub waits_for_keys: bool,
    /// Why it could not be started or is not known.
    #[serde(default)]
    pub error: Option<String>,
    /// How it ended is not known. Its status is `failed` then, which older clients know.
    #[serde(default)]
    pub unknown: bool,
}

impl CommandResult {
    /// Its status in one word for people and programs.
    #[must_use]
    pub fn told(&self) -> String {
        match self.unknown {
            true => "unknown".to_owned(),
            false => self.status.to_string(),
        }
    }
}

/// The two kinds of orchestration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OrchestrationKind {
    /// `run_parallel`.
    Parallel,
    /// `run_pipeline`.
    Pipeline,
}

/// An orchestration's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Orchestration {
    /// The handle.
    pub orchestration_id: OrchestrationUuid,
    /// Its number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<OrchestrationNumber>,
    /// Which kind.
    pub kind: OrchestrationKind,
    /// Where it is as a whole.
    pub status: RunStatus,
    /// The session of its panes.
    pub context: SessionContext,
    /// It made that session.
    pub session_created: bool,
    /// Its panes are closed at its end.
    pub cleanup: bool,
    /// Grows with each change.
    pub version: u64,
    /// The commands or steps in the order in which they were given.
    pub commands: Vec<CommandResult>,
    /// The first failed step of a pipeline.
    #[serde(default)]
    pub failed_at: Option<String>,
    /// A pipeline's pane, when it is kept.
    #[serde(default)]
    pub pane_id: Option<PaneUuid>,
    /// The shell that runs the commands; empty from an older server.
    #[serde(default)]
    pub shell: String,
    /// Processes that its programs had left running in their panes: `NAME (pid PID)`. With `cleanup` they were ended with the panes.
    #[serde(default)]
    pub left_running: Vec<String>,
    /// When it began, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// How long it took or has taken, in milliseconds.
    pub duration_ms: u64,
}

/// Orchestrations, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Orchestrations {
    /// Running or ended within the last hour.
    pub orchestrations: Vec<Orchestration>,
}

impl Orchestrations {
    /// The id of the one that a person or a program means by a number.
    ///
    /// # Errors
    /// `not_found` with the numbers there are.
    pub fn numbered(&self, number: OrchestrationNumber) -> Result<OrchestrationUuid, Error> {
        let all = &self.orchestrations;
        let found = all.iter().find(|one| one.number == Some(number));
        found.map(|one| one.orchestration_id).ok_or_else(|| {
            let numbers = all.iter().filter_map(|one| one.number);
            Error::new(
                ErrorCode::NotFound,
                format!("no orchestration of the last hour has the number {number}"),
            )
            .candidates(numbers.map(|number| number.to_string()))
        })
    }
}

/// An orchestration as somebody names it within one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrchestrationTarget {
    /// By its id.
    Id(OrchestrationUuid),
    /// By its number.
    Number(OrchestrationNumber),
}

impl FromStr for OrchestrationTarget {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Ok(id) = Uuid::from_str(text) {
            return Ok(Self::Id(id.into()));
        }
        text.parse().map(Self::Number).map_err(|_| {
            Error::invalid(format!("{} names no orchestration", shown(text)))
                .hint("write its number, like 3, or its id; `fugue orchestrations` and fugue_get_orchestration without arguments list them")
        })
    }
}

#[cfg(test)]
mod tests;
