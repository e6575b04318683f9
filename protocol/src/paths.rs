//! The paths of sockets, state and configuration.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorCode};
use crate::id::PaneUuid;

/// The directories and files of one server on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Sockets: `$FUGUE_RUNTIME_DIR`, else `$XDG_RUNTIME_DIR/fugue`, else `/tmp/fugue-<uid>`.
    pub runtime: PathBuf,
    /// Logs and state: `$FUGUE_STATE_DIR`, else `$XDG_STATE_HOME/fugue`, else `~/.local/state/fugue`.
    pub state: PathBuf,
    /// `$FUGUE_CONFIG`, else `$XDG_CONFIG_HOME/fugue/config.toml`, else `~/.config/fugue/config.toml`.
    pub config: PathBuf,
}

impl Paths {
    /// The paths that the environment names.
    #[must_use]
    pub fn from_env() -> Self {
        let var = |name: &str| {
            std::env::var_os(name)
                .filter(|v| !v.is_empty())
                // A daemon that this process starts is somewhere else.
                .map(|v| std::path::absolute(&v).unwrap_or_else(|_| v.into()))
        };
        let home = var("HOME").unwrap_or_else(|| PathBuf::from("/"));
        let uid = rustix::process::getuid().as_raw();
        let xdg = |name: &str| var(name).map(|dir| dir.join("fugue"));
        Self {
            runtime: var("FUGUE_RUNTIME_DIR")
                .or_else(|| xdg("XDG_RUNTIME_DIR"))
                .unwrap_or_else(|| PathBuf::from(format!("/tmp/fugue-{uid}"))),
            state: var("FUGUE_STATE_DIR")
                .or_else(|| xdg("XDG_STATE_HOME"))
                .unwrap_or_else(|| home.join(".local/state/fugue")),
            config: var("FUGUE_CONFIG").unwrap_or_else(|| {
                xdg("XDG_CONFIG_HOME")
                    .unwrap_or_else(|| home.join(".config/fugue"))
                    .join("config.toml")
            }),
        }
    }

    /// The daemon's socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.runtime.join("fugued.sock")
    }

    /// Held locked by the running daemon.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.runtime.join("fugued.lock")
    }

    /// Held locked by the daemon that writes the state.
    #[must_use]
    pub fn state_lock(&self) -> PathBuf {
        self.state.join("fugued.lock")
    }

    /// One socket per keeper.
    #[must_use]
    pub fn panes(&self) -> PathBuf {
        self.runtime.join("panes")
    }

    /// The socket on which the keeper of a pane listens.
    #[must_use]
    pub fn pane_socket(&self, pane: PaneUuid) -> PathBuf {
        self.panes().join(format!("{pane}.sock"))
    }

    /// The file with what is known of daemons that were wedged.
    #[must_use]
    pub fn wedges(&self) -> PathBuf {
        self.runtime.join("wedges")
    }

    /// There from a daemon's first session until it has ended in order, with the path of its socket in it.
    #[must_use]
    pub fn unfinished(&self) -> PathBuf {
        self.state.join("fugued.unfinished")
    }

    /// There when a daemon has ended every program in order and could not write that to its database, until the next one has.
    /// It is empty, and elsewhere than the database: the disk of that may be what is full.
    #[must_use]
    pub fn ended(&self) -> PathBuf {
        self.runtime.join("fugued.ended")
    }

    /// The options of a daemon that has not ended everything in order, a word on each line.
    #[must_use]
    pub fn options(&self) -> PathBuf {
        self.state.join("fugued.options")
    }

    /// The URL of the daemon's HTTP listener, while there is one.
    #[must_use]
    pub fn http_url(&self) -> PathBuf {
        self.runtime.join("http.url")
    }

    /// The token that HTTP callers must show, unless the configuration names another file.
    #[must_use]
    pub fn http_token(&self) -> PathBuf {
        self.runtime.join("http.token")
    }

    /// Log files.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.state.join("log")
    }
}

/// The mode of directories that many users share, such as `/tmp`.
const STICKY: u32 = 0o1000;

/// Makes `dir` with mode 0700 when it is missing, and checks that it is ours alone. One that is there already is
/// never changed: it may be `/tmp`, or somebody's home.
///
/// # Errors
/// `denied` when it belongs to another user, is a link, is open to others or cannot be made; `limit` when the disk is
/// full. Both with the system's reason.
pub fn private_dir(dir: &Path) -> Result<(), Error> {
    if std::fs::symlink_metadata(dir).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        make(dir)?;
    }
    let meta =
        std::fs::symlink_metadata(dir).map_err(|error| failed("cannot look at", dir, &error))?;
    if !meta.is_dir() {
        return Err(refused(dir, "is a link or no directory"));
    }
    if meta.uid() != own_uid() {
        return Err(refused(dir, "belongs to another user"));
    }
    if meta.mode() & 0o077 != 0 {
        let why = format!("is open to other users (mode {:o})", meta.mode() & 0o7777);
        if meta.mode() & STICKY != 0 {
            return Err(refused(dir, &why).hint(
                "it is made for many users: set FUGUE_RUNTIME_DIR or FUGUE_STATE_DIR to a directory in it",
            ));
        }
        return Err(refused(dir, &why).hint(format!(
            "if it is for fugue alone, `chmod 700 {}`; else set FUGUE_RUNTIME_DIR or FUGUE_STATE_DIR to another directory",
            dir.display()
        )));
    }
    Ok(())
}

/// Makes a directory, in one of ours or of the system's: root in another user's shell would leave things there that
/// this user cannot use.
fn make(dir: &Path) -> Result<(), Error> {
    let above = dir
        .ancestors()
        .skip(1)
        .find_map(|above| Some((above, std::fs::metadata(above).ok()?)));
    if let Some((above, meta)) = above
        && meta.uid() != own_uid()
        && meta.uid() != 0
    {
        let why = format!(
            "cannot be made: {} belongs to user {}",
            above.display(),
            meta.uid()
        );
        return Err(refused(dir, &why));
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| failed("cannot create", dir, &error))
}

fn failed(what: &str, dir: &Path, error: &io::Error) -> Error {
    let full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    );
    let code = if full {
        ErrorCode::Limit
    } else {
        ErrorCode::Denied
    };
    Error::new(code, format!("{what} {}: {error}", dir.display()))
        .hint("set FUGUE_RUNTIME_DIR or FUGUE_STATE_DIR to a directory of your own")
}

fn refused(dir: &Path, why: &str) -> Error {
    Error::new(ErrorCode::Denied, format!("{} {why}", dir.display()))
        .hint("set FUGUE_RUNTIME_DIR or FUGUE_STATE_DIR to a directory of your own; remove this one if it is fugue's alone")
}

/// The directory of this process, by the way that its caller has come there: `PWD`, where that names the same one.
///
/// Source: POSIX, pwd(1), option -L.
///
/// # Errors
/// The system's, as when the directory is gone.
pub fn current_dir() -> io::Result<PathBuf> {
    let told = std::env::var_os("PWD").map(PathBuf::from);
    Ok(by_way_of(told, std::env::current_dir()?))
}

/// The path that was told, where it names `here`.
fn by_way_of(told: Option<PathBuf>, here: PathBuf) -> PathBuf {
    match told {
        Some(told) if is_plain(&told) && is_same(&told, &here) => told,
        Some(_) | None => here,
    }
}

/// True if `path` is absolute and has no `.` and no `..`.
fn is_plain(path: &Path) -> bool {
    let mut parts = path.as_os_str().as_bytes().split(|byte| *byte == b'/');
    path.is_absolute() && !parts.any(|part| part == b"." || part == b"..")
}

/// True if both are the same file, links followed.
#[must_use]
pub fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| Some(std::fs::metadata(path).ok()?).map(|m| (m.dev(), m.ino()));
    identity(one).is_some_and(|found| Some(found) == identity(other))
}

/// The user that this process acts for.
pub(crate) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The variable of a session's environment that says which umask its programs have, in octal digits. They
/// do not find it in their own.
pub const UMASK_VARIABLE: &str = "FUGUE_UMASK";

/// The umask of this process in octal digits, as a session's environment has it. `None` where the kernel
/// does not tell. Source: proc(5), `/proc/pid/status`.
#[must_use]
pub fn own_umask() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mut lines = status.lines();
    let digits = lines.find_map(|line| line.strip_prefix("Umask:"))?;
    Some(digits.trim().to_owned())
}

#[cfg(test)]
mod tests;
