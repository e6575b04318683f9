//! The replies of the calls about panes.

use serde::{Deserialize, Serialize};

use super::{Notification, ProgramStatus, Progress, SessionContext};
use crate::geometry::Size;
use crate::id::{PaneUuid, SessionUuid, WindowUuid};
use crate::name::Name;
use crate::request::PaneSettings;
use crate::short::PaneNumber;

/// The end of a program, from its wait status.
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
    /// The kernel killed it, because its pane used more memory than it may.
    OutOfMemory {
        /// The pane's limit in bytes, if it has one of its own.
        #[serde(default)]
        memory_max: Option<u64>,
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
            Self::OutOfMemory { .. } => 128 + 9,
            Self::SpawnFailed { .. } => 127,
            Self::Lost { .. } => 125,
        }
    }
}

impl std::fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited { code } => write!(f, "exit {code}"),
            Self::Signaled {
                signal,
                core_dumped,
            } => {
                match signal_name(*signal) {
                    "SIG?" => write!(f, "ended by signal {signal}")?,
                    name => write!(f, "ended by {name}")?,
                }
                f.write_str(if *core_dumped { ", core dumped" } else { "" })
            }
            Self::OutOfMemory {
                memory_max: Some(bytes),
            } => write!(f, "out of memory: killed at its limit of {bytes} bytes"),
            Self::OutOfMemory { memory_max: None } => f.write_str("out of memory: killed"),
            Self::SpawnFailed { reason } => write!(f, "cannot start: {reason}"),
            Self::Lost { reason } => write!(f, "lost: {reason}"),
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

/// The reason for which the server cannot get at a pane of an earlier one. It tries again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreachable {
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// What came of the last try.
    pub reason: String,
    /// A process with its program's pid and start time is there; else nothing is known of it.
    #[serde(default)]
    pub program_lives: bool,
}

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let program = match self.program_lives {
            true => "its program lives",
            false => "nothing is known of its program",
        };
        write!(f, "unreachable: {}; {program}", self.reason)
    }
}

/// Resources that a program has used, as wait4(2) told its keeper: the program itself and the children that it has
/// waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time in user mode, in milliseconds.
    pub user_ms: u64,
    /// Processor time in the kernel, in milliseconds.
    pub sys_ms: u64,
    /// Memory of the largest single one of these processes at its most, in KiB.
    pub max_rss_kib: u64,
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
    /// What it has used, once it has ended and its keeper has seen it.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// A restart is due.
    #[serde(default)]
    pub restarting: bool,
    /// How often the program was started again.
    #[serde(default)]
    pub restarts: u32,
    /// The pane cannot be reached, and nothing is decided about its program meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<Unreachable>,
    /// The state that it tells (OSC 7501); absent when that is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ProgramStatus>,
}

/// The number of a signal by its name, with or without `SIG`, or by its number in digits.
#[must_use]
pub fn signal_number(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return (1..=64).contains(&number).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let wanted = if upper.starts_with("SIG") {
        upper
    } else {
        format!("SIG{upper}")
    };
    (1..=31).find(|number| signal_name(*number) == wanted)
}

/// A signal was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signalled {
    /// Which session.
    pub context: SessionContext,
    /// The pane.
    pub pane_id: PaneUuid,
    /// So many processes got it.
    pub processes: u32,
}

/// A pane as it stands in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaneInfo {
    /// The immutable id.
    pub pane_id: PaneUuid,
    /// Its number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PaneNumber>,
    /// Its session.
    pub session_id: SessionUuid,
    /// Its session's name.
    pub session_name: Name,
    /// Its window.
    pub window_id: WindowUuid,
    /// Position of its window in the session, from 0; absent from an older server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_index: Option<u32>,
    /// Its window is its session's focused one; absent from an older server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_focused: Option<bool>,
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
    /// Where the program is now, as far as it is known; for people, where it is not UTF-8.
    pub cwd: String,
    /// The same as it can be given back (`protocol::os_text`), where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd_raw: Option<String>,
    /// Size in cells.
    pub size: Size,
    /// The title that the program set.
    pub title: String,
    /// Running, or how it ended.
    pub status: PaneStatus,
    /// The choices of its maker.
    #[serde(flatten)]
    pub settings: PaneSettings,
    /// It is its window's focused pane.
    pub focused: bool,
    /// Time since the text on the screen changed, in milliseconds.
    pub idle_ms: u64,
    /// Time since the last output, such as a title that blinks, in milliseconds.
    #[serde(default)]
    pub output_idle_ms: u64,
    /// The alternate screen is shown, which keeps nothing of what scrolls away.
    #[serde(default)]
    pub alternate: bool,
    /// How far the program says it is (OSC 9;4).
    #[serde(default, skip_serializing_if = "Progress::is_none")]
    pub progress: Progress,
    /// The program's last notification (OSC 9, OSC 777, OSC 99).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification: Option<Notification>,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// It is a read-only view of this pane, whose program and size it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror_of: Option<PaneUuid>,
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

/// Processor time and memory that a pane's processes have at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaneUsage {
    /// The pane.
    pub pane_id: PaneUuid,
    /// Its live processes.
    pub processes: u32,
    /// Processor time of all that it has started, as far as it was waited for, in milliseconds: of its control group, else of its
    /// processes and what they have waited for.
    pub cpu_ms: u64,
    /// Memory in bytes: that of its control group, else the resident memory of its processes, in which shared pages count for each.
    pub memory_bytes: u64,
}

/// The use of the machine by panes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaneUsages {
    /// Those whose program runs, in no order.
    pub panes: Vec<PaneUsage>,
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
    /// Its number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PaneNumber>,
    /// The program's process id.
    pub pid: u32,
    /// Where its output begins.
    pub cursor: String,
}

/// A layout was made and all its programs run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayoutCreated {
    /// Which session.
    pub context: SessionContext,
    /// Which window.
    pub window_id: WindowUuid,
    /// In layout order.
    pub panes: Vec<LayoutPane>,
}

/// A pane of a new layout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayoutPane {
    /// The pane.
    pub pane_id: PaneUuid,
    /// Its number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PaneNumber>,
    /// The label.
    #[serde(default)]
    pub name: Option<Name>,
    /// The program's process id.
    pub pid: u32,
    /// Where its output begins.
    pub cursor: String,
    /// First row in the window, from 0.
    pub row: u16,
    /// First column in the window, from 0.
    pub col: u16,
    /// Size in cells.
    pub size: Size,
}

/// A mirror was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaneMirrored {
    /// Where the mirror is.
    pub context: SessionContext,
    /// Its window.
    pub window_id: WindowUuid,
    /// Its own id.
    pub pane_id: PaneUuid,
    /// Its number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PaneNumber>,
    /// The pane it shows.
    pub mirror_of: PaneUuid,
}

/// A pane's final state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaneEnd {
    /// The pane.
    pub pane_id: PaneUuid,
    /// Its number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PaneNumber>,
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

/// The panes that were ended.
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
    /// Its number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PaneNumber>,
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
    /// Lines after `since` that had left the scrollback before they were read. Unknown, and not 0, on the alternate screen.
    pub dropped_lines: u64,
    /// The text is of the alternate screen, which keeps nothing of what scrolls away.
    #[serde(default)]
    pub alternate: bool,
    /// Rows that are joined to the one before, because a long line goes on in them.
    #[serde(default)]
    pub joined_rows: u64,
    /// The line that was read last was written over or erased since: the text does not go on behind it, but begins with what stands there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rewritten: bool,
    /// The pane's program.
    pub status: PaneStatus,
}

/// The input that was typed.
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
    /// The text went in as one paste.
    #[serde(default)]
    pub pasted: bool,
    /// Enter was pressed, for `submit`, for a key or for the newline at the text's end.
    #[serde(default)]
    pub submitted: bool,
}

/// The reason for the end of a wait.
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
    /// The program is in a state that was waited for.
    State,
}

/// The end of a wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Which session.
    pub context: SessionContext,
    /// The pane.
    pub pane_id: PaneUuid,
    /// Its number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PaneNumber>,
    /// What came first.
    pub outcome: ExpectOutcome,
    /// The matched text.
    #[serde(default)]
    pub text: Option<String>,
    /// The whole line, or lines, that the match is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The pattern's groups, from 1.
    #[serde(default)]
    pub groups: Vec<Option<String>>,
    /// Give it as `since` to go on behind the match.
    pub cursor: String,
    /// The pane's program.
    pub status: PaneStatus,
    /// How long it took, in milliseconds.
    pub waited_ms: u64,
    /// The alternate screen is shown, which keeps nothing of what scrolls away.
    #[serde(default)]
    pub alternate: bool,
    /// Time since the last output of any kind, in milliseconds, when the pane is still there.
    #[serde(default)]
    pub output_idle_ms: Option<u64>,
}
