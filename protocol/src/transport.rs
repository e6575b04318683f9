//! Ways to a server: its unix socket, ssh; starting the daemon when none runs.

pub mod ssh;

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use crate::connection::Connection;
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::frame::{Hello, PROTOCOL_VERSION};
use crate::id::PaneUuid;
use crate::paths::own_uid;
use crate::peer::Peer;
use crate::trust;

use self::ssh::{Asking, Ssh, SshRoute};

/// The time that a server may take to say hello.
pub const HELLO_LIMIT: Duration = Duration::from_secs(5);

/// The time that a server on another machine may take to say hello: ssh logs in first, and starts it.
pub const FAR_HELLO_LIMIT: Duration = Duration::from_secs(20);

/// The time that a started daemon may take until it serves.
pub const START_LIMIT: Duration = Duration::from_secs(15);

/// The status with which `fugued` exits when another one has the directories. Source: sysexits.h, `EX_TEMPFAIL`.
pub const EXIT_BUSY: u8 = 75;

/// The status with which `fugued` exits when it was wedged and the next one takes over. Source: sysexits.h,
/// `EX_SOFTWARE`.
pub const EXIT_WEDGED: u8 = 70;

/// The time that a daemon that has the directories may take until it listens.
const BUSY_LIMIT: Duration = Duration::from_secs(5);

/// Pause between two looks for it.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// The pause before a listener whose queue is full is asked again: it refuses at once.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// The hello of a client called `name`, with the caller's own pane when it runs inside one.
#[must_use]
pub fn client_hello(name: &str) -> Hello {
    Hello {
        protocol_version: PROTOCOL_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: name.to_owned(),
        instance: None,
        server: None,
        types_once: false,
        caller_pane: std::env::var("FUGUE_PANE_ID")
            .ok()
            .and_then(|id| id.parse::<PaneUuid>().ok()),
        token: None,
    }
}

/// The secret of the caller's own pane, for the server whose pane that is and for no other.
#[must_use]
pub fn pane_token(socket: &Path) -> Option<String> {
    let own = std::env::var_os("FUGUE").is_some_and(|server| Path::new(&server) == socket);
    let token = std::env::var("FUGUE_TOKEN").ok();
    token.filter(|token| own && !token.is_empty())
}

/// The way to one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// A unix socket here, and the user whose server it must be.
    Unix {
        /// The socket.
        socket: PathBuf,
        /// The user.
        owner: u32,
    },
    /// ssh to another machine.
    Ssh(SshRoute),
}

/// A stream to a server, before the first byte.
#[derive(Debug)]
pub struct Dialled {
    /// The stream, blocking.
    pub stream: std::os::unix::net::UnixStream,
    /// The program that carries it, which lives at least as long.
    pub carrier: Option<Arc<Ssh>>,
}

impl Route {
    /// The socket of a server on this machine.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        match self {
            Self::Unix { socket, .. } => Some(socket),
            Self::Ssh(_) => None,
        }
    }

    /// The time that the server may take to say hello.
    #[must_use]
    pub fn hello_limit(&self) -> Duration {
        match self {
            Self::Unix { .. } => HELLO_LIMIT,
            Self::Ssh(_) => FAR_HELLO_LIMIT,
        }
    }

    /// Our end of a connection over it.
    #[must_use]
    pub fn peer(&self, hello: Hello) -> Peer {
        let peer = Peer::client(hello, self.hello_limit(), Instant::now());
        match self {
            Self::Unix { .. } => peer,
            Self::Ssh(_) => peer.far().after_preamble(),
        }
    }

    /// Opens a stream, blocking; whose server it is is checked before anything is sent.
    ///
    /// # Errors
    /// `denied` when the place or the peer is somebody else's, `server_unreachable` with the cause.
    pub fn dial(&self, asking: Asking) -> Result<Dialled, Error> {
        match self {
            Self::Unix { socket, owner } => Ok(Dialled {
                stream: trust::dial(socket, *owner)?,
                carrier: None,
            }),
            Self::Ssh(route) => {
                let (stream, ssh) = route.start(asking)?;
                Ok(Dialled {
                    stream,
                    carrier: Some(ssh),
                })
            }
        }
    }
}

/// Connects to the server called `name` over its route.
///
/// # Errors
/// As [`connect_to`]; over ssh also `unauthenticated` and `unsupported` in ssh's words.
pub async fn connect_over(
    route: &Route,
    name: &str,
    hello: Hello,
) -> Result<(Connection, mpsc::Receiver<Event>), Error> {
    let far = match route {
        Route::Unix { socket, owner } => return connect_to(socket, *owner, hello).await,
        Route::Ssh(far) => far,
    };
    let (stream, ssh) = far.start(Asking::Never)?;
    let stream = stream
        .set_nonblocking(true)
        .and_then(|()| UnixStream::from_std(stream))
        .map_err(|error| Error::new(ErrorCode::ServerUnreachable, error.to_string()))?;
    let carried = Carried {
        stream,
        _ssh: Arc::clone(&ssh),
    };
    let limit = route.hello_limit();
    match Connection::open_as(carried, route.peer(hello), limit).await {
        Ok(open) => Ok(open),
        Err(error) => {
            let name = name.to_owned();
            let explained = tokio::task::spawn_blocking(move || ssh.explain(&name, error)).await;
            Err(explained.unwrap_or_else(|gone| Error::new(ErrorCode::Internal, gone.to_string())))
        }
    }
}

/// A stream that ends the program that carries it when it is dropped.
struct Carried {
    stream: UnixStream,
    _ssh: Arc<Ssh>,
}

impl AsyncRead for Carried {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Carried {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Connects to this user's server at `socket`. One whose queue of new connections is full is waited for.
///
/// # Errors
/// `denied` when the place or the server is another user's; `server_unreachable` with the cause; the server's own
/// reason when it refuses.
pub async fn connect(
    socket: &Path,
    hello: Hello,
) -> Result<(Connection, mpsc::Receiver<Event>), Error> {
    connect_to(socket, own_uid(), hello).await
}

/// As [`connect`], to the server of the user `owner`.
///
/// # Errors
/// As [`connect`].
pub async fn connect_to(
    socket: &Path,
    owner: u32,
    hello: Hello,
) -> Result<(Connection, mpsc::Receiver<Event>), Error> {
    trust::check_place(socket, owner)?;
    let waited_until = tokio::time::Instant::now() + HELLO_LIMIT;
    let stream = loop {
        match UnixStream::connect(socket).await {
            Ok(stream) => break stream,
            Err(error)
                if error.kind() == io::ErrorKind::WouldBlock
                    && tokio::time::Instant::now() < waited_until =>
            {
                tokio::time::sleep(FULL_QUEUE_PAUSE).await;
            }
            Err(error) => return Err(trust::unreachable(socket, &error)),
        }
    };
    let peer = stream
        .peer_cred()
        .map_err(|error| trust::unreachable(socket, &error))?;
    trust::check_peer(peer.uid(), socket, owner)?;
    Connection::open(stream, hello, HELLO_LIMIT).await
}

/// True if nothing listens at `socket`, as opposed to a server that does not answer.
#[must_use]
pub fn is_absent(socket: &Path) -> bool {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
    // Non-blocking: a listener with a full queue would hold up the caller's whole thread.
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let asked = SocketAddrUnix::new(socket).and_then(|address| {
        let asking =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        rustix::net::connect(&asking, &address)
    });
    matches!(asked, Err(Errno::NOENT | Errno::CONNREFUSED))
}

/// The remains of a server that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Programs that are alive under its keepers.
    pub programs: usize,
    /// It has not ended in order: nobody was told yet how what it had has ended.
    pub unfinished: bool,
}

impl Left {
    /// The remains of the server at `socket`; `mark` is the file that it removes at its end, where the caller knows it.
    #[must_use]
    pub fn by(socket: &Path, mark: Option<&Path>) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let marked = mark.and_then(|mark| std::fs::read(mark).ok());
        Self {
            programs: kept_programs(socket),
            unfinished: marked.is_some_and(|path| path == socket.as_os_str().as_bytes()),
        }
    }

    /// True if the next server has something to go on with, or to tell.
    #[must_use]
    pub fn is_something(self) -> bool {
        self.programs > 0 || self.unfinished
    }

    /// The error of a server that is not there, with what is.
    #[must_use]
    pub fn explain(self, error: Error) -> Error {
        if !self.is_something() || error.code != ErrorCode::ServerUnreachable {
            return error;
        }
        let (what, hint) = match self.programs {
            0 => (
                "it was killed, and what it had has ended since".to_owned(),
                "`fugued` tells how",
            ),
            1 => (
                "1 program is alive without a server".to_owned(),
                "`fugued` takes it over",
            ),
            many => (
                format!("{many} programs are alive without a server"),
                "`fugued` takes them over",
            ),
        };
        Error {
            message: format!("{}; {what}", error.message),
            ..error
        }
        .hint(hint)
    }
}

/// The number of programs that are alive under keepers of the server at `socket`, whether that one is there or not.
fn kept_programs(socket: &Path) -> usize {
    let panes = socket.with_file_name("panes");
    let entries = std::fs::read_dir(panes).into_iter().flatten().flatten();
    let keeper = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "sock")
    };
    entries
        .map(|entry| entry.path())
        .filter(|path| keeper(path) && !is_absent(path))
        .count()
}

/// The time for which a server that has left programs behind may be on its way back by itself before it is started: a
/// unit of systemd's is, after a second.
#[must_use]
pub fn grace() -> Duration {
    let config = std::env::var_os("XDG_CONFIG_HOME").filter(|dir| !dir.is_empty());
    let config = config.map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(Path::new(&home).join(".config"))
    });
    let unit = config.map(|dir| dir.join("systemd/user/fugued.service"));
    match unit.is_some_and(|unit| unit.exists()) {
        true => Duration::from_secs(3),
        false => Duration::from_millis(300),
    }
}

/// The daemon's program: `$FUGUED`, else beside this program, else on the `PATH`.
#[must_use]
pub fn daemon_exe() -> PathBuf {
    if let Some(named) = std::env::var_os("FUGUED").filter(|v| !v.is_empty()) {
        return named.into();
    }
    std::env::current_exe()
        .ok()
        .map(|exe| exe.with_file_name("fugued"))
        .filter(|sibling| sibling.is_file())
        .unwrap_or_else(|| PathBuf::from("fugued"))
}

/// Starts the daemon and returns when it serves. A daemon that runs already is fine.
///
/// Another one that is starting, or is making its socket again, is waited for.
///
/// # Errors
/// `server_unreachable` with what the daemon said.
pub async fn start_daemon(socket: &Path) -> Result<(), Error> {
    start_daemon_from(&daemon_exe(), socket).await
}

/// As [`start_daemon`], with this program.
///
/// # Errors
/// `server_unreachable` with what it said.
pub async fn start_daemon_from(exe: &Path, socket: &Path) -> Result<(), Error> {
    let failed = |why: String| {
        Error::new(
            ErrorCode::ServerUnreachable,
            format!("{} did not start: {why}", exe.display()),
        )
        .hint("run `fugued --foreground` to see why, or name the program in FUGUED")
    };
    let started = tokio::process::Command::new(exe)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(START_LIMIT, started)
        .await
        .map_err(|_| failed(format!("it was not ready within {START_LIMIT:?}")))?
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    if output.status.code() == Some(EXIT_BUSY.into()) && appears(socket).await {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(match said.trim().trim_end_matches(':') {
        "" => format!("it ended with {}", output.status),
        said => said.to_owned(),
    }))
}

/// As [`start_daemon`], for a caller that blocks.
///
/// # Errors
/// As [`start_daemon`].
pub fn start_daemon_and_wait(socket: &Path) -> Result<(), Error> {
    let start = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime =
            runtime.map_err(|error| Error::new(ErrorCode::ServerUnreachable, error.to_string()))?;
        runtime.block_on(start_daemon(socket))
    };
    // The caller's own thread may belong to a runtime already.
    let started = std::thread::scope(|scope| scope.spawn(start).join());
    started.unwrap_or_else(|_| {
        Err(Error::new(
            ErrorCode::Internal,
            "starting the server panicked",
        ))
    })
}

/// True if somebody listens there within [`BUSY_LIMIT`].
async fn appears(socket: &Path) -> bool {
    let appeared = async {
        while is_absent(socket) {
            tokio::time::sleep(BUSY_PAUSE).await;
        }
    };
    tokio::time::timeout(BUSY_LIMIT, appeared).await.is_ok()
}
