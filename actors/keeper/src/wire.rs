//! The wire between a daemon and a keeper: frames, requests, replies, events.
//!
//! A frame is a big-endian `u32` length and a MessagePack map with named fields. New fields have
//! defaults and unknown ones are ignored, because a keeper may be older or newer than its daemon.

use std::path::PathBuf;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;

/// Version of this protocol; raised when an older side has to behave differently.
pub const WIRE_VERSION: u32 = 1;
/// The file descriptor on which a program finds the write end of its status pipe.
pub const STATUS_PIPE_FD: i32 = 9;
/// Default size of the journal's ring, without its header page.
pub const JOURNAL_BYTES: u64 = 1 << 20;
/// Size of the header page in front of the journal's ring.
pub const JOURNAL_HEADER_BYTES: u64 = 4096;
/// Bytes of a program's standard error that are kept, where that is apart.
pub const KEPT_ERROR_BYTES: usize = 64 * 1024;
/// Largest frame in either direction; the environment is the only thing that gets big.
pub const MAX_FRAME_BYTES: usize = 1 << 20;
/// Largest number of descriptors that travel with one frame.
pub const MAX_DESCRIPTORS: usize = 3;
/// Size of the length in front of each frame.
const LENGTH_BYTES: usize = 4;

/// The program that a keeper is to start, and the place where the keeper is to be found afterwards.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeeperSpec {
    /// The pane's id, for people who look at `ps`, and for the adopting daemon.
    pub pane_id: String,
    /// The socket on which the keeper listens; at most 107 bytes, in a directory of mode 0700 that exists.
    #[serde(with = "path_bytes")]
    pub socket: PathBuf,
    /// The program and its arguments. A name without `/` is looked up in the `PATH` of `env`.
    pub argv: Vec<String>,
    /// The file that is executed instead of `argv[0]`, so that a login shell can be called `-sh`.
    pub program: Option<String>,
    /// Absolute working directory; never replaced by another one.
    #[serde(with = "path_bytes")]
    pub cwd: PathBuf,
    /// The complete environment: nothing of the daemon's is inherited.
    pub env: Vec<(String, String)>,
    /// Further variables, of which name or value is not UTF-8. An older keeper leaves them out.
    pub raw_env: Vec<(ByteBuf, ByteBuf)>,
    /// The same as `argv`, where one of the arguments is not UTF-8. An older keeper has its text for people only.
    pub raw_argv: Option<Vec<ByteBuf>>,
    /// Height of the terminal.
    pub rows: u16,
    /// Width of the terminal.
    pub cols: u16,
    /// Width of the terminal in pixels, 0 where nobody knows it.
    pub width: u16,
    /// Height of the terminal in pixels, 0 where nobody knows it.
    pub height: u16,
    /// Size of the journal's ring; its header page comes on top. 0 means [`JOURNAL_BYTES`].
    pub journal_bytes: u64,
    /// The program gets a pipe on [`STATUS_PIPE_FD`] whose read end comes to the daemon.
    pub status_pipe: bool,
    /// The program is a pipeline's shell: what it finds there is a socket instead, and what it reports comes out of the status pipe in
    /// lines that begin with this word, as far as the shell itself has said it. An older keeper gives it the plain pipe.
    pub report_word: Option<String>,
    /// Its standard input, output and error. An older keeper gives it the terminal.
    pub streams: Streams,
    /// Soft limit of open files for the program, since the daemon raises its own.
    pub open_files: Option<u64>,
    /// The program's umask; the keeper's own when absent.
    pub umask: Option<u32>,
    /// The program's control group, where there is one.
    pub cgroup: Option<KeeperCgroup>,
    /// The bytes that the daemon needs to adopt the pane later. The keeper does not look into it.
    pub meta: ByteBuf,
    /// The secret that a later daemon shows to be taken for one; empty when nobody has to.
    pub secret: ByteBuf,
}

/// Standard input, output and error of a program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Streams {
    /// The terminal, all three.
    #[default]
    Terminal,
    /// Nothing to read, and one pipe for output and error, whose text goes to the terminal. The program itself has no terminal.
    Pipes,
    /// The same, but what is written to standard error is kept for [`Request::KeptErrors`].
    Apart,
}

/// The end of what a program wrote to its standard error, where that is kept apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptErrors {
    /// At most [`KEPT_ERROR_BYTES`].
    pub tail: ByteBuf,
    /// Bytes before them.
    pub omitted: u64,
}

/// Two control groups, as directories of the cgroup v2 file system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeeperCgroup {
    /// The program's.
    #[serde(with = "path_bytes")]
    pub group: PathBuf,
    /// The keeper's.
    #[serde(with = "path_bytes")]
    pub home: PathBuf,
}

/// The pid of a program, made unique by its start time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProgramIdentity {
    /// Process id; also the id of its session and its process group.
    pub pid: i32,
    /// Clock ticks between boot and start. Source: proc(5), `/proc/pid/stat` field 22.
    pub start_time: u64,
    /// Wall clock at the start, milliseconds since 1970.
    pub started_at_unix_ms: u64,
}

/// The end of a program, from its wait status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgramStatus {
    /// It returned this code.
    Exited(i32),
    /// A signal ended it.
    Signaled {
        /// Number of the signal.
        signal: i32,
        /// The kernel wrote a core image.
        #[serde(default)]
        core_dumped: bool,
    },
}

/// The end of a program, as its parent saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitReport {
    /// Exit code or signal.
    pub status: ProgramStatus,
    /// Wall clock when it was reaped, milliseconds since 1970.
    #[serde(default)]
    pub at_unix_ms: u64,
    /// From its start to its reaping, time in suspend included.
    #[serde(default)]
    pub duration_ms: u64,
    /// CPU time in user mode of the program and the children it waited for.
    #[serde(default)]
    pub user_ms: u64,
    /// CPU time in the kernel of the program and the children it waited for.
    #[serde(default)]
    pub sys_ms: u64,
    /// Largest resident set of one of these processes.
    #[serde(default)]
    pub max_rss_kib: u64,
    /// It was killed, and the kernel has killed in its control group for the group's memory limit.
    #[serde(default)]
    pub out_of_memory: bool,
}

/// The kind of failure that kept a program from starting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The command, its directory or its environment is wrong: trying again will not help.
    #[default]
    SpawnFailed,
    /// Processes, memory, file descriptors or PTYs ran out.
    Limit,
}

/// The reason for which a program was not started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpawnFailure {
    /// The kind of it, by which a caller knows what to do.
    #[serde(default)]
    pub class: FailureClass,
    /// The system's error number, 0 when no system call was involved.
    #[serde(default)]
    pub errno: i32,
    /// One sentence for people.
    pub text: String,
    /// The directory of the keeper's socket is not there any more: with a new one, trying again can help.
    #[serde(default)]
    pub place_gone: bool,
}

/// The processes that a signal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalScope {
    /// The program alone.
    Program,
    /// The process group that is in the terminal's foreground.
    ForegroundGroup,
    /// The program's own process group.
    Group,
    /// Every descendant of the keeper.
    All,
}

/// The time that programs have to end when they are asked to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StopTimes {
    /// In the first round, in milliseconds.
    pub first_ms: u64,
    /// In the second round, in milliseconds.
    pub second_ms: u64,
}

/// A live process below a keeper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// Process id.
    pub pid: i32,
    /// Clock ticks between boot and start; together with `pid` it is the identity.
    pub start_time: u64,
    /// The kernel's short name of it, for display.
    pub comm: String,
}

/// A request of a daemon to a keeper.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// First frame of every connection; answered with [`KeeperHello`].
    Hello {
        /// The daemon's [`WIRE_VERSION`].
        #[serde(default)]
        version: u32,
        /// Instance id of the daemon.
        #[serde(default)]
        daemon: String,
        /// The secret that the keeper was started with.
        #[serde(default)]
        secret: ByteBuf,
    },
    /// Starts the program; once only, on the first connection.
    Spawn(Box<KeeperSpec>),
    /// Sends a signal.
    Signal {
        /// Number of the signal.
        signal: i32,
        /// The processes that it is for.
        scope: SignalScope,
    },
    /// Lists every live descendant.
    Descendants {},
    /// Kills every descendant again and again until none is left or the time is up.
    KillAll {
        /// The time for it.
        limit_ms: u64,
    },
    /// Asks every descendant to end, in two rounds, and then does as `KillAll`. It goes on when the
    /// daemon goes.
    Stop {
        /// The time of each round.
        #[serde(default)]
        times: StopTimes,
        /// The time for the killing after them.
        #[serde(default)]
        limit_ms: u64,
    },
    /// Replaces the bytes kept for adoption.
    SetMeta {
        /// The new ones.
        meta: ByteBuf,
    },
    /// The exit status has been recorded by the daemon.
    AckExit {
        /// The keeper may go by itself once no descendant is left.
        #[serde(default)]
        leave_when_empty: bool,
    },
    /// For so long, descendants that lose their parent are not kept: a daemon among them gets out.
    LetOrphansGo {
        /// The time for it; 0 ends it.
        limit_ms: u64,
    },
    /// Asks for the end of the program's standard error, where that is apart.
    KeptErrors {},
    /// Kills what is left, removes the socket and ends the keeper.
    Release {
        /// The time for the killing.
        limit_ms: u64,
    },
}

/// A keeper's word on which process it is and how its program does.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeeperHello {
    /// The keeper's [`WIRE_VERSION`].
    pub version: u32,
    /// The id given in its spec.
    pub pane_id: String,
    /// Its process id.
    pub keeper_pid: i32,
    /// Its start in clock ticks since boot.
    pub keeper_start_time: u64,
    /// The program, once it was started.
    pub program: Option<ProgramIdentity>,
    /// Present once the program has ended, until it is acknowledged and after.
    pub exit: Option<ExitReport>,
    /// The number of descriptors that travel with this frame: master, journal, status pipe.
    pub descriptors: u32,
    /// The bytes kept for adoption.
    pub meta: ByteBuf,
    /// The caller is not taken for a daemon, and is told nothing.
    pub refused: bool,
    /// The file that the keeper executes, which nobody else of its user can see; empty from an older one.
    #[serde(with = "path_bytes")]
    pub exe: PathBuf,
    /// Its memory, shared pages divided among those that have them; 0 from an older one.
    pub pss_kib: u64,
}

/// A keeper's answer to one request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Answer to `Hello`; descriptors travel with it when a program was started.
    Hello(Box<KeeperHello>),
    /// The program runs; descriptors travel with it as in [`KeeperHello`].
    Spawned(ProgramIdentity),
    /// It does not, and the keeper ends.
    SpawnFailed(SpawnFailure),
    /// It was done.
    Done {},
    /// The signal went to that many processes.
    Signaled {
        /// The number of processes.
        processes: u32,
    },
    /// The descendants asked for, or those that survived being killed.
    Processes {
        /// Each of them.
        processes: Vec<Process>,
    },
    /// The end of the program's standard error.
    KeptErrors(KeptErrors),
    /// It could not be done.
    Failed {
        /// The system's error number.
        errno: i32,
        /// One sentence for people.
        text: String,
    },
    /// This keeper does not know the request.
    Unsupported {
        /// The reason, for the log.
        text: String,
    },
}

/// News that a keeper tells without being asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The program has ended.
    Exited(ExitReport),
}

/// Daemon to keeper.
#[derive(Debug, Serialize, Deserialize)]
pub struct RequestFrame {
    /// Chosen by the daemon, echoed in the reply; never 0.
    pub id: u64,
    /// The request.
    pub request: Request,
}

/// Keeper to daemon: a reply with its request's id, or an event with id 0.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeeperFrame {
    /// The request's, 0 for an event.
    pub id: u64,
    /// The reply to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// The event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
}

impl KeeperFrame {
    pub(crate) fn reply(id: u64, reply: Reply) -> Self {
        Self {
            id,
            reply: Some(reply),
            event: None,
        }
    }

    pub(crate) fn event(event: Event) -> Self {
        Self {
            id: 0,
            reply: None,
            event: Some(event),
        }
    }
}

/// The part of a frame that can be read although its kind is unknown.
#[derive(Default, Deserialize)]
#[serde(default)]
struct IdOnly {
    id: u64,
}

/// The reason for which bytes are no frame of ours.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It is larger than [`MAX_FRAME_BYTES`].
    #[error("a frame of {0} bytes is larger than {MAX_FRAME_BYTES}")]
    TooLarge(usize),
    /// It is not MessagePack, or has no id.
    #[error("a frame is not MessagePack with an id: {0}")]
    Malformed(String),
}

/// One frame taken out of a buffer.
#[derive(Debug)]
pub enum Taken<T> {
    /// More bytes are needed.
    Partial,
    /// A whole frame.
    Frame(T),
    /// A frame of a kind this side does not know: its id, and what was wrong.
    Unknown(u64, String),
}

/// Appends a frame with its length to `out`, which is left as it was when that fails.
///
/// # Errors
/// [`WireError`]: the frame is too large, or cannot be encoded.
pub fn encode<T: Serialize>(frame: &T, out: &mut Vec<u8>) -> Result<(), WireError> {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    if let Err(cause) = rmp_serde::encode::write_named(out, frame) {
        out.truncate(start);
        return Err(WireError::Malformed(cause.to_string()));
    }
    let length = out.len() - start - LENGTH_BYTES;
    if length > MAX_FRAME_BYTES {
        out.truncate(start);
        return Err(WireError::TooLarge(length));
    }
    let prefix = u32::try_from(length).expect("bounded by MAX_FRAME_BYTES");
    out[start..start + LENGTH_BYTES].copy_from_slice(&prefix.to_be_bytes());
    Ok(())
}

/// Takes the first frame out of `input`, if it is complete.
///
/// # Errors
/// [`WireError`]: the stream is beyond repair.
pub fn take<T: DeserializeOwned>(input: &mut Vec<u8>) -> Result<Taken<T>, WireError> {
    let Some(prefix) = input.first_chunk::<LENGTH_BYTES>() else {
        return Ok(Taken::Partial);
    };
    let length = u32::from_be_bytes(*prefix) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(WireError::TooLarge(length));
    }
    let end = LENGTH_BYTES + length;
    let Some(body) = input.get(LENGTH_BYTES..end) else {
        return Ok(Taken::Partial);
    };
    let taken = match rmp_serde::from_slice(body) {
        Ok(frame) => Taken::Frame(frame),
        Err(cause) => match rmp_serde::from_slice::<IdOnly>(body) {
            Ok(IdOnly { id }) => Taken::Unknown(id, cause.to_string()),
            Err(_) => return Err(WireError::Malformed(cause.to_string())),
        },
    };
    if end == input.len() {
        *input = Vec::new();
    } else {
        input.drain(..end);
    }
    Ok(taken)
}

/// Paths as bytes: they need not be UTF-8.
mod path_bytes {
    use std::{ffi::OsString, os::unix::ffi::OsStrExt, os::unix::ffi::OsStringExt, path::PathBuf};

    use serde::{Deserialize, Deserializer, Serializer};
    use serde_bytes::ByteBuf;

    #[allow(
        clippy::ptr_arg,
        reason = "serde hands over a reference to the field's type"
    )]
    pub(super) fn serialize<S: Serializer>(path: &PathBuf, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(path.as_os_str().as_bytes())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        let bytes = ByteBuf::deserialize(from)?.into_vec();
        Ok(PathBuf::from(OsString::from_vec(bytes)))
    }
}
