//! The runtime directory: the lock, the socket, small files. All of it is made again when somebody deletes the directory
//! underneath a running daemon.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::paths::{Paths, private_dir};
use protocol::{Error, ErrorCode};
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

/// The time for which a lock that somebody holds is tried.
pub(crate) const LOCK_LIMIT: Duration = Duration::from_millis(100);

/// Pause between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// The time for which a lock is tried whose owner is dead.
const DEAD_OWNER_LIMIT: Duration = Duration::from_secs(10);

/// The daemon's place in the file system: nobody else's as long as this lives.
#[derive(Debug)]
pub(crate) struct RuntimeDir {
    paths: Paths,
    /// Two daemons must not write one database, wherever their sockets are.
    state: Result<File, Error>,
    held: Mutex<HeldSocket>,
}

#[derive(Debug)]
struct HeldSocket {
    _lock: File,
    listener: Arc<UnixListener>,
    /// Device and inode of the socket.
    socket: (u64, u64),
    /// Files that belong beside it, with what is in them.
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl RuntimeDir {
    /// Makes the directories, takes the locks and listens. A lock that somebody holds is tried for `patience`.
    ///
    /// # Errors
    /// `busy` when another daemon has one of the directories; what keeps them from being made or used.
    pub(crate) fn open(paths: &Paths, patience: Duration) -> Result<Self, Error> {
        for dir in [&paths.runtime, &paths.panes(), &paths.state, &paths.logs()] {
            private_dir(dir)?;
        }
        let runtime = lock(&paths.lock(), &paths.runtime, patience)?;
        let state = match lock(&paths.state_lock(), &paths.state, patience) {
            Err(error) if error.code == ErrorCode::Busy => return Err(error),
            // A full or read-only disk must not keep the daemon from its panes.
            state => state,
        };
        Ok(Self {
            held: Mutex::new(HeldSocket::listen(paths, runtime)?),
            paths: paths.clone(),
            state,
        })
    }

    /// The reason for which the state directory is not locked, when it is not.
    #[must_use]
    pub(crate) fn unlocked(&self) -> Option<&Error> {
        self.state.as_ref().err()
    }

    /// The socket, bound and listening.
    #[must_use]
    pub(crate) fn listener(&self) -> Arc<UnixListener> {
        Arc::clone(&self.held().listener)
    }

    /// Keeps a file of the runtime directory: it is put back with what is in it now, should it be deleted.
    pub(crate) fn keep(&self, path: &Path) {
        if let Ok(content) = std::fs::read(path)
            && path.starts_with(&self.paths.runtime)
        {
            self.held().files.push((path.to_owned(), content));
        }
    }

    /// Learns what is in those files by now: a token may have been changed.
    pub(crate) fn look_again(&self) {
        for (path, content) in &mut self.held().files {
            if let Ok(now) = std::fs::read(path) {
                *content = now;
            }
        }
    }

    /// True if callers who look in the runtime directory find this daemon.
    #[must_use]
    pub(crate) fn is_found(&self) -> bool {
        identity(&self.paths.socket()).is_ok_and(|found| found == self.held().socket)
    }

    /// Makes all of it again, and returns what `take` makes of the new socket.
    ///
    /// # Errors
    /// `busy` when another daemon has the place by now; what keeps it from being made or taken. Then nobody finds this daemon
    /// still, so that it is tried again.
    pub(crate) fn renew<T>(
        &self,
        take: impl FnOnce(&UnixListener) -> io::Result<T>,
    ) -> Result<T, Error> {
        for dir in [&self.paths.runtime, &self.paths.panes()] {
            private_dir(dir)?;
        }
        let mut held = self.held();
        let lock = lock(&self.paths.lock(), &self.paths.runtime, LOCK_LIMIT)?;
        let mut renewed = HeldSocket::listen(&self.paths, lock)?;
        let taken = put_back(&held.files)
            .and_then(|()| take(&renewed.listener).map_err(|e| system("listen again", &e)));
        match taken {
            Ok(taken) => {
                renewed.files = std::mem::take(&mut held.files);
                // Last: from here on callers are taken for finding this daemon.
                *held = renewed;
                Ok(taken)
            }
            Err(error) => {
                // Nobody is going to accept there. The lock is held until `renewed` is dropped, so it is ours.
                let _ = std::fs::remove_file(self.paths.socket());
                Err(error)
            }
        }
    }

    /// Takes away what callers would look for, unless it is a successor's.
    pub(crate) fn leave(&self) {
        if self.is_found() {
            let _ = std::fs::remove_file(self.paths.socket());
            let _ = std::fs::remove_file(self.paths.http_url());
        }
    }

    fn held(&self) -> MutexGuard<'_, HeldSocket> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RuntimeDir {
    fn drop(&mut self) {
        self.leave();
    }
}

impl HeldSocket {
    fn listen(paths: &Paths, lock: File) -> Result<Self, Error> {
        let path = paths.socket();
        // Ours is the lock, so whatever lies there is stale.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(system(
                    &format!("remove the stale {}", path.display()),
                    &error,
                ));
            }
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)
            .map_err(|e| system(&format!("listen on {}", path.display()), &e))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
            .map_err(|e| system(&format!("close {} to others", path.display()), &e))?;
        let socket =
            identity(&path).map_err(|e| system(&format!("look at {}", path.display()), &e))?;
        Ok(Self {
            _lock: lock,
            listener: Arc::new(listener),
            socket,
            files: Vec::new(),
        })
    }
}

/// Writes files with what was in them.
fn put_back(files: &[(PathBuf, Vec<u8>)]) -> Result<(), Error> {
    for (path, content) in files {
        write(path, content).map_err(|e| system(&format!("write {}", path.display()), &e))?;
    }
    Ok(())
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let meta = std::fs::symlink_metadata(path)?;
    Ok((meta.dev(), meta.ino()))
}

/// Writes a file for callers to find; whoever reads it meanwhile finds it whole.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    // Whatever lies there, a link included, is from a daemon that was killed.
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(content)?;
    std::fs::rename(&new, path)
}

/// Locks `path`, which says that `dir` is ours.
fn lock(path: &Path, dir: &Path, patience: Duration) -> Result<File, Error> {
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        // What a link points to would be overwritten with a number.
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(|e| system(&format!("open {}", path.display()), &e))?;
    match flock(&file, patience) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            return Err(Error::new(
                ErrorCode::Busy,
                format!(
                    "a fugued runs already for {} (pid {})",
                    dir.display(),
                    pid.trim()
                ),
            )
            .hint("use it, end it with `fugue stop`, or set FUGUE_RUNTIME_DIR and FUGUE_STATE_DIR to other directories"));
        }
        Err(errno) => return Err(system(&format!("lock {}", path.display()), &errno.into())),
    }
    let written = file
        .set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(|e| system(&format!("write {}", path.display()), &e))?;
    Ok(file)
}

/// Locks at once, or within `patience`. A daemon that was killed can have left a child between fork and exec, which holds its
/// locks for a moment: longer on a busy machine, so that one whose owner is dead is tried on.
fn flock(file: &File, patience: Duration) -> Result<(), Errno> {
    let begun = Instant::now();
    loop {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => {}
            done => return done,
        }
        let waits = begun.elapsed() < patience
            || begun.elapsed() < DEAD_OWNER_LIMIT && owner(file).is_some_and(is_dead);
        if !waits {
            return Err(Errno::WOULDBLOCK);
        }
        std::thread::sleep(LOCK_PAUSE);
    }
}

/// The process that has written its number into a lock.
fn owner(file: &File) -> Option<u32> {
    let mut number = [0; 16];
    let count = file.read_at(&mut number, 0).ok()?;
    std::str::from_utf8(&number[..count])
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// True if a process is gone, or a zombie.
fn is_dead(pid: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat
            .rsplit_once(')')
            .is_some_and(|(_, rest)| rest.trim_start().starts_with(['Z', 'X'])),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// The error for what the system refuses the daemon.
pub(crate) fn system(what: &str, error: &io::Error) -> Error {
    Error::new(ErrorCode::Internal, format!("cannot {what}: {error}"))
        .hint("check the permissions and free space of the runtime and state directories")
}

#[cfg(test)]
mod tests;
