//! Where sockets, state and configuration are.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
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
                .map(PathBuf::from)
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

    /// Where the keeper of a pane listens.
    #[must_use]
    pub fn pane_socket(&self, pane: PaneUuid) -> PathBuf {
        self.panes().join(format!("{pane}.sock"))
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

/// Makes `dir` with mode 0700 when it is missing, and checks that it is ours alone.
///
/// # Errors
/// `denied` when it belongs to another user, is a link or cannot be made; `limit` when the disk is
/// full. Both with the system's reason.
pub fn private_dir(dir: &Path) -> Result<(), Error> {
    let failed = |what: &str, error: &io::Error| {
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
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| failed("cannot create", &e))?;
    let meta = std::fs::symlink_metadata(dir).map_err(|e| failed("cannot look at", &e))?;
    let refused = |why: &str| {
        Err(
            Error::new(ErrorCode::Denied, format!("{} {why}", dir.display())).hint(
                "remove it, or set FUGUE_RUNTIME_DIR or FUGUE_STATE_DIR to a directory of your own",
            ),
        )
    };
    if !meta.is_dir() {
        return refused("is a link or no directory");
    }
    if meta.uid() != rustix::process::getuid().as_raw() {
        return refused("belongs to another user");
    }
    if meta.mode() & 0o077 != 0 {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))
            .map_err(|e| failed("cannot close to others", &e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
