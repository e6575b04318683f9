//! Starting a keeper and, through it, a program.

use std::{
    io,
    os::fd::OwnedFd,
    os::unix::{ffi::OsStrExt, net::UnixStream as StdStream},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use keeper::wire::{Reply, Request, Taken};
use keeper::{Family, Identity, KeeperSpec, MAX_SOCKET_PATH_BYTES, ProgramIdentity, WIRE_VERSION};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use serde_bytes::ByteBuf;
use tokio::net::UnixStream;

use crate::{
    error::SpawnError,
    handle::{Keeper, SpawnedPane},
    launch::KeeperLaunch,
    stream::Stream,
    task::{self, KeeperProcess},
};

/// Request id of the hello.
const HELLO_ID: u64 = 1;
/// Request id of the order to start the program.
const SPAWN_ID: u64 = 2;
/// The time that a keeper which has failed may take to be gone before it is killed.
const FAILED_LIMIT: Duration = Duration::from_secs(1);
/// The time that a program may take to be gone whose descriptors could not be received.
const END_LIMIT: Duration = Duration::from_secs(5);

/// A keeper that has no program yet. It ends by itself when it is dropped, and is reaped then.
#[derive(Debug)]
pub(crate) struct IdleKeeper {
    /// `None` once it has been given its program.
    stream: Option<Stream>,
    pid: i32,
}

impl IdleKeeper {
    /// Executes a keeper, which gets ready while the caller goes on.
    pub(crate) fn start(launch: &KeeperLaunch) -> Result<Self, SpawnError> {
        let failed = |source: io::Error| match Errno::from_io_error(&source) {
            Some(Errno::MFILE) => SpawnError::NoRoom { source },
            Some(_) | None => SpawnError::Keeper {
                exe: launch.exe.clone(),
                source,
            },
        };
        let (ours, theirs) = StdStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let mut stream = Stream::new(UnixStream::from_std(ours).map_err(failed)?);
        let hello = Request::Hello {
            version: WIRE_VERSION,
            daemon: std::process::id().to_string(),
            secret: ByteBuf::new(),
        };
        stream
            .push(HELLO_ID, hello)
            .map_err(|cause| SpawnError::TooLarge(cause.to_string()))?;
        let pid = execute(launch, theirs).map_err(failed)?;
        Ok(Self {
            stream: Some(stream),
            pid,
        })
    }

    /// The process that it is.
    pub(crate) fn identity(&self) -> Option<Identity> {
        Identity::now(self.pid)
    }

    /// True if its process has not ended.
    pub(crate) fn is_alive(&self) -> bool {
        !(KeeperProcess::Child { pid: self.pid }).is_dead()
    }

    /// Ends it without a program and waits until it is gone.
    pub(crate) async fn end(mut self, limit: Duration) {
        self.stream = None;
        (KeeperProcess::Child { pid: self.pid })
            .wait_dead(limit)
            .await;
    }

    /// Starts the program, once there is room for what comes of it. Dropping the future undoes everything.
    pub(crate) async fn spawn(mut self, spec: KeeperSpec) -> Result<SpawnedPane, SpawnError> {
        let pid = self.pid;
        let cgroup = spec.cgroup.as_ref().map(|cgroup| cgroup.group.clone());
        let expected = if spec.status_pipe { 3 } else { 2 };
        // Dropped after the stream: with its descriptors there is room to look at processes.
        let mut unfinished = Unfinished {
            pid: None,
            socket: spec.socket.clone(),
        };
        if let Some(stream) = &mut self.stream {
            let reserved = stream.reserve(expected);
            reserved.map_err(|errno| SpawnError::NoRoom {
                source: errno.into(),
            })?;
        }
        let Some(mut stream) = self.stream.take() else {
            return Err(SpawnError::Died("it has a program already".to_owned()));
        };
        unfinished.pid = Some(pid);
        match exchange(&mut stream, spec).await {
            Ok(identity) => {
                unfinished.pid = None;
                let fds = stream.take_descriptors(expected);
                let family = Family {
                    keeper: Identity::now(pid),
                    program: Identity::new(identity.pid, identity.start_time),
                    cgroup,
                };
                let keeper_start_time = family.keeper.map_or(0, |keeper| keeper.start_time);
                let keeper = task::start(stream, KeeperProcess::Child { pid }, None, family);
                let Some(fds) = fds else {
                    return Err(end_unreceived(keeper).await);
                };
                Ok(SpawnedPane {
                    keeper_start_time,
                    keeper,
                    pid: identity.pid,
                    start_time: identity.start_time,
                    started_at_unix_ms: identity.started_at_unix_ms,
                    keeper_pid: pid,
                    master: fds.master,
                    journal: fds.journal,
                    status_pipe: fds.status_pipe,
                })
            }
            Err(cause) => {
                drop(stream);
                if (KeeperProcess::Child { pid }).wait_dead(FAILED_LIMIT).await {
                    unfinished.pid = None;
                }
                // A keeper that was killed could not remove it.
                let _ = std::fs::remove_file(&unfinished.socket);
                Err(cause)
            }
        }
    }
}

/// Ends a program whose descriptors could not be received. The keeper does that: without descriptors, this process can
/// look at no other. A task of its own, which nobody cancels.
async fn end_unreceived(keeper: Keeper) -> SpawnError {
    let ending = tokio::spawn(async move { keeper.release(END_LIMIT).await });
    match ending.await {
        Ok(Ok(left)) if left.is_empty() => {}
        Ok(left) => tracing::error!(?left, "a program without a pane could not be ended"),
        Err(error) => tracing::error!(%error, "ending a program without a pane failed"),
    }
    SpawnError::Descriptors
}

impl Drop for IdleKeeper {
    fn drop(&mut self) {
        if self.stream.take().is_some() {
            reap_in_background(self.pid);
        }
    }
}

fn reap_in_background(pid: i32) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn((KeeperProcess::Child { pid }).wait_dead(FAILED_LIMIT));
    }
}

/// Refuses what can be refused without a process.
pub(crate) fn check(spec: &KeeperSpec) -> Result<(), SpawnError> {
    let bytes = spec.socket.as_os_str().as_bytes().len();
    if bytes > MAX_SOCKET_PATH_BYTES {
        let path = spec.socket.clone();
        return Err(SpawnError::SocketPath { path, bytes });
    }
    Ok(())
}

/// Executes the keeper. Without any code between fork and exec, std uses `posix_spawn`, which does
/// not copy the daemon's page tables.
fn execute(launch: &KeeperLaunch, socket: StdStream) -> io::Result<i32> {
    let mut command = Command::new(&launch.exe);
    command.args(&launch.args).env_clear();
    // Where the system finds libraries belongs to the executable, all else to the program.
    if let Some(path) = std::env::var_os("LD_LIBRARY_PATH") {
        command.env("LD_LIBRARY_PATH", path);
    }
    let child = command
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // Reaped by the connection's task; std's handle neither kills nor reaps when it is dropped.
    Ok(i32::try_from(child.id()).expect("a pid fits"))
}

async fn exchange(stream: &mut Stream, spec: KeeperSpec) -> Result<ProgramIdentity, SpawnError> {
    stream
        .push(SPAWN_ID, Request::Spawn(Box::new(spec)))
        .map_err(|cause| SpawnError::TooLarge(cause.to_string()))?;
    let died = |cause: String| SpawnError::Died(cause);
    loop {
        match stream.take().map_err(|cause| died(cause.to_string()))? {
            Taken::Partial => {
                let received = stream.exchange().await;
                received.map_err(|cause| died(cause.to_string()))?;
            }
            Taken::Frame(frame) if frame.id == SPAWN_ID => {
                return match frame.reply {
                    Some(Reply::Spawned(identity)) => Ok(identity),
                    Some(Reply::SpawnFailed(failure)) => Err(SpawnError::Program(failure)),
                    other => Err(died(format!("it answered {other:?}"))),
                };
            }
            Taken::Unknown(SPAWN_ID, text) => return Err(died(text)),
            // The hello's answer: every version can start a program.
            Taken::Frame(_) | Taken::Unknown(..) => {}
        }
    }
}

/// A keeper that has not given us its program: dropped, it is killed with all it started.
struct Unfinished {
    pid: Option<i32>,
    socket: PathBuf,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(pid) = self.pid else {
            return;
        };
        // Listed before the keeper goes, because they get another parent then.
        let started = keeper::descendants(pid);
        if let Some(pid) = Pid::from_raw(pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
        for process in started {
            let _ = keeper::signal_exactly(process.pid, process.start_time, Signal::KILL);
        }
        let _ = std::fs::remove_file(&self.socket);
        reap_in_background(pid);
    }
}
