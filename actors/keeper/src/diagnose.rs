//! Finding the program to execute, and saying exactly why it cannot be.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Read,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Access, AtFlags, CWD, accessat},
    io::Errno,
};

use crate::wire::{FailureClass, SpawnFailure};

/// The directories in which programs are looked for when the environment has no `PATH`. Source: glibc, execvp(3).
const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// The length of what is looked at of a script for its first line. Source: Linux, BINPRM_BUF_SIZE.
const FIRST_LINE_BYTES: usize = 256;

impl SpawnFailure {
    /// A failure with its error number, put into its class.
    pub(crate) fn new(errno: Errno, text: String) -> Self {
        let class = if Self::is_limit(errno) {
            FailureClass::Limit
        } else {
            FailureClass::SpawnFailed
        };
        Self {
            class,
            errno: errno.raw_os_error(),
            text,
            place_gone: false,
        }
    }

    /// True for an error that means that something ran out.
    #[must_use]
    pub fn is_limit(errno: Errno) -> bool {
        let limits = [
            Errno::AGAIN,
            Errno::NOMEM,
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOSPC,
            Errno::USERS,
        ];
        limits.contains(&errno)
    }

    /// A failure whose text ends with the system's own words.
    pub(crate) fn during(what: &str, errno: Errno) -> Self {
        Self::new(errno, format!("{what}: {errno}"))
    }
}

/// The file that `name` means: itself when it holds a `/`, else the first executable of that name
/// in `search` (a `PATH`).
pub(crate) fn find_program(name: &OsStr, search: Option<&OsStr>) -> Result<PathBuf, SpawnFailure> {
    if name.is_empty() {
        let text = "the command is empty: give a program to start".to_owned();
        return Err(SpawnFailure::new(Errno::INVAL, text));
    }
    if name.as_bytes().contains(&b'/') {
        return Ok(PathBuf::from(name));
    }
    let search = search.unwrap_or(OsStr::new(DEFAULT_PATH));
    let mut blocked = None;
    for dir in search.as_bytes().split(|byte| *byte == b':') {
        let dir = if dir.is_empty() { b"." } else { dir };
        let candidate = Path::new(OsStr::from_bytes(dir)).join(name);
        let Ok(found) = fs::metadata(&candidate) else {
            continue;
        };
        if found.is_file() && is_executable(&candidate) {
            return Ok(candidate);
        }
        blocked = blocked.or(Some(candidate));
    }
    Err(match blocked {
        Some(candidate) => explain(Errno::ACCESS, &candidate),
        None => SpawnFailure::new(
            Errno::NOENT,
            format!(
                "program not found: {} is in none of the directories of PATH ({})",
                name.display(),
                search.display()
            ),
        ),
    })
}

fn is_executable(path: &Path) -> bool {
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok()
}

/// The reason for which the working directory could not be entered.
pub(crate) fn explain_cwd(errno: Errno, cwd: &Path) -> SpawnFailure {
    let cwd = cwd.display();
    let text = match errno {
        Errno::NOENT => format!("the working directory {cwd} does not exist"),
        Errno::NOTDIR => format!("the working directory {cwd} is not a directory"),
        Errno::ACCESS => format!("no permission to enter the working directory {cwd}"),
        other => format!("the working directory {cwd} cannot be entered: {other}"),
    };
    SpawnFailure::new(errno, text)
}

/// The reason for which executing `path` failed with `errno`.
pub(crate) fn explain(errno: Errno, path: &Path) -> SpawnFailure {
    let shown = path.display();
    let text = match errno {
        Errno::NOENT | Errno::NOTDIR if fs::metadata(path).is_ok() => explain_interpreter(path),
        Errno::NOENT => format!("program not found: {shown} does not exist"),
        Errno::NOTDIR => format!("program not found: a part of {shown} is not a directory"),
        Errno::ACCESS => explain_access(path),
        Errno::NOEXEC => format!(
            "exec format error: {shown} is neither a program for this machine nor a script with a #! line"
        ),
        Errno::LOOP => format!("too many links or interpreters in a row behind {shown}"),
        Errno::TOOBIG => {
            format!("the arguments and the environment are together too long to start {shown}")
        }
        Errno::TXTBSY => format!("{shown} is being written to, so it cannot be started"),
        Errno::AGAIN | Errno::NOMEM => {
            format!("no process or memory left to start {shown}: {errno}")
        }
        other => format!("{shown} cannot be started: {other}"),
    };
    SpawnFailure::new(errno, text)
}

fn explain_access(path: &Path) -> String {
    let shown = path.display();
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => format!("{shown} is a directory, not a program"),
        Ok(found) if !found.is_file() => format!("{shown} is not a regular file"),
        Ok(found) if !is_executable(path) => {
            let mode = found.permissions().mode() & 0o7777;
            format!("permission denied: {shown} is not executable (mode {mode:04o})")
        }
        Ok(_) => match interpreter(path) {
            Some(name) => format!(
                "permission denied: {name}, the interpreter of {shown}, may not be executed"
            ),
            None => format!("permission denied: {shown} may not be executed from where it lies"),
        },
        Err(_) => format!("permission denied: {shown} cannot be reached"),
    }
}

fn explain_interpreter(path: &Path) -> String {
    let shown = path.display();
    match interpreter(path) {
        Some(name) => {
            format!("the interpreter {name} in the first line of {shown} does not exist")
        }
        None => format!("the loader that {shown} asks for does not exist"),
    }
}

/// The interpreter in a script's first line. `None` for other files.
fn interpreter(path: &Path) -> Option<String> {
    let mut first = Vec::new();
    let limit = u64::try_from(FIRST_LINE_BYTES).unwrap_or(u64::MAX);
    File::open(path)
        .ok()?
        .take(limit)
        .read_to_end(&mut first)
        .ok()?;
    let line = first.strip_prefix(b"#!")?.split(|&b| b == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    // A carriage return from another system's editor is a part of the name; show it.
    let name = line.trim_matches([' ', '\t']).split([' ', '\t']).next()?;
    Some(name.escape_debug().to_string())
}
