//! Taking over a keeper that an earlier daemon had started.

use std::path::Path;

use tokio::net::UnixStream;

use super::{
    super::wire::{KeeperHello, Reply, Request, Taken, WIRE_VERSION},
    AdoptError, AdoptedPane,
    stream::Stream,
    task::{self, KeeperProcess},
};

/// Request id of the hello.
const HELLO_ID: u64 = 1;

/// Connects, says hello, and takes what comes with the answer.
pub(super) async fn adopt(socket: &Path) -> Result<AdoptedPane, AdoptError> {
    let gone = |source| AdoptError::Gone {
        path: socket.to_owned(),
        source,
    };
    let connected = UnixStream::connect(socket).await.map_err(gone)?;
    let peer = connected.peer_cred().map_err(gone)?;
    if peer.uid() != rustix::process::geteuid().as_raw() {
        return Err(AdoptError::Foreign(socket.to_owned()));
    }
    let mut stream = Stream::new(connected);
    let hello = Request::Hello {
        version: WIRE_VERSION,
        daemon: std::process::id().to_string(),
    };
    stream
        .push(HELLO_ID, hello)
        .map_err(|cause| AdoptError::Protocol(cause.to_string()))?;
    let hello = answer(&mut stream).await?;
    let program = hello
        .program
        .ok_or_else(|| AdoptError::Protocol("it has no program".to_owned()))?;
    let expected = hello.descriptors as usize;
    let fds = stream
        .take_descriptors(expected)
        .ok_or(AdoptError::Descriptors)?;
    let process = KeeperProcess::Adopted {
        pid: hello.keeper_pid,
        start_time: hello.keeper_start_time,
    };
    Ok(AdoptedPane {
        keeper: task::start(stream, process, hello.exit),
        pane_id: hello.pane_id,
        version: hello.version,
        pid: program.pid,
        start_time: program.start_time,
        started_at_unix_ms: program.started_at_unix_ms,
        keeper_pid: hello.keeper_pid,
        keeper_start_time: hello.keeper_start_time,
        meta: hello.meta.into_vec(),
        master: fds.master,
        journal: fds.journal,
        status_pipe: fds.status_pipe,
    })
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
