//! Taking over a keeper that an earlier daemon had started.

use std::{io, path::Path};

use keeper::wire::{KeeperHello, Reply, Request, Taken};
use keeper::{Family, Identity, WIRE_VERSION};
use serde_bytes::ByteBuf;
use tokio::net::UnixStream;

use crate::{
    error::AdoptError,
    handle::AdoptedPane,
    stream::Stream,
    task::{self, KeeperProcess},
};

/// Request id of the hello.
const HELLO_ID: u64 = 1;

/// The facts that are known of a keeper before it is asked.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The processes that may listen; nothing is known when it is empty.
    pub keepers: Vec<Identity>,
    /// The secret that the keeper was started with; empty when that is not known.
    pub secret: Vec<u8>,
}

impl Expected {
    /// True if a keeper that is known has not ended.
    #[must_use]
    pub fn lives(&self) -> Option<bool> {
        let alive = |keeper: &Identity| keeper.is_alive();
        (!self.keepers.is_empty()).then(|| self.keepers.iter().any(alive))
    }
}

/// Connects, says hello, and takes what comes with the answer.
pub(crate) async fn adopt(socket: &Path, expected: &Expected) -> Result<AdoptedPane, AdoptError> {
    let connected = UnixStream::connect(socket)
        .await
        .map_err(|source| not_connected(socket, source))?;
    let listener = checked(socket, &connected, expected)?;
    let mut stream = Stream::new(connected);
    let hello = Request::Hello {
        version: WIRE_VERSION,
        daemon: std::process::id().to_string(),
        secret: ByteBuf::from(expected.secret.clone()),
    };
    stream
        .push(HELLO_ID, hello)
        .map_err(|cause| AdoptError::Protocol(cause.to_string()))?;
    let hello = answer(&mut stream).await?;
    if hello.refused {
        return Err(AdoptError::Refused);
    }
    let program = hello
        .program
        .ok_or_else(|| AdoptError::Protocol("it has no program".to_owned()))?;
    let carried = hello.descriptors as usize;
    let fds = stream
        .take_descriptors(carried)
        .ok_or(AdoptError::Descriptors)?;
    // What it says of itself counts only where the kernel does not say it.
    let claimed = Identity::new(hello.keeper_pid, hello.keeper_start_time);
    let keeper = listener
        .or(claimed)
        .ok_or_else(|| AdoptError::Protocol("it does not say which process it is".to_owned()))?;
    let process = KeeperProcess::Adopted {
        pid: keeper.pid,
        start_time: keeper.start_time,
    };
    let family = Family {
        keeper: Some(keeper),
        program: Identity::new(program.pid, program.start_time),
        cgroup: None,
    };
    Ok(AdoptedPane {
        keeper: task::start(stream, process, hello.exit, family),
        pane_id: hello.pane_id,
        version: hello.version,
        pid: program.pid,
        start_time: program.start_time,
        started_at_unix_ms: program.started_at_unix_ms,
        keeper_pid: keeper.pid,
        keeper_start_time: keeper.start_time,
        keeper_exe: hello.exe,
        keeper_pss_kib: hello.pss_kib,
        meta: hello.meta.into_vec(),
        master: fds.master,
        journal: fds.journal,
        status_pipe: fds.status_pipe,
    })
}

/// Only a socket that is not there, or on which nobody listens, is a keeper that is gone.
fn not_connected(socket: &Path, source: io::Error) -> AdoptError {
    let path = socket.to_owned();
    let gone = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused];
    if gone.contains(&source.kind()) {
        AdoptError::Gone { path, source }
    } else {
        AdoptError::Connect { path, source }
    }
}

/// The process that listens, as the kernel knows; it must be somebody who may.
///
/// Source: unix(7), `SO_PEERCRED`: of a socket that was connected, the process that has called `listen`.
fn checked(
    socket: &Path,
    connected: &UnixStream,
    expected: &Expected,
) -> Result<Option<Identity>, AdoptError> {
    let path = || socket.to_owned();
    let peer = connected
        .peer_cred()
        .map_err(|source| AdoptError::Connect {
            path: path(),
            source,
        })?;
    if peer.uid() != rustix::process::geteuid().as_raw() {
        return Err(AdoptError::Foreign(path()));
    }
    let pid = peer.pid().unwrap_or(0);
    let listener = Identity::now(pid);
    let known = listener.is_some_and(|listener| expected.keepers.contains(&listener));
    if expected.keepers.is_empty() || known {
        Ok(listener)
    } else {
        Err(AdoptError::Stranger { path: path(), pid })
    }
}

async fn answer(stream: &mut Stream) -> Result<KeeperHello, AdoptError> {
    let protocol = |text: String| AdoptError::Protocol(text);
    loop {
        match stream.take().map_err(|cause| protocol(cause.to_string()))? {
            Taken::Partial => {
                let received = stream.exchange().await;
                received.map_err(|cause| protocol(cause.to_string()))?;
            }
            Taken::Frame(frame) => match frame.reply {
                Some(Reply::Hello(hello)) => return Ok(*hello),
                other => return Err(protocol(format!("it answered {other:?}"))),
            },
            Taken::Unknown(_, text) => return Err(protocol(text)),
        }
    }
}
