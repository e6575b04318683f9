//! What comes back: one type a call, shared by CLI, MCP and HTTP.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::geometry::Size;
use crate::id::{ClientUuid, InstanceUuid, OrchestrationUuid, PaneUuid, SessionUuid, WindowUuid};
use crate::name::{Name, ServerName};
use crate::request::RestartType;

/// Done; there is nothing else to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// One step of the health round trip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// What was asked.
    pub name: String,
    /// It answered in time.
    pub ok: bool,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// Why it is not well.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Health, version and counts of one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// The server's name.
    pub server: ServerName,
    /// Its program version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Which process life this is.
    pub instance: InstanceUuid,
    /// Since its start, in milliseconds.
    pub uptime_ms: u64,
    /// Live sessions.
    pub sessions: u32,
    /// Live panes.
    pub panes: u32,
    /// Connections, the asking one included.
    pub clients: u32,
    /// Running orchestrations.
    pub orchestrations: u32,
    /// Resident memory of the daemon in KiB.
    pub resident_kib: u64,
    /// Open file descriptors of the daemon.
    pub open_fds: u32,
    /// The health round trip.
    pub health: Vec<HealthCheck>,
}

/// The daemon is about to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {
    /// Its process id, whose end is the end of the stop.
    pub pid: u32,
    /// Panes whose programs are ended.
    pub ended_panes: u32,
    /// Panes whose programs go on.
    pub kept_panes: u32,
}

/// A session as it stands in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// The immutable id.
    pub session_id: SessionUuid,
    /// The name, unique among the live sessions.
    pub name: Name,
    /// How many windows.
    pub windows: u32,
    /// How many panes.
    pub panes: u32,
    /// How many clients are attached.
    pub attached_clients: u32,
    /// It is the active session.
    pub active: bool,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it was last used, in milliseconds since 1970.
    pub last_activity_at_ms: u64,
    /// Size of its windows.
    pub size: Size,
    /// Its tags.
    pub tags: Vec<String>,
}

/// All sessions of one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    /// The server's name.
    pub server: ServerName,
    /// In order of creation.
    pub sessions: Vec<SessionInfo>,
}

/// Which session an answer is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionContext {
    /// The immutable id.
    pub session_id: SessionUuid,
    /// The name at the time of the answer.
    pub session_name: Name,
    /// The server that holds it.
    pub server: ServerName,
}

/// One session in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionDetail {
    /// As in a list.
    pub session: SessionInfo,
    /// Which session this is.
    pub context: SessionContext,
    /// Variables set for this session on top of its base environment; `null` takes one out.
    pub environment: BTreeMap<String, Option<String>>,
    /// Metadata.
    pub metadata: BTreeMap<String, String>,
    /// Windows in order.
    pub windows: Vec<WindowInfo>,
    /// The ids of the attached clients.
    pub clients: Vec<ClientUuid>,
}

/// A window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowInfo {
    /// The immutable id.
    pub window_id: WindowUuid,
    /// Its session.
    pub session_id: SessionUuid,
    /// Position in the session, from 0.
    pub index: u32,
    /// The label.
    pub name: Name,
    /// It is its session's focused window.
    pub focused: bool,
    /// Its focused pane.
    pub focused_pane: PaneUuid,
    /// The panes in layout order.
    pub panes: Vec<PaneUuid>,
    /// The split tree in words: `right(0.50: pane-id, down(0.30: …))`.
    pub layout: String,
    /// Its size.
    pub size: Size,
}

/// A session's windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Windows {
    /// Which session.
    pub context: SessionContext,
    /// In order.
    pub windows: Vec<WindowInfo>,
}

/// How a program ended, from its wait status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ExitStatus {
    /// It exited by itself.
    Exited {
        /// 0 to 255.
        code: i32,
    },
    /// A signal killed it.
    Signaled {
        /// The signal's number.
        signal: i32,
        /// It left a core dump.
        #[serde(default)]
        core_dumped: bool,
    },
    /// It could not be started (again).
    SpawnFailed {
        /// Why.
        reason: String,
    },
    /// Its keeper is gone, so nobody knows.
    Lost {
        /// What is known.
        reason: String,
    },
}

impl ExitStatus {
    /// It exited by itself with 0. Unknown is not success.
    #[must_use]
    pub fn success(&self) -> bool {
        matches!(self, Self::Exited { code: 0 })
    }

    /// The status as a shell shows it: the code, 128 + the signal, 127 or 125.
    #[must_use]
    pub fn shell_code(&self) -> i32 {
        match self {
            Self::Exited { code } => *code,
            Self::Signaled { signal, .. } => 128 + signal,
            Self::SpawnFailed { .. } => 127,
            Self::Lost { .. } => 125,
        }
    }
}

impl std::fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited { code } => write!(f, "exited({code})"),
            Self::Signaled {
                signal,
                core_dumped,
            } => {
                let core = if *core_dumped { ", core dumped" } else { "" };
                write!(f, "signaled({signal} {}{core})", signal_name(*signal))
            }
            Self::SpawnFailed { reason } => write!(f, "spawn_failed({reason})"),
            Self::Lost { reason } => write!(f, "lost({reason})"),
        }
    }
}

/// The name of a Linux signal, `SIG?` when it has none.
///
/// Source: signal(7), x86 and ARM numbers.
#[must_use]
pub fn signal_name(signal: i32) -> &'static str {
    const NAMES: [&str; 31] = [
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGILL",
        "SIGTRAP",
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGKILL",
        "SIGUSR1",
        "SIGSEGV",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGSTKFLT",
        "SIGCHLD",
        "SIGCONT",
        "SIGSTOP",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
        "SIGURG",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGVTALRM",
        "SIGPROF",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
        "SIGSYS",
    ];
    usize::try_from(signal - 1)
        .ok()
        .and_then(|index| NAMES.get(index))
        .copied()
        .unwrap_or("SIG?")
}

/// A pane's program: running, or how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaneStatus {
    /// How it ended; absent while it runs.
    #[serde(default)]
    pub exit: Option<ExitStatus>,
    /// How long it ran or has run, in milliseconds.
    pub duration_ms: u64,
    /// When it ended, in milliseconds since 1970.
    #[serde(default)]
    pub ended_at_ms: Option<u64>,
    /// A restart is due.
    #[serde(default)]
    pub restarting: bool,
    /// How often the program was started again.
    #[serde(default)]
    pub restarts: u32,
}

/// A pane as it stands in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaneInfo {
    /// The immutable id.
    pub pane_id: PaneUuid,
    /// Its session.
    pub session_id: SessionUuid,
    /// Its session's name.
    pub session_name: Name,
    /// Its window.
    pub window_id: WindowUuid,
    /// Position in the window's layout, from 0.
    pub index: u32,
    /// The label.
    #[serde(default)]
    pub name: Option<Name>,
    /// The program's process id.
    pub pid: u32,
    /// Its keeper's process id.
    pub keeper_pid: u32,
    /// What is executed.
    pub command: String,
    /// Where the program is now, as far as it is known.
    pub cwd: String,
    /// Size in cells.
    pub size: Size,
    /// The title that the program set.
    pub title: String,
    /// Running, or how it ended.
    pub status: PaneStatus,
    /// What happens when the program ends.
    pub restart: RestartType,
    /// The ended pane is kept.
    pub remain_on_exit: bool,
    /// It is its window's focused pane.
    pub focused: bool,
    /// Time since the last output, in milliseconds.
    pub idle_ms: u64,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
}

/// Panes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Panes {
    /// Which session; absent for all sessions.
    #[serde(default)]
    pub context: Option<SessionContext>,
    /// In layout order.
    pub panes: Vec<PaneInfo>,
}

/// A pane was made and its program runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaneCreated {
    /// Which session.
    pub context: SessionContext,
    /// Which window.
    pub window_id: WindowUuid,
    /// The pane.
    pub pane_id: PaneUuid,
    /// The program's process id.
    pub pid: u32,
    /// Where its output begins.
    pub cursor: String,
}

/// A pane's final state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaneEnd {
    /// The pane.
    pub pane_id: PaneUuid,
    /// Its label.
    #[serde(default)]
    pub name: Option<Name>,
    /// What was executed.
    pub command: String,
    /// How its program ended.
    pub status: PaneStatus,
    /// Processes that could not be killed; there should be none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub survivors: Vec<u32>,
}

/// What was ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Killed {
    /// Which session.
    pub context: SessionContext,
    /// The session is gone too.
    pub session_ended: bool,
    /// Each pane's final state.
    pub panes: Vec<PaneEnd>,
}

/// The program's end, or that it still runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaneWaited {
    /// Which session.
    pub context: SessionContext,
    /// The pane.
    pub pane_id: PaneUuid,
    /// Running when the time limit ran out.
    pub status: PaneStatus,
}

/// Text of a pane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaneText {
    /// Which session.
    pub context: SessionContext,
    /// The pane.
    pub pane_id: PaneUuid,
    /// Lines joined by line feeds.
    pub text: String,
    /// Give it as `since` to read on.
    pub cursor: String,
    /// Older text of the asked part was cut to `max_bytes`.
    pub truncated: bool,
    /// Lines after `since` that had left the scrollback before they were read.
    pub dropped_lines: u64,
    /// The pane's program.
    pub status: PaneStatus,
}

/// What was typed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputSent {
    /// Which session.
    pub context: SessionContext,
    /// The pane.
    pub pane_id: PaneUuid,
    /// Bytes that the program's terminal took.
    pub bytes: u64,
    /// Give it as `since`: output after it is not the echo of what was typed.
    pub cursor: String,
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ExpectOutcome {
    /// The pattern is there.
    Match,
    /// The program ended.
    Exit,
    /// It was quiet.
    Idle,
    /// The time limit.
    Timeout,
}

/// The end of a wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Which session.
    pub context: SessionContext,
    /// The pane.
    pub pane_id: PaneUuid,
    /// What came first.
    pub outcome: ExpectOutcome,
    /// The matched text.
    #[serde(default)]
    pub text: Option<String>,
    /// The pattern's groups, from 1.
    #[serde(default)]
    pub groups: Vec<Option<String>>,
    /// Give it as `since` to go on behind the match.
    pub cursor: String,
    /// The pane's program.
    pub status: PaneStatus,
    /// How long it took, in milliseconds.
    pub waited_ms: u64,
}

/// A view is attached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attached {
    /// Which session.
    pub context: SessionContext,
    /// Which window.
    pub window_id: WindowUuid,
    /// Which pane.
    pub pane_id: PaneUuid,
    /// Clients attached to the session now.
    pub attached_clients: u32,
}

/// Where a command or an orchestration is.
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
    /// How long it ran or has run, in milliseconds.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// The end of its output, when that was asked for.
    #[serde(default)]
    pub output: Option<String>,
    /// Why it could not be started or is not known.
    #[serde(default)]
    pub error: Option<String>,
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

/// The caller's place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Whoami {
    /// The server.
    pub server: ServerName,
    /// The caller's own session, when it runs inside a pane.
    #[serde(default)]
    pub session: Option<SessionContext>,
    /// The caller's own window.
    #[serde(default)]
    pub window_id: Option<WindowUuid>,
    /// The caller's own pane.
    #[serde(default)]
    pub pane_id: Option<PaneUuid>,
    /// The active session.
    #[serde(default)]
    pub active: Option<SessionContext>,
    /// Clients attached to any session.
    pub attached_clients: u32,
}

/// An exit of a supervised child.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeExit {
    /// The exit reason in words.
    pub reason: String,
    /// How long ago, in milliseconds.
    pub age_ms: u64,
}

/// One node of the actor tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeNode {
    /// The child's id within its supervisor.
    pub id: String,
    /// Ids from the root, joined by `/`.
    pub path: String,
    /// `supervisor` with its strategy, `dynamic`, or `actor`.
    pub kind: String,
    /// `running`, `restarting`, `stopped`, `quarantined` and so on.
    pub status: String,
    /// How long it has had this status, in milliseconds.
    pub since_ms: u64,
    /// Restarts within the period of its intensity.
    pub restarts_in_window: u32,
    /// The intensity's limit.
    pub max_restarts: u32,
    /// All restarts.
    pub restarts_total: u64,
    /// The last exits, newest first, at most 8.
    pub exits: Vec<TreeExit>,
    /// Messages waiting.
    pub mailbox: u64,
    /// Age of the oldest waiting message, in milliseconds.
    #[serde(default)]
    pub oldest_ms: Option<u64>,
    /// Messages handled.
    pub handled: u64,
    /// Half of the messages were handled within so many microseconds.
    pub handler_p50_us: u64,
    /// 99 of 100 messages were handled within so many microseconds.
    pub handler_p99_us: u64,
    /// What it is busy with, and for how long in milliseconds.
    #[serde(default)]
    pub busy: Option<(String, u64)>,
    /// Facts of its own: pid, command, attached clients.
    #[serde(default)]
    pub details: Vec<(String, String)>,
    /// In start order.
    #[serde(default)]
    pub children: Vec<TreeNode>,
}
