//! Every call a client can make: declared once with its parameters, its reply and its name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{Error, ErrorCode};
use crate::frame::{ViewId, from_bytes};
use crate::geometry::{Direction, Size};
use crate::id::OrchestrationUuid;
use crate::name::Name;
use crate::reply;
use crate::session_id::Target;

/// A call's parameters: ties them to their name and their reply.
pub trait Call: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What comes back.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
    /// The name on the wire, in metrics and in messages.
    const METHOD: &'static str;
}

macro_rules! calls {
    ($($(#[$doc:meta])* $method:literal $variant:ident -> $reply:ty;)*) => {
        /// One decoded call.
        #[derive(Clone, Debug)]
        pub enum Request {
            $($(#[$doc])* $variant($variant),)*
        }

        $(impl Call for $variant {
            type Reply = $reply;
            const METHOD: &'static str = $method;
        })*

        impl Request {
            /// Every call's name.
            pub const METHODS: &'static [&'static str] = &[$($method),*];

            /// Reads the parameters of the call named `method`.
            ///
            /// # Errors
            /// `unsupported` for a method that this version does not know, `invalid_argument`
            /// for parameters that are not of its shape.
            pub fn decode(method: &str, params: &[u8]) -> Result<Self, Error> {
                match method {
                    $($method => from_bytes(params).map(Self::$variant).map_err(|mut error| {
                        error.message = format!("{method}: {}", error.message);
                        error
                    }),)*
                    _ => Err(Error::new(
                        ErrorCode::Unsupported,
                        format!("this server knows no call named {}", crate::name::shown(method)),
                    )
                    .hint("upgrade the older side: compare `fugue --version` with `fugue status`")),
                }
            }

            /// The call's name.
            #[must_use]
            pub fn method(&self) -> &'static str {
                match self { $(Self::$variant(_) => $method,)* }
            }
        }
    };
}

calls! {
    /// Health, version and counts, measured through the real path.
    "status" Status -> reply::ServerStatus;
    /// Ends the daemon.
    "stop_server" StopServer -> reply::Stopping;
    /// The actor tree.
    "tree" Tree -> reply::TreeNode;
    /// Where the caller is and what is active.
    "whoami" Whoami -> reply::Whoami;
    /// A new session with one window and one pane.
    "create_session" CreateSession -> reply::PaneCreated;
    /// All sessions.
    "list_sessions" ListSessions -> reply::Sessions;
    /// One session with its environment, tags, metadata and windows.
    "get_session" GetSession -> reply::SessionDetail;
    /// Changes a session's name, environment, tags or metadata.
    "update_session" UpdateSession -> reply::SessionDetail;
    /// Ends a session with all its programs.
    "kill_session" KillSession -> reply::Killed;
    /// A new window with one pane.
    "create_window" CreateWindow -> reply::PaneCreated;
    /// A session's windows.
    "list_windows" ListWindows -> reply::Windows;
    /// Renames a window or makes it the focused one.
    "update_window" UpdateWindow -> reply::WindowInfo;
    /// A new pane beside another one.
    "create_pane" CreatePane -> reply::PaneCreated;
    /// Panes of a window, a session or the server.
    "list_panes" ListPanes -> reply::Panes;
    /// Renames, focuses or resizes a pane.
    "update_pane" UpdatePane -> reply::PaneInfo;
    /// Ends a pane's program and removes the pane.
    "close_pane" ClosePane -> reply::Killed;
    /// Waits for the end of a pane's program.
    "wait_pane" WaitPane -> reply::PaneWaited;
    /// Text of a pane's screen and scrollback.
    "read_pane" ReadPane -> reply::PaneText;
    /// Types into a pane.
    "send_input" SendInput -> reply::InputSent;
    /// Waits for output, for quiet or for the program's end.
    "expect" Expect -> reply::Expected;
    /// Attaches a view of a session to this connection.
    "attach" Attach -> reply::Attached;
    /// Changes what an attached view shows or its size.
    "update_view" UpdateView -> reply::Attached;
    /// Takes an attached view away.
    "detach" Detach -> reply::Done;
    /// Runs commands side by side, each in a pane of its own.
    "run_parallel" RunParallel -> reply::Orchestration;
    /// Runs steps one after another in one shell in one pane.
    "run_pipeline" RunPipeline -> reply::Orchestration;
    /// An orchestration's state, at once or when it has changed.
    "get_orchestration" GetOrchestration -> reply::Orchestration;
    /// All orchestrations that run or ended within the last hour.
    "list_orchestrations" ListOrchestrations -> reply::Orchestrations;
    /// Ends an orchestration's commands and cleans up.
    "cancel_orchestration" CancelOrchestration -> reply::Orchestration;
}

/// Health, version and counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Status {}

/// Ends the daemon.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StopServer {
    /// Leave every pane's program running under its keeper.
    #[serde(default)]
    pub keep_panes: bool,
}

/// The actor tree, or the part of it that belongs to one session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tree {
    /// Only this session's subtree.
    #[serde(default)]
    pub session: Option<Target>,
}

/// Where the caller is and what is active.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Whoami {}

/// What a pane executes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// The user's login shell.
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

/// What happens when a pane's program ends.
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

/// How a pane's program is asked to end before all its processes are killed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRecipe {
    /// Keys typed first, such as `C-c`; none by default.
    #[serde(default)]
    pub keys: Vec<String>,
    /// How long the keys have to work, in milliseconds.
    #[serde(default)]
    pub keys_ms: u64,
    /// How long SIGTERM (with SIGHUP, as at a terminal's end) has to work, in milliseconds.
    pub term_ms: u64,
}

impl Default for StopRecipe {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            keys_ms: 0,
            term_ms: 2_000,
        }
    }
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
    /// What happens when the program ends.
    #[serde(default)]
    pub restart: RestartType,
    /// Keep the ended pane with its status and output until it is closed.
    #[serde(default)]
    pub remain_on_exit: bool,
    /// How the program is asked to end.
    #[serde(default)]
    pub stop: StopRecipe,
    /// Scrollback in lines, at most 100,000; the server's default when absent.
    #[serde(default)]
    pub history_lines: Option<u32>,
}

/// A new session with one window and one pane.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CreateSession {
    /// Unique among the live sessions; a free short one when absent.
    #[serde(default)]
    pub name: Option<Name>,
    /// The first pane.
    #[serde(default)]
    pub pane: PaneSpec,
    /// The first window's name.
    #[serde(default)]
    pub window_name: Option<Name>,
    /// The caller's whole environment, the base for every program of this session; the daemon's own when absent.
    #[serde(default)]
    pub environment: Option<BTreeMap<String, String>>,
    /// Labels for people and programs.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Size until a client attaches.
    #[serde(default)]
    pub size: Option<Size>,
}

/// All sessions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ListSessions {}

/// One session in full; the default session without a target.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GetSession {
    /// Which; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
}

/// Changes a session; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct UpdateSession {
    /// Which; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
    /// A new name.
    #[serde(default)]
    pub name: Option<Name>,
    /// Variables to set (a value) or to take out (`null`), for programs started later.
    #[serde(default)]
    pub environment: BTreeMap<String, Option<String>>,
    /// The new tags.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// Metadata to set (a value) or to take out (`null`).
    #[serde(default)]
    pub metadata: BTreeMap<String, Option<String>>,
    /// Make it the most recently used session.
    #[serde(default)]
    pub select: bool,
}

/// Ends a session. Never defaults.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KillSession {
    /// Which.
    pub session: Target,
}

/// A new window with one pane.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CreateWindow {
    /// In which session; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
    /// The window's name.
    #[serde(default)]
    pub name: Option<Name>,
    /// Its first pane.
    #[serde(default)]
    pub pane: PaneSpec,
    /// Make it the focused window.
    #[serde(default)]
    pub select: bool,
}

/// A session's windows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ListWindows {
    /// Of which session; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
}

/// Renames a window or makes it the focused one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UpdateWindow {
    /// Where names are looked up first.
    #[serde(default)]
    pub session: Option<Target>,
    /// Which window.
    pub window: Target,
    /// A new name.
    #[serde(default)]
    pub name: Option<Name>,
    /// Make it the session's focused window.
    #[serde(default)]
    pub select: bool,
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
}

/// Ends a pane's program and removes the pane. Never defaults.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClosePane {
    /// Which.
    pub pane: Target,
    /// Kill at once instead of asking first.
    #[serde(default)]
    pub force: bool,
}

/// Waits for the end of a pane's program.
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
    /// With colours and attributes as escape sequences.
    #[serde(default)]
    pub ansi: bool,
    /// At most so many bytes of text, the newest; 1 MiB when absent.
    #[serde(default)]
    pub max_bytes: Option<u32>,
}

/// Types into a pane: text and keys in one atomic piece.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendInput {
    /// Which.
    pub pane: Target,
    /// Literal text; several lines are pasted in brackets when the program asked for that.
    #[serde(default)]
    pub text: String,
    /// Named keys after the text: `Enter`, `C-c`, `Up`.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Press Enter at the end.
    #[serde(default)]
    pub submit: bool,
    /// How long the program may take to read it, in milliseconds; 5,000 when absent.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// What a wait is for, besides its time limit.
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
    /// Quiet: no output for `idle_ms`.
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
    /// Quiet for so many milliseconds ends the wait.
    #[serde(default)]
    pub idle_ms: Option<u64>,
    /// How long at most, in milliseconds; at most one hour.
    pub timeout_ms: u64,
    /// Look only at what came after this cursor; from the screen's top when absent.
    #[serde(default)]
    pub since: Option<String>,
}

/// Attaches a view of a session to this connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attach {
    /// The client's number for the view; must be free on this connection.
    pub view: ViewId,
    /// Which session; the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
    /// The client's terminal.
    pub size: Size,
    /// Input and size of this view do not reach the session.
    #[serde(default)]
    pub read_only: bool,
}

/// Changes an attached view.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UpdateView {
    /// Which view of this connection.
    pub view: ViewId,
    /// The client's terminal has this size now.
    #[serde(default)]
    pub size: Option<Size>,
    /// Go so many windows on (or back) and show that window's focused pane.
    #[serde(default)]
    pub window_step: i32,
    /// Go so many panes on (or back) within the window.
    #[serde(default)]
    pub pane_step: i32,
    /// Send the whole screen again.
    #[serde(default)]
    pub redraw: bool,
}

/// Takes an attached view away.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Detach {
    /// Which view of this connection.
    pub view: ViewId,
}

/// Where an orchestration's panes are.
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

/// What both kinds of orchestration take.
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
    /// Absolute working directory for all commands.
    #[serde(default)]
    pub cwd: Option<String>,
    /// The caller's whole environment, as in [`CreateSession`].
    #[serde(default)]
    pub environment: Option<BTreeMap<String, String>>,
    /// Variables for all commands.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The shell that runs the command lines; `sh` when absent.
    #[serde(default)]
    pub shell: Option<String>,
}

/// Runs commands side by side, each in a pane of its own.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunParallel {
    /// 1 to 256 commands.
    pub commands: Vec<ParallelCommand>,
    /// At most so many at a time; all when absent.
    #[serde(default)]
    pub max_parallel: Option<u32>,
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
