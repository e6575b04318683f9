//! Every call a client can make: declared once with its parameters, its reply and its name.

use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Error, ErrorCode};
use crate::frame::from_bytes;
use crate::reply;

mod layout;
mod pane;
mod run;
mod server;
mod session;
mod view;
mod watch;

pub use layout::*;
pub use pane::*;
pub use run::*;
pub use server::*;
pub use session::*;
pub use view::*;
pub use watch::*;

/// A call's parameters: ties them to their name and their reply.
pub trait Call: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The type of the reply.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
    /// The name on the wire, in metrics and in messages.
    const METHOD: &'static str;
    /// Its second time, when the answer to the first was lost.
    const AGAIN: Again;
}

/// The second time of a call whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It changes nothing, and may be made again.
    Looks,
    /// It is made again with the same idempotency key, and is one call for the server.
    Keyed,
    /// As `Keyed`, with a key of the connection's own also where the server is on this machine: what it begins takes long.
    Begins,
    /// As `Keyed`, by servers that say in their hello that they type such text once.
    Typed,
    /// It is made once: nobody knows what a lost one has done.
    Once,
}

impl Again {
    const fn of(kind: &str) -> Self {
        match kind.as_bytes() {
            b"looks" => Self::Looks,
            b"keyed" => Self::Keyed,
            b"begins" => Self::Begins,
            b"typed" => Self::Typed,
            _ => Self::Once,
        }
    }
}

macro_rules! calls {
    ($($(#[$doc:meta])* $method:literal $variant:ident -> $reply:ty $(, $again:ident)?;)*) => {
        /// One decoded call.
        #[derive(Clone, Debug)]
        pub enum Request {
            $($(#[$doc])* $variant($variant),)*
        }

        $(impl Call for $variant {
            type Reply = $reply;
            const METHOD: &'static str = $method;
            const AGAIN: Again = Again::of([$(stringify!($again),)? ""][0]);
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
                    .hint("upgrade the older side: compare the client's version (`fugue --version`) with the server's, which `fugue status` or fugue_server_status tells")),
                }
            }

            /// Every call's name, the names of its parameters and its reply's type, for the test of the documentation.
            #[cfg(test)]
            pub(crate) fn shapes() -> Vec<(&'static str, Vec<String>, &'static str)> {
                vec![$((
                    $method,
                    crate::documented::fields::<$variant>(),
                    stringify!($reply).trim_start_matches("reply").trim_start_matches("::"),
                )),*]
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
    "status" Status -> reply::ServerStatus, looks;
    /// Ends the daemon.
    "stop_server" StopServer -> reply::Stopping;
    /// Forgets what is over.
    "forget" Forget -> reply::Forgotten;
    /// The actor tree.
    "tree" Tree -> reply::TreeNode, looks;
    /// Where the caller is and what is active.
    "whoami" Whoami -> reply::Whoami, looks;
    /// The connected clients.
    "list_clients" ListClients -> reply::Clients, looks;
    /// A new session with one window and one pane.
    "create_session" CreateSession -> reply::PaneCreated, keyed;
    /// All sessions.
    "list_sessions" ListSessions -> reply::Sessions, looks;
    /// One session with its environment, tags, metadata and windows.
    "get_session" GetSession -> reply::SessionDetail, looks;
    /// Changes a session's name, environment, tags or metadata.
    "update_session" UpdateSession -> reply::SessionDetail;
    /// Ends a session with all its programs.
    "kill_session" KillSession -> reply::Killed;
    /// A new window with one pane.
    "create_window" CreateWindow -> reply::PaneCreated, keyed;
    /// A session's windows.
    "list_windows" ListWindows -> reply::Windows, looks;
    /// Renames a window or makes it the focused one.
    "update_window" UpdateWindow -> reply::WindowInfo;
    /// A new pane beside another one.
    "create_pane" CreatePane -> reply::PaneCreated, keyed;
    /// A layout of new panes, all or none.
    "create_layout" CreateLayout -> reply::LayoutCreated, keyed;
    /// A window's layout, in the shape that makes such a one.
    "get_layout" GetLayout -> reply::WindowLayout, looks;
    /// A second, read-only view of a pane, in a place of its own.
    "mirror_pane" MirrorPane -> reply::PaneMirrored, keyed;
    /// Panes of a window, a session or the server.
    "list_panes" ListPanes -> reply::Panes, looks;
    /// What the programs of panes use of the machine at this moment.
    "list_usage" ListUsage -> reply::PaneUsages, looks;
    /// Renames, focuses or resizes a pane.
    "update_pane" UpdatePane -> reply::PaneInfo;
    /// Ends a pane's program and removes the pane.
    "close_pane" ClosePane -> reply::Killed;
    /// Tries a pane that is unreachable again.
    "retry_pane" RetryPane -> reply::PaneInfo;
    /// Ends a pane's program and starts it again in the same pane.
    "restart_pane" RestartPane -> reply::PaneInfo;
    /// Sends a signal to the processes of a pane.
    "signal_pane" SignalPane -> reply::Signalled;
    /// Waits for the next end of a pane's program.
    "wait_pane" WaitPane -> reply::PaneWaited, looks;
    /// Text of a pane's screen and scrollback.
    "read_pane" ReadPane -> reply::PaneText, looks;
    /// Types into a pane.
    "send_input" SendInput -> reply::InputSent, typed;
    /// Waits for output, for quiet or for the program's end.
    "expect" Expect -> reply::Expected, looks;
    /// Waits for a change of a pane or of the tree.
    "watch" Watch -> reply::Watched, looks;
    /// Attaches a view of a session to this connection.
    "attach" Attach -> reply::Attached;
    /// Changes what an attached view shows or its size.
    "update_view" UpdateView -> reply::Attached;
    /// Takes an attached view away.
    "detach" Detach -> reply::Done;
    /// Gives the server the client's terminal for the case that the client is killed.
    "guard_terminal" GuardTerminal -> reply::Done;
    /// Runs commands side by side, each in a pane of its own.
    "run_parallel" RunParallel -> reply::Orchestration, begins;
    /// Runs steps one after another in one shell in one pane.
    "run_pipeline" RunPipeline -> reply::Orchestration, begins;
    /// An orchestration's state, at once or when it has changed.
    "get_orchestration" GetOrchestration -> reply::Orchestration, looks;
    /// All orchestrations that run or ended within the last hour.
    "list_orchestrations" ListOrchestrations -> reply::Orchestrations, looks;
    /// Ends an orchestration's commands and cleans up.
    "cancel_orchestration" CancelOrchestration -> reply::Orchestration;
}

#[cfg(test)]
mod tests;
