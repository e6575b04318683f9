//! Calls about panes: making, typing, reading, waiting, ending.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::geometry::Direction;
use crate::name::Name;
use crate::reply::ProgramState;
use crate::target::Target;

/// The program that a pane executes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// The user's shell: the one in `SHELL`, else the account's. Interactive, and a login shell only where [`PaneSpec::login`] says so.
    #[default]
    LoginShell,
    /// A command line for a shell (`sh` unless another is named), run with `-c`.
    ShellLine {
        /// The command line.
        line: String,
        /// The shell's path or name.
        #[serde(default)]
        shell: Option<String>,
    },
    /// A program and its arguments, executed as they are.
    Argv(Vec<String>),
}

/// The consequence of the end of a pane's program.
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
pub enum RestartType {
    /// It is started again, whatever its exit was.
    Permanent,
    /// It is started again unless it exited with 0.
    Transient,
    /// It is not started again.
    #[default]
    Temporary,
}

/// The steps by which a pane's program, with all it has started, is asked to end before what is left is killed. What is
/// absent is as the server's configuration has it.
///
/// First keys are typed. Then there are two rounds of signals. In the first, each process gets SIGTERM
/// if it handles it, else SIGHUP if it handles that, else SIGTERM; those that ignore SIGTERM, as
/// interactive shells do, and a session's leader that does not handle it are left to the second round,
/// which begins when the others have ended or have had their time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StopRecipe {
    /// Keys typed first, such as `C-c`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<String>>,
    /// How long the keys have to work, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys_ms: Option<u64>,
    /// How long the first round has to work, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term_ms: Option<u64>,
    /// How long the second round has to work, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hup_ms: Option<u64>,
}

impl StopRecipe {
    /// The time of a round in a recipe that says nothing, in milliseconds.
    pub const DEFAULT_ROUND_MS: u64 = 2_000;
    /// Longest time of one step, in milliseconds: whoever closes a pane waits for it.
    pub const MOST_MS: u64 = 600_000;

    /// This recipe, and `other` where it says nothing.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            keys: self.keys.clone().or_else(|| other.keys.clone()),
            keys_ms: self.keys_ms.or(other.keys_ms),
            term_ms: self.term_ms.or(other.term_ms),
            hup_ms: self.hup_ms.or(other.hup_ms),
        }
    }

    /// The times of the keys, of the first and of the second round, in milliseconds.
    #[must_use]
    pub fn times_ms(&self) -> [u64; 3] {
        [
            self.keys_ms.unwrap_or(0),
            self.term_ms.unwrap_or(Self::DEFAULT_ROUND_MS),
            self.hup_ms.unwrap_or(Self::DEFAULT_ROUND_MS),
        ]
    }

    /// Checks the times.
    ///
    /// # Errors
    /// `invalid_argument` with the rule.
    pub fn check(&self) -> Result<(), Error> {
        for limit in self.times_ms() {
            if limit > Self::MOST_MS {
                return Err(Error::invalid(format!(
                    "{limit} ms are too long for a stop recipe; each step may take at most {}",
                    Self::MOST_MS
                )));
            }
        }
        Ok(())
    }
}

/// The settings of a pane: the same in the request that makes it, in what is stored of it and in every list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PaneSettings {
    /// The rule for what follows the end of the program.
    pub restart: RestartType,
    /// Keep the ended pane with its status and output until it is closed.
    pub remain_on_exit: bool,
    /// Memory that all its processes may use together, in bytes; needs a server with control groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_max: Option<u64>,
    /// The program cannot set the title, which stays empty.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub title_locked: bool,
}

/// A pane to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PaneSpec {
    /// A label; need not be unique.
    #[serde(default)]
    pub name: Option<Name>,
    /// What it executes.
    #[serde(default)]
    pub program: Program,
    /// Absolute working directory; the session's by default.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Variables set on top of the session's environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The choices of its maker, which every list of panes tells.
    #[serde(flatten, deserialize_with = "crate::frame::flattened")]
    pub settings: PaneSettings,
    /// How the program is asked to end.
    #[serde(default, skip_serializing_if = "says_nothing")]
    pub stop: StopRecipe,
    /// Scrollback in lines, at most 100,000; the server's default when absent.
    #[serde(default)]
    pub history_lines: Option<u32>,
    /// The shell is a login shell: it reads the profile, which may set the caller's PATH anew.
    #[serde(default)]
    pub login: bool,
}

/// Left out, so that a server that wants all fields of a recipe takes its own.
fn says_nothing(recipe: &StopRecipe) -> bool {
    *recipe == StopRecipe::default()
}

/// A new pane.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CreatePane {
    /// In which session; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
    /// In which window; the session's focused one when absent.
    #[serde(default)]
    pub window: Option<Target>,
    /// Beside which pane; the window's focused one when absent.
    #[serde(default)]
    pub beside: Option<Target>,
    /// To the right or below.
    #[serde(default)]
    pub direction: Direction,
    /// The new pane's share of the split one's space, above 0 and below 1; a half when absent.
    #[serde(default)]
    pub ratio: Option<f64>,
    /// Make it the focused pane.
    #[serde(default)]
    pub select: bool,
    /// The pane.
    #[serde(default)]
    pub pane: PaneSpec,
}

/// A second, read-only view of a pane: a place of its own that shows the same program. Closing it
/// ends no program; it goes when the pane goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MirrorPane {
    /// Which pane to show.
    pub pane: Target,
    /// In which session; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
    /// In which window, beside its focused pane; the session's focused one when absent.
    #[serde(default)]
    pub window: Option<Target>,
    /// In a new window instead.
    #[serde(default)]
    pub new_window: bool,
    /// To the right or below.
    #[serde(default)]
    pub direction: Direction,
    /// Its share of the split one's space, above 0 and below 1; a half when absent.
    #[serde(default)]
    pub ratio: Option<f64>,
    /// A label; none when absent.
    #[serde(default)]
    pub name: Option<Name>,
    /// Make it the focused pane.
    #[serde(default)]
    pub select: bool,
}

/// Panes of a window, of a session, or of all sessions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ListPanes {
    /// Of which session; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
    /// Of which window.
    #[serde(default)]
    pub window: Option<Target>,
    /// Of all sessions.
    #[serde(default)]
    pub all: bool,
}

/// Processor time and memory of the programs of a session's panes, or of all.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ListUsage {
    /// Of which session; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
    /// Of all sessions.
    #[serde(default)]
    pub all: bool,
}

/// Renames, focuses or resizes a pane.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UpdatePane {
    /// Which: a pane's id or name, or a session's or window's for its focused pane.
    pub pane: Target,
    /// A new name.
    #[serde(default)]
    pub name: Option<Name>,
    /// Make it the focused pane of its window and session.
    #[serde(default)]
    pub focus: bool,
    /// Wanted height in rows.
    #[serde(default)]
    pub rows: Option<u16>,
    /// Wanted width in columns.
    #[serde(default)]
    pub cols: Option<u16>,
    /// Wanted share, above 0 and below 1, of the innermost split that it is in.
    #[serde(default)]
    pub ratio: Option<f64>,
}

/// Ends a pane's program and removes the pane. Never defaults.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClosePane {
    /// Which.
    pub pane: Target,
    /// Kill at once instead of asking first.
    #[serde(default)]
    pub force: bool,
    /// Refuse it when it is the caller's own pane, or the last one of a session that somebody is attached to.
    #[serde(default)]
    pub guarded: bool,
}

/// Tries a pane that is unreachable again at once, also one that the server has left alone because it was wedged over it. Answers when
/// the pane is reached, or after some seconds as it is then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RetryPane {
    /// Which.
    pub pane: Target,
}

/// Ends a pane's program by its recipe, with all that it has started, and starts the same command again in the same pane: on the same
/// screen, with its id, its number, its name and its place. For programs that run, have ended or could not be started; it counts for no
/// restart intensity. Answers when the next life runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RestartPane {
    /// Which.
    pub pane: Target,
    /// Not the pane in which the caller runs, whose end would be the caller's: that is refused.
    #[serde(default)]
    pub guarded: bool,
}

/// The processes of a pane that a signal is for.
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
pub enum SignalTo {
    /// Those in the foreground of its terminal, as keys like C-c reach them.
    #[default]
    Foreground,
    /// The program that it was made with, alone.
    Program,
    /// All that it has started.
    All,
}

/// Sends a signal to the processes of a pane.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignalPane {
    /// Which.
    pub pane: Target,
    /// The signal's number, 1 to 64.
    pub signal: i32,
    /// Which of its processes.
    #[serde(default)]
    pub to: SignalTo,
}

/// Waits for the next end of a pane's program after the call: of the life that runs, or of the next one when it
/// is about to be started again. A program that stays ended is answered at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WaitPane {
    /// Which.
    pub pane: Target,
    /// How long at most, in milliseconds; at most one hour a call.
    pub timeout_ms: u64,
}

/// Text of a pane.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadPane {
    /// Which.
    pub pane: Target,
    /// The last so many lines; the visible screen when absent.
    #[serde(default)]
    pub lines: Option<u32>,
    /// Only what came after this cursor of an earlier answer.
    #[serde(default)]
    pub since: Option<String>,
    /// Go back into the scrollback when the screen has fewer lines.
    #[serde(default)]
    pub scrollback: bool,
    /// With colours and attributes as escape sequences. Since a cursor the text is otherwise as without them, and so is the answer's cursor.
    #[serde(default)]
    pub ansi: bool,
    /// At most so many bytes of text, the newest; 1 MiB when absent.
    #[serde(default)]
    pub max_bytes: Option<u32>,
}

impl ReadPane {
    /// The cursor of every pane's first output.
    pub const FROM_START: &str = "t0.0.0.811c9dc5";
}

/// Types into a pane: text and keys in one atomic piece.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendInput {
    /// Which.
    pub pane: Target,
    /// Literal text. A newline at its end is Enter. Several lines, tabs, long text and text with `@` or `!` are one paste when
    /// the program asked for pastes in brackets; else each newline is Enter.
    #[serde(default)]
    pub text: String,
    /// Whether the text is such a paste, whatever it holds.
    #[serde(default)]
    pub paste: Option<bool>,
    /// Named keys after the text: `Enter`, `C-c`, `Up`.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Press Enter at the end.
    #[serde(default)]
    pub submit: bool,
    /// How long the program may take to read it, in milliseconds; 5,000 when absent. Long text has [more](SendInput::more_time).
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

impl SendInput {
    /// The time beyond its limit that typing may take, for the text's length: a second for 128 KiB.
    #[must_use]
    pub fn more_time(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.text.len() / 131).unwrap_or(u64::MAX))
    }
}

/// The condition that a wait is for, besides its time limit.
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
pub enum Until {
    /// The pattern, or the program's end.
    #[default]
    Match,
    /// The program's end.
    Exit,
    /// Quiet: the text on the screen is the same for `idle_ms`.
    Idle,
}

/// Waits for output, for quiet or for the program's end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Expect {
    /// Which.
    pub pane: Target,
    /// A regular expression over the rendered text.
    #[serde(default)]
    pub pattern: Option<String>,
    /// What ends the wait.
    #[serde(default)]
    pub until: Until,
    /// Quiet for so many milliseconds ends the wait: the text on the screen stays the same.
    #[serde(default)]
    pub idle_ms: Option<u64>,
    /// It is not quiet while the program has not read what was typed.
    #[serde(default)]
    pub after_input: bool,
    /// How long at most, in milliseconds; at most one hour.
    pub timeout_ms: u64,
    /// Look only at what came after this cursor; from the screen's top when absent.
    #[serde(default)]
    pub since: Option<String>,
    /// States that end the wait, at once when the program tells one of them already (OSC 7501). A state that is unknown ends none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<ProgramState>,
    /// The echo of what was typed does not match. Always so with `since`.
    #[serde(default)]
    pub output_only: bool,
}
