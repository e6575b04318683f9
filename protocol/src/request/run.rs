//! Calls about orchestrations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::geometry::Size;
use crate::id::OrchestrationUuid;
use crate::target::Target;

/// The place of an orchestration's panes.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RunLayout {
    /// In a session of their own that nobody looks at.
    #[default]
    Hidden,
    /// As splits in the active session.
    Tiled,
}

/// Standard input, output and error of the commands of `run_parallel`.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RunStreams {
    /// Their pane's terminal, all three.
    #[default]
    Terminal,
    /// Nothing to read, and pipes: they have no terminal. What they print is shown in their pane.
    Pipes,
    /// The same, but the end of what they print to standard error is in the result by itself, and not in the pane.
    Apart,
}

/// One command of `run_parallel`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ParallelCommand {
    /// A command line for the shell.
    pub command: String,
    /// What it is called in the result; `task-N` when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Absolute working directory.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Variables for this command.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// The options that both kinds of orchestration take.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunOptions {
    /// Found by name or id, else created with this name.
    #[serde(default)]
    pub session: Option<Target>,
    /// Where the panes are when `session` is absent.
    #[serde(default)]
    pub layout: RunLayout,
    /// Close the panes at the end and delete the session if this orchestration made it;
    /// `run_parallel` defaults to true, `run_pipeline` to false.
    #[serde(default)]
    pub cleanup: Option<bool>,
    /// Time for all commands together, in milliseconds; 300,000 for parallel, 600,000 for pipeline when absent.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// The last so many lines of each command's output in the result, at most 1,000.
    #[serde(default)]
    pub output_lines: u32,
    /// The same for commands that did not complete, when that is more.
    #[serde(default)]
    pub failed_output_lines: u32,
    /// The size of the panes in a session that is made for it; 50 rows of 200 columns when absent.
    #[serde(default)]
    pub size: Option<Size>,
    /// Absolute working directory for all commands.
    #[serde(default)]
    pub cwd: Option<String>,
    /// The caller's whole environment, as in [`CreateSession`](super::CreateSession).
    #[serde(default)]
    pub environment: Option<BTreeMap<String, String>>,
    /// Variables for all commands.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The shell that runs the command lines; `bash` where it is installed, else `sh`, when absent.
    #[serde(default)]
    pub shell: Option<String>,
    /// Memory that each pane may use, in bytes; needs a server with control groups.
    #[serde(default)]
    pub memory_max: Option<u64>,
}

/// Runs commands side by side, each in a pane of its own.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunParallel {
    /// 1 to 256 commands.
    pub commands: Vec<ParallelCommand>,
    /// At most so many at a time; all when absent.
    #[serde(default)]
    pub max_parallel: Option<u32>,
    /// Whether the commands have a terminal. An older server gives them one.
    #[serde(default)]
    pub streams: RunStreams,
    /// What both kinds take.
    #[serde(default)]
    pub options: RunOptions,
}

/// One step of `run_pipeline`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PipelineStep {
    /// A command line for the shell.
    pub command: String,
    /// What it is called in the result; `step-N` when absent.
    #[serde(default)]
    pub name: Option<String>,
}

/// Runs steps one after another in one shell in one pane.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunPipeline {
    /// 1 to 256 steps.
    pub steps: Vec<PipelineStep>,
    /// Skip what follows a failed step; true when absent.
    #[serde(default)]
    pub stop_on_error: Option<bool>,
    /// What both kinds take.
    #[serde(default)]
    pub options: RunOptions,
}

/// An orchestration's state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GetOrchestration {
    /// Which.
    pub orchestration_id: OrchestrationUuid,
    /// Wait until its version is above this one or it has ended.
    #[serde(default)]
    pub after_version: Option<u64>,
    /// Wait until it has ended.
    #[serde(default)]
    pub wait: bool,
    /// How long a wait may take, in milliseconds; at most one hour.
    #[serde(default)]
    pub timeout_ms: u64,
}

/// All orchestrations that run or ended within the last hour.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ListOrchestrations {}

/// Ends an orchestration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CancelOrchestration {
    /// Which.
    pub orchestration_id: OrchestrationUuid,
}
