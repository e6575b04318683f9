//! Trust of a client in a server: it is of one user, in a directory where only that user and the system put things.
//!
//! Checked before a byte is sent, because the first request of many carries the caller's environment.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::sockopt::socket_peercred;

use crate::error::{Error, ErrorCode};
use crate::paths::own_uid;

/// Others may write, unless what is there stays its owner's.
const SHARED: u32 = 0o022;

/// The sticky bit: in `/tmp` nobody takes away or renames what is another's.
const STICKY: u32 = 0o1000;

/// Connects to the server of the user `owner` at `socket`, blocking.
///
/// # Errors
/// `denied` when the place or the peer is somebody else's, `server_unreachable` with the cause.
pub fn dial(socket: &Path, owner: u32) -> Result<UnixStream, Error> {
    check_place(socket, owner)?;
    let stream = UnixStream::connect(socket).map_err(|error| unreachable(socket, &error))?;
    let peer = socket_peercred(&stream).map_err(|error| unreachable(socket, &error.into()))?;
    check_peer(peer.uid.as_raw(), socket, owner)?;
    Ok(stream)
}

/// That nobody but `owner` and the system decides what is at `socket`. A directory that is missing is fine: then
/// nothing is there.
///
/// # Errors
/// `denied` saying whose the directory is, or that it is a link.
pub(crate) fn check_place(socket: &Path, owner: u32) -> Result<(), Error> {
    let Some(dir) = socket.parent().filter(|dir| !dir.as_os_str().is_empty()) else {
        return Ok(());
    };
    let Ok(meta) = std::fs::symlink_metadata(dir) else {
        return Ok(());
    };
    let refused = |why: String| {
        let message = format!(
            "the directory of the server's socket, {}, {why}; nothing was sent",
            dir.display()
        );
        Err(Error::new(ErrorCode::Denied, message).hint(whose(socket, meta.uid())))
    };
    if !meta.is_dir() {
        return refused("is a link or no directory".to_owned());
    }
    let by_system = meta.uid() == 0;
    if meta.uid() != owner && !by_system {
        return refused(format!("belongs to user {}", meta.uid()));
    }
    if meta.mode() & SHARED != 0 && !(by_system && meta.mode() & STICKY != 0) {
        return refused(format!(
            "can be written by other users (mode {:o})",
            meta.mode() & 0o7777
        ));
    }
    Ok(())
}

/// That the process at the other end, which is the user `uid`'s, is `owner`'s.
///
/// # Errors
/// `denied` saying whose it is.
pub(crate) fn check_peer(uid: u32, socket: &Path, owner: u32) -> Result<(), Error> {
    if uid == owner {
        return Ok(());
    }
    let message = format!(
        "the server at {} is a process of user {uid}, not of user {owner}; nothing was sent",
        socket.display()
    );
    Err(Error::new(ErrorCode::Denied, message).hint(whose(socket, uid)))
}

/// The hint of what to do about a server of the user `uid`.
fn whose(socket: &Path, uid: u32) -> String {
    if uid == own_uid() {
        return "`chmod go-w` the directory, or set FUGUE_RUNTIME_DIR to another one".to_owned();
    }
    format!(
        "set FUGUE_RUNTIME_DIR to a directory of your own; if the server of user {uid} is meant, put `[servers.NAME]` with `socket = \"{}\"` and `uid = {uid}` into your configuration and add `-s NAME`",
        socket.display()
    )
}

pub(crate) fn unreachable(socket: &Path, error: &io::Error) -> Error {
    Error::new(
        ErrorCode::ServerUnreachable,
        format!(
            "no server answers at {}: {}",
            socket.display(),
            crate::plain::reason(error)
        ),
    )
    .hint("`fugue new` and `fugue run` start one, `fugued` does so by itself")
}

#[cfg(test)]
mod tests;
