//! The errors between a daemon and a keeper.

use std::{path::PathBuf, time::Duration};

use keeper::wire::Reply;
use keeper::{FailureClass, SpawnFailure};
use rustix::io::Errno;

/// The reason for which no pane was started. Nothing is left running in any of the cases.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The keeper could not start the program; the text is complete as it is.
    #[error("{}", .0.text)]
    Program(SpawnFailure),
    /// The keeper itself could not be started.
    #[error("the keeper {exe} cannot be started: {source}")]
    Keeper {
        /// The file that was to be executed.
        exe: PathBuf,
        /// The reason for which it was not.
        source: std::io::Error,
    },
    /// The socket's path does not fit a socket address.
    #[error(
        "the socket path {path} has {bytes} bytes, {limit} are possible: use a shorter runtime directory",
        limit = keeper::MAX_SOCKET_PATH_BYTES
    )]
    SocketPath {
        /// The path asked for.
        path: PathBuf,
        /// Its length.
        bytes: usize,
    },
    /// Command and environment together are too long for one request.
    #[error("the command and its environment are too long: {0}")]
    TooLarge(String),
    /// The keeper did not answer in time and was killed.
    #[error("the keeper did not start the program within {0:?}")]
    Timeout(Duration),
    /// The keeper ended without an answer.
    #[error("the keeper ended before it had started the program: {0}")]
    Died(String),
    /// This process has no room for the pane's descriptors, or for its keeper's: nothing was started.
    #[error(
        "the server has no file descriptors left for its terminal ({source}), so nothing was started; \
         raise their limit (`ulimit -n` where the server is started, LimitNOFILE= of its service), or close panes"
    )]
    NoRoom {
        /// The system's reason.
        source: std::io::Error,
    },
    /// The program was started, and has been ended because this process could not take the pane's descriptors.
    #[error(
        "the server had no file descriptors left when those of its terminal came; \
         raise their limit (`ulimit -n` where the server is started, LimitNOFILE= of its service), or close panes"
    )]
    Descriptors,
}

impl SpawnError {
    /// True if the program was started, and has been ended because of this error.
    #[must_use]
    pub fn was_started(&self) -> bool {
        match self {
            Self::Descriptors => true,
            Self::Program(_)
            | Self::Keeper { .. }
            | Self::SocketPath { .. }
            | Self::TooLarge(_)
            | Self::Timeout(_)
            | Self::Died(_)
            | Self::NoRoom { .. } => false,
        }
    }

    /// True if nothing was started because the directory of the keeper's socket is not there any more.
    #[must_use]
    pub fn is_place_gone(&self) -> bool {
        matches!(self, Self::Program(failure) if failure.place_gone)
    }

    /// True if something ran out, so that the same call can succeed later.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        match self {
            Self::Program(failure) => failure.class == FailureClass::Limit,
            Self::NoRoom { .. } | Self::Descriptors => true,
            Self::Keeper { source, .. } => {
                Errno::from_io_error(source).is_some_and(SpawnFailure::is_limit)
            }
            Self::SocketPath { .. } | Self::TooLarge(_) | Self::Timeout(_) | Self::Died(_) => false,
        }
    }
}

/// The reason for which a keeper was not adopted.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// Nobody listens there: the keeper has died, and the pane is lost.
    #[error("no keeper listens on {path}: {source}")]
    Gone {
        /// The socket's path.
        path: PathBuf,
        /// The error of connecting.
        source: std::io::Error,
    },
    /// The system does not let this process connect now; try again later.
    #[error("the keeper on {path} cannot be asked now: {source}")]
    Connect {
        /// The socket's path.
        path: PathBuf,
        /// The error of connecting.
        source: std::io::Error,
    },
    /// Somebody else listens where the keeper did.
    #[error("process {pid} listens on {path}, and it is not the pane's keeper")]
    Stranger {
        /// The socket's path.
        path: PathBuf,
        /// The process that listens.
        pid: i32,
    },
    /// The keeper knows somebody else as its daemon.
    #[error("the keeper asks for a secret that this daemon does not know")]
    Refused,
    /// The listener runs as another user: leave it alone.
    #[error("the keeper on {0} belongs to another user")]
    Foreign(PathBuf),
    /// It did not answer in time; try again later.
    #[error("the keeper did not answer within {0:?}")]
    Timeout(Duration),
    /// It has been stopped (SIGSTOP), or a debugger holds it: try again later.
    #[error("the keeper is stopped")]
    Stopped,
    /// It answered something else than a keeper does.
    #[error("the keeper's answer makes no sense: {0}")]
    Protocol(String),
    /// This process cannot take the pane's descriptors; try again when some are free.
    #[error("the pane's descriptors could not be received: no file descriptors left")]
    Descriptors,
}

/// The reason for which a request to a keeper failed.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No answer within the time limit.
    #[error("the keeper did not answer within {0:?}")]
    Timeout(Duration),
    /// It has been stopped (SIGSTOP) or a debugger holds it.
    #[error("the keeper is stopped")]
    Stopped,
    /// The connection has ended; `Keeper::exit` tells why.
    #[error("the connection to the keeper has ended")]
    Closed,
    /// The keeper could not do it.
    #[error("{text}")]
    Refused {
        /// The system's error number.
        errno: i32,
        /// One sentence for people.
        text: String,
    },
    /// The keeper is older than this request.
    #[error("the keeper does not know this request: {0}")]
    Unsupported(String),
}

impl LinkError {
    /// True if nobody has heard the request, as far as is known.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(self, Self::Timeout(_) | Self::Stopped | Self::Closed)
    }
}

impl From<Reply> for LinkError {
    /// The error in a reply that is not the one hoped for.
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Failed { errno, text } => Self::Refused { errno, text },
            Reply::SpawnFailed(failure) => Self::Refused {
                errno: failure.errno,
                text: failure.text,
            },
            Reply::Unsupported { text } => Self::Unsupported(text),
            Reply::Hello(_)
            | Reply::Spawned(_)
            | Reply::Done {}
            | Reply::Signaled { .. }
            | Reply::Processes { .. }
            | Reply::KeptErrors(_) => Self::Unsupported("a reply to something else".to_owned()),
        }
    }
}
