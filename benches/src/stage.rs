//! The stage on which a row is measured: a directory, rounds, a mark on everything that is started, and its end.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::proc;

/// In the environment of everything that is started.
const MARK: &str = "FUGUE_BENCH_DIR";

/// The time that killed processes may take to be gone.
const CURTAIN_LIMIT: Duration = Duration::from_secs(5);

/// A directory for all rows. When this program is told to end, it goes with all that was started in it.
pub(crate) fn root() -> Result<tempfile::TempDir> {
    // Short, because a socket's path has at most 107 bytes.
    let root = tempfile::Builder::new().prefix("fb").tempdir_in("/tmp")?;
    let path = root.path().to_owned();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            proc::kill_marked(MARK, &path);
            let _ = std::fs::remove_dir_all(&path);
            std::process::exit(128 + signal);
        }
    });
    Ok(root)
}

/// Left out of the environment of what is started.
const FOREIGN: [&str; 13] = [
    "FUGUE",
    "FUGUE_CONFIG",
    "FUGUE_PANE",
    "FUGUE_PANE_ID",
    "FUGUE_SERVER",
    "FUGUE_SESSION_ID",
    "FUGUE_TOKEN",
    "NO_COLOR",
    "STY",
    "TMUX",
    "TMUX_PANE",
    "TMUX_TMPDIR",
    "XDG_RUNTIME_DIR",
];

/// One row's place.
pub(crate) struct Stage {
    dir: tempfile::TempDir,
    /// Each program is measured so often, in turn with the others.
    pub(crate) rounds: usize,
}

impl Stage {
    /// A fresh place below `root`.
    pub(crate) fn new(root: &Path, rounds: usize) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("r")
            .rand_bytes(4)
            .tempdir_in(root)?;
        Ok(Self { dir, rounds })
    }

    /// Its directory.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A directory of its own for something that is started.
    pub(crate) fn fresh(&self) -> Result<PathBuf> {
        let dir = tempfile::Builder::new()
            .prefix("")
            .rand_bytes(4)
            .tempdir_in(self.dir())?;
        Ok(dir.keep())
    }

    /// A command whose process, and whatever it starts, is ended with the row.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
            .env(MARK, self.dir())
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .current_dir("/");
        command
    }

    /// Everything that was started and lives.
    pub(crate) fn processes(&self) -> Vec<u32> {
        proc::marked(MARK, self.dir())
    }

    /// Ends this program and all that it has started when the row takes longer than `limit`.
    pub(crate) fn watchdog(&self, limit: Duration) -> Watchdog {
        let (alive, told) = channel::<()>();
        let dir = self.dir().to_owned();
        std::thread::spawn(move || {
            if told.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                eprintln!("fugue-bench: not done within {limit:?}; giving up");
                proc::kill_marked(MARK, &dir);
                std::process::exit(1);
            }
        });
        Watchdog(alive)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        proc::kill_marked(MARK, self.dir());
    }
}

/// A guard that ends all that was started when it is dropped: what comes next is measured alone.
pub(crate) struct Curtain<'s>(pub(crate) &'s Stage);

impl Drop for Curtain<'_> {
    fn drop(&mut self) {
        let empty = || {
            proc::kill_marked(MARK, self.0.dir());
            self.0.processes().is_empty().then_some(())
        };
        if let Err(error) = until("the end of a peer", CURTAIN_LIMIT, empty) {
            eprintln!("fugue-bench: {error}");
        }
    }
}

/// Dropped when the row is done.
pub(crate) struct Watchdog(#[allow(dead_code, reason = "its drop is the message")] Sender<()>);

/// This program's file.
pub(crate) fn own_exe() -> Result<PathBuf> {
    std::env::current_exe().context("this program's file is not known")
}

/// `fugue` or `fugued`: in `$FUGUE_BIN`, else beside this program.
pub(crate) fn our_exe(name: &str) -> Result<PathBuf> {
    let path = match std::env::var_os("FUGUE_BIN") {
        Some(dir) => PathBuf::from(dir).join(name),
        None => own_exe()?.with_file_name(name),
    };
    if !path.is_file() {
        bail!(
            "{} is missing; build it, or name its directory in FUGUE_BIN",
            path.display()
        );
    }
    Ok(std::fs::canonicalize(path)?)
}

/// Runs a command that has to succeed within a short time.
pub(crate) fn succeed(mut command: Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !output.status.success() {
        bail!(
            "{:?} failed: {}",
            command.get_program(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Waits until `done` gives something, looking every few milliseconds.
pub(crate) fn until<T>(
    what: &str,
    limit: Duration,
    mut done: impl FnMut() -> Option<T>,
) -> Result<T> {
    let begun = std::time::Instant::now();
    loop {
        if let Some(found) = done() {
            return Ok(found);
        }
        if begun.elapsed() > limit {
            bail!("{what}: not within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
