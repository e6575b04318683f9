//! The directories, the configuration and the sockets in them.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use protocol::config::Config;
use protocol::paths::Paths;
use protocol::{PaneUuid, transport};
use rustix::fs::statvfs;

use super::Finding;
use crate::cli::units::count;

/// Longest path of a socket in bytes. Source: unix(7), `sun_path` without its NUL.
const SOCKET_BYTES: usize = 107;

/// With less than so much space the next hours are in doubt.
const LITTLE: u64 = 200 << 20;

/// With less than so much nothing can be written reliably.
const NONE: u64 = 5 << 20;

const MIB: u64 = 1 << 20;

pub(super) fn check(paths: &Paths, found: &mut Vec<Finding>) {
    found.push(directory("runtime", &paths.runtime));
    found.push(socket_path(paths));
    found.push(directory("state", &paths.state));
    found.push(match Config::load(&paths.config) {
        Ok(_) if paths.config.exists() => Finding::ok("config", paths.config.display().to_string()),
        Ok(_) => Finding::ok(
            "config",
            format!(
                "{} is not there, so the defaults count",
                paths.config.display()
            ),
        ),
        Err(error) => Finding::wrong(
            "config",
            error.message.clone(),
            "correct it; fugued does not start with it, and commands go on with the defaults",
        ),
    });
    found.push(sockets(paths));
}

/// A directory that is this user's alone and has room.
fn directory(check: &'static str, dir: &Path) -> Finding {
    let shown = dir.display();
    let meta = match std::fs::symlink_metadata(dir) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return missing(check, dir),
        Err(error) => {
            return Finding::wrong(
                check,
                format!("{shown}: {error}"),
                "see to it that it can be read",
            );
        }
    };
    let own = rustix::process::geteuid().as_raw();
    let remedy = format!("make it yours alone: `chmod 700 {shown}`, or name another one");
    if !meta.is_dir() {
        return Finding::wrong(check, format!("{shown} is a link or no directory"), remedy);
    }
    if meta.uid() != own {
        let message = format!("{shown} belongs to user {}, not to user {own}", meta.uid());
        return Finding::wrong(
            check,
            message,
            "name another one: FUGUE_RUNTIME_DIR, FUGUE_STATE_DIR",
        );
    }
    if meta.mode() & 0o077 != 0 {
        let message = format!(
            "{shown} is open to others: mode {:03o}",
            meta.mode() & 0o777
        );
        return Finding::wrong(check, message, remedy);
    }
    room(check, dir, format!("{shown}"))
}

/// A directory that the first server makes, where the nearest one above it allows that.
fn missing(check: &'static str, dir: &Path) -> Finding {
    let shown = dir.display();
    let above = dir.ancestors().skip(1).find(|above| above.is_dir());
    let Some(above) = above else {
        return Finding::wrong(check, format!("{shown} cannot be made"), "name another one");
    };
    match rustix::fs::access(above, rustix::fs::Access::WRITE_OK) {
        Ok(()) => room(
            check,
            above,
            format!("{shown} is not there yet; the first server makes it"),
        ),
        Err(error) => Finding::wrong(
            check,
            format!(
                "{shown} is not there and cannot be made in {}: {error}",
                above.display()
            ),
            "make it, or name another one: FUGUE_RUNTIME_DIR, FUGUE_STATE_DIR",
        ),
    }
}

fn room(check: &'static str, dir: &Path, said: String) -> Finding {
    let free = match statvfs(dir) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
        Err(error) => {
            return Finding::warning(
                check,
                format!("{said}; its free space is not known: {error}"),
                "",
            );
        }
    };
    let with_room = format!("{said}, {} MiB free", free / MIB);
    match free {
        0..NONE => Finding::wrong(check, with_room, "make room; nothing can be stored"),
        NONE..LITTLE => Finding::warning(check, with_room, "make room before it is full"),
        LITTLE.. => Finding::ok(check, with_room),
    }
}

fn socket_path(paths: &Paths) -> Finding {
    let longest = paths.pane_socket(PaneUuid::new());
    let bytes = longest.as_os_str().as_bytes().len();
    let said = format!("sockets have paths of {bytes} bytes, at most {SOCKET_BYTES} are possible");
    match bytes {
        0..=SOCKET_BYTES => Finding::ok("socket path", said),
        _ => Finding::wrong(
            "socket path",
            said,
            "name a shorter directory in FUGUE_RUNTIME_DIR or XDG_RUNTIME_DIR",
        ),
    }
}

/// Sockets in the runtime directory on which nobody listens.
fn sockets(paths: &Paths) -> Finding {
    let panes = std::fs::read_dir(paths.panes()).into_iter().flatten();
    let panes = panes.flatten().map(|entry| entry.path());
    let is_socket = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "sock");
    let all: Vec<PathBuf> = panes
        .filter(is_socket)
        .chain(Some(paths.socket()).filter(|socket| socket.exists()))
        .collect();
    let left = all.iter().filter(|path| transport::is_absent(path)).count();
    match left {
        0 => Finding::ok(
            "sockets",
            format!("{}, none left over", count(all.len(), "socket")),
        ),
        _ => Finding::warning(
            "sockets",
            format!("{} on which nobody listens", count(left, "socket")),
            "the next server removes them",
        ),
    }
}
