//! Logs: one line per fact, in files that rotate.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::IsTerminal;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use rustix::fs::OFlags;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// The newest log; older ones have `.1` to `.4` behind it.
pub(crate) const FILE_NAME: &str = "fugued.log";

/// Older files kept.
const OLDER_FILES: usize = 4;

/// Size of one file.
const FILE_BYTES: usize = 10 * 1024 * 1024;

/// Lines waiting for the disk. Beyond it they are dropped: a slow disk must not stop a pane.
const LINES: usize = 16_384;

/// The crates of this program that the daemon is made of. What libraries say of their own work is for those who ask for it.
const OWN: [&str; 13] = [
    "fugued",
    "fugue_actors",
    "journal",
    "keeper",
    "keeper_link",
    "fugue_mcp",
    "model",
    "fugue_protocol",
    "pty",
    "store",
    "supervisor",
    "terminal",
    "web",
];

/// The filter where nobody gives one: facts of our own, and from libraries only what is wrong.
fn usual() -> EnvFilter {
    let own = OWN.map(|own| format!("{own}=info"));
    EnvFilter::new(format!("warn,{}", own.join(",")))
}

/// Begins to log to `dir`, or to standard error with `to_stderr`. Lines reach the file as long as the
/// guard lives. The filter is `FUGUE_LOG`, else [`usual`].
#[must_use]
pub(crate) fn init(dir: &Path, to_stderr: bool) -> Option<WorkerGuard> {
    let filter = EnvFilter::try_from_env("FUGUE_LOG").unwrap_or_else(|_| usual());
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    if to_stderr {
        let no_color = std::env::var_os("NO_COLOR");
        let colored = colored(std::io::stderr().is_terminal(), no_color.as_deref());
        let _ = lines
            .with_ansi(colored)
            .with_writer(std::io::stderr)
            .try_init();
        return None;
    }
    let file = rotating(dir);
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(LINES)
        .lossy(true)
        .finish(file);
    let _ = lines.with_ansi(false).with_writer(writer).try_init();
    Some(guard)
}

/// The newest file, which is put behind the older ones when it is full.
fn rotating(dir: &Path) -> FileRotate<AppendCount> {
    let newest = dir.join(FILE_NAME);
    if newest.is_symlink() {
        // Lines would be added to another file. The link goes, what it points to stays.
        let _ = std::fs::remove_file(&newest);
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    FileRotate::new(
        newest,
        AppendCount::new(OLDER_FILES),
        ContentLimit::BytesSurpassed(FILE_BYTES),
        Compression::None,
        Some(options),
    )
}

/// True if lines for people have colours. Source: no-color.org, an empty NO_COLOR counts as unset.
fn colored(is_terminal: bool, no_color: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty)
}

#[cfg(test)]
mod tests;
