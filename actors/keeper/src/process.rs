//! The keeper process: how it sets itself up, and what it does until its program runs.

mod below;
mod serve;

use std::{fs, io::Write, os::fd::OwnedFd, os::unix::ffi::OsStrExt, path::Path, process::ExitCode};

use rustix::{
    event::poll,
    fs::{Mode, OFlags},
    io::Errno,
    net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with,
        sockopt::socket_domain,
    },
    process::getpid,
};

use self::serve::Serving;
use crate::{
    conn::Conn,
    hidden,
    program::{self, Program},
    sys,
    wire::{
        KeeperFrame, KeeperHello, KeeperSpec, Reply, Request, SpawnFailure, Taken, WIRE_VERSION,
    },
};

/// Longest path that fits a socket address. Source: unix(7), sun_path.
pub const MAX_SOCKET_PATH_BYTES: usize = 107;
/// The number of daemons that may wait to be accepted; one is the rule.
const BACKLOG: i32 = 4;
/// The argument for `leave_terminal`.
pub const LEAVE_TERMINAL: &str = "--leave-terminal";

/// Takes the foreground of the terminal for a group that is empty from then on: when a session's leader ends, the kernel hangs up whoever
/// is in the foreground, and what a pipeline has left in the background would be.
fn leave_terminal() -> Result<(), Errno> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let terminal = rustix::fs::open("/dev/tty", flags, Mode::empty())?;
    rustix::process::setpgid(None, None)?;
    // Else the signal for background groups that change their terminal would stop it.
    let _signals = sys::block_signals()?;
    rustix::termios::tcsetpgrp(&terminal, getpid())
}

/// Runs the keeper: the whole process `fugued keeper`, whose descriptor 0 is the daemon's socket.
///
/// Call it before anything else in `main`: it expects one thread, and memory it has not touched is
/// memory that each pane saves.
#[must_use]
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(errno) => {
            let _ = writeln!(std::io::stderr(), "fugued keeper: {errno}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Errno> {
    if std::env::args().any(|word| word == LEAVE_TERMINAL) {
        return leave_terminal();
    }
    if std::env::args()
        .nth(1)
        .is_some_and(|word| word == "--version")
    {
        let text = concat!("fugue-keeper ", env!("CARGO_PKG_VERSION"));
        let _ = writeln!(std::io::stdout(), "{text}");
        return Ok(());
    }
    if socket_domain(rustix::stdio::stdin()) != Ok(AddressFamily::UNIX) {
        let text = "fugued keeper: standard input is not a daemon's socket; the daemon starts this";
        let _ = writeln!(std::io::stderr(), "{text}");
        return Err(Errno::NOTSOCK);
    }
    hidden::hide();
    // Fails only for the leader of a group, which is then free of the daemon's already.
    let _ = rustix::process::setsid();
    sys::close_from(3);
    let signals = sys::block_signals()?;
    sys::set_name(c"fugue-keeper");
    rustix::process::set_child_subreaper(Some(getpid()))?;
    let mut conn = Conn::new(sys::take_stdin()?);
    let Some((id, spec)) = wait_for_spawn(&mut conn) else {
        return Ok(());
    };
    match start(&spec) {
        Ok((program, listener)) => {
            let mut keeper = Serving::new(*spec, program, listener, signals);
            keeper.introduce(conn, id);
            sys::trim_heap();
            keeper.serve();
        }
        Err(failure) => {
            conn.send(&KeeperFrame::reply(id, Reply::SpawnFailed(failure)));
        }
    }
    Ok(())
}

/// Serves the first connection until it asks for a program. `None` when the daemon has gone.
fn wait_for_spawn(conn: &mut Conn) -> Option<(u64, Box<KeeperSpec>)> {
    loop {
        while let Some(taken) = conn.next_request() {
            let (id, request) = match taken {
                Taken::Frame(frame) => (frame.id, frame.request),
                Taken::Unknown(id, text) => {
                    conn.send(&KeeperFrame::reply(id, Reply::Unsupported { text }));
                    continue;
                }
                Taken::Partial => break,
            };
            let reply = match request {
                Request::Spawn(spec) => return Some((id, spec)),
                Request::Hello { .. } => Reply::Hello(Box::new(KeeperHello {
                    version: WIRE_VERSION,
                    keeper_pid: getpid().as_raw_pid(),
                    ..KeeperHello::default()
                })),
                Request::Signal { .. }
                | Request::Descendants {}
                | Request::KillAll { .. }
                | Request::Stop { .. }
                | Request::SetMeta { .. }
                | Request::AckExit { .. }
                | Request::LetOrphansGo { .. }
                | Request::KeptErrors {}
                | Request::Release { .. } => failed(Errno::SRCH, "nothing has been started yet"),
            };
            conn.send(&KeeperFrame::reply(id, reply));
        }
        if conn.is_closed() {
            return None;
        }
        let _ = poll(&mut [conn.poll_fd()], None);
        conn.exchange();
    }
}

/// Listens first and starts the program then, so that no program runs that nobody can find.
fn start(spec: &KeeperSpec) -> Result<(Program, OwnedFd), SpawnFailure> {
    let listener = listen_on(&spec.socket)?;
    match program::start(spec) {
        Ok(program) => Ok((program, listener)),
        Err(failure) => {
            let _ = fs::remove_file(&spec.socket);
            Err(failure)
        }
    }
}

fn listen_on(path: &Path) -> Result<OwnedFd, SpawnFailure> {
    let failed = |errno| {
        let what = format!("the keeper cannot listen on {}", path.display());
        SpawnFailure {
            place_gone: errno == Errno::NOENT,
            ..SpawnFailure::during(&what, errno)
        }
    };
    let length = path.as_os_str().as_bytes().len();
    if length > MAX_SOCKET_PATH_BYTES {
        let text = format!(
            "the socket path {} has {length} bytes, {MAX_SOCKET_PATH_BYTES} are possible: use a shorter runtime directory",
            path.display()
        );
        return Err(SpawnFailure::new(Errno::NAMETOOLONG, text));
    }
    let address = SocketAddrUnix::new(path).map_err(failed)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket =
        socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(failed)?;
    // A stale one is of a keeper that was killed: ids are never used twice.
    let _ = fs::remove_file(path);
    let before = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = bind(&socket, &address);
    rustix::process::umask(before);
    bound
        .and_then(|()| listen(&socket, BACKLOG))
        .map_err(failed)?;
    Ok(socket)
}

fn failed(errno: Errno, text: &str) -> Reply {
    Reply::Failed {
        errno: errno.raw_os_error(),
        text: text.to_owned(),
    }
}
