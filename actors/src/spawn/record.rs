//! The record of a new pane: program, directory and environment, checked before anything is started.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use protocol::paths::UMASK_VARIABLE;
use protocol::request::{PaneSpec, Program, StopRecipe};
use protocol::{Error, PaneNumber, PaneUuid, os_text};
use serde_bytes::ByteBuf;
use terminal::screen::MAX_HISTORY_LINES;
use uuid::Uuid;

use super::{SpawnOrder, shell, usual_shell};
use crate::clock::epoch_ms;
use crate::idempotency;
use crate::pane::PaneEntry;
use crate::rights;
use crate::server::Server;
use model::pane::PaneRecord;
use model::session::change::{checked_umask, checked_variable};
use model::session::snapshot::SessionSnapshot;

/// Longest command with all its arguments, in bytes. The kernel's own limit is larger and its error
/// less clear.
const COMMAND_BYTES: usize = 128 * 1024;

/// The variable in which a program finds the number of its pane.
const NUMBER_VARIABLE: &str = "FUGUE_PANE";

fn history_lines(server: &Server, spec: &PaneSpec) -> Result<usize, Error> {
    let lines = spec.history_lines.unwrap_or(server.config.history_lines) as usize;
    if lines > MAX_HISTORY_LINES {
        return Err(Error::invalid(format!(
            "history_lines is {lines}; it may be 0 to {MAX_HISTORY_LINES}"
        )));
    }
    Ok(lines)
}

/// The record that a pane is made as, from an order that is in order.
pub(super) fn record(
    server: &Server,
    session: &SessionSnapshot,
    id: PaneUuid,
    order: &SpawnOrder,
) -> Result<PaneRecord, Error> {
    let spec = &order.spec;
    let mut env = match &order.environment {
        Some(environment) => BTreeMap::clone(environment),
        None => session.environment.merged(),
    };
    env.extend(spec.env.clone());
    for name in env.keys() {
        checked_variable(name)?;
    }
    shell::complete(&mut env);
    let (argv, program) = argv(spec, &env)?;
    let cwd = checked_cwd(spec.cwd.as_deref().unwrap_or(&session.cwd))?;
    let umask = env
        .remove(UMASK_VARIABLE)
        .map(|digits| checked_umask(&digits));
    let number = server.registry.numbers().pane();
    own_variables(server, session, (id, number), &mut env);
    env.insert("PWD".to_owned(), cwd.clone());
    let mut variables = env.iter();
    if let Some((name, _)) = variables.find(|(_, value)| !os_text::is_possible(value)) {
        return Err(Error::invalid(format!(
            "the variable {name} has a NUL in its value"
        )));
    }
    let stop = checked_stop(spec.stop.or(&server.config.stop.recipe()))?;
    if let Some(bytes) = spec.settings.memory_max {
        server.cgroups().check_memory(bytes)?;
    }
    Ok(PaneRecord {
        number,
        command: match &order.shown_as {
            Some(shown) => shown.clone(),
            None => shown_command(&spec.program, &argv),
        },
        argv,
        program,
        cwd,
        env: env.into_iter().collect(),
        given: match order.environment {
            Some(_) => None,
            None => Some(spec.env.keys().cloned().collect()),
        },
        settings: spec.settings,
        stop,
        streams: order.streams,
        status_pipe: order.report_word.is_some(),
        report_word: order.report_word.clone(),
        history_lines: history_lines(server, spec)?,
        made_by: idempotency::current(),
        umask: umask.transpose()?,
        cgroup: server
            .cgroups()
            .path(id)
            .map(|path| path.display().to_string()),
        origin: rights::origin(),
        created_at_ms: epoch_ms(),
    })
}

fn checked_stop(stop: StopRecipe) -> Result<StopRecipe, Error> {
    stop.check()?;
    for key in stop.keys.iter().flatten() {
        terminal::input::Key::parse(key).map_err(|e| Error::invalid(e.to_string()))?;
    }
    Ok(stop)
}

fn own_variables(
    server: &Server,
    session: &SessionSnapshot,
    (id, number): (PaneUuid, PaneNumber),
    env: &mut BTreeMap<String, String>,
) {
    let path = |path: &Path| os_text::encoded(path);
    let own = [
        ("TERM", "xterm-256color".to_owned()),
        ("COLORTERM", "truecolor".to_owned()),
        ("FUGUE", path(&server.paths.socket())),
        ("FUGUE_RUNTIME_DIR", path(&server.paths.runtime)),
        ("FUGUE_STATE_DIR", path(&server.paths.state)),
        ("FUGUE_CONFIG", path(&server.paths.config)),
        ("FUGUE_SERVER", server.name.to_string()),
        ("FUGUE_SESSION_ID", session.id.to_string()),
        ("FUGUE_PANE_ID", id.to_string()),
        (NUMBER_VARIABLE, number.to_string()),
        // Random, unlike the time-ordered ids: who does not hold it cannot guess it.
        ("FUGUE_TOKEN", Uuid::new_v4().simple().to_string()),
    ];
    for (name, value) in own {
        env.insert(name.to_owned(), value);
    }
}

/// The arguments, and what is executed when that is not the first of them.
fn argv(
    spec: &PaneSpec,
    env: &BTreeMap<String, String>,
) -> Result<(Vec<String>, Option<String>), Error> {
    let argv = match &spec.program {
        Program::LoginShell => {
            let (argv, shell) = shell::interactive(env, spec.login);
            return Ok((argv, Some(shell)));
        }
        Program::ShellLine { line, shell } => {
            if line.trim().is_empty() {
                return Err(empty_command());
            }
            let usual = || usual_shell::usual(env.get("PATH").map(String::as_str)).to_owned();
            let shell = shell.clone().unwrap_or_else(usual);
            vec![shell, "-c".to_owned(), line.clone()]
        }
        Program::Argv(argv) => argv.clone(),
    };
    if argv.first().is_none_or(|first| first.trim().is_empty()) {
        return Err(empty_command());
    }
    if !argv.iter().all(|argument| os_text::is_possible(argument)) {
        return Err(Error::invalid("the command contains a NUL byte"));
    }
    let bytes: usize = argv.iter().map(String::len).sum();
    if bytes > COMMAND_BYTES {
        return Err(Error::invalid(format!(
            "the command has {bytes} bytes; at most {COMMAND_BYTES} are possible"
        ))
        .hint("write it to a file and run that"));
    }
    Ok((argv, None))
}

fn empty_command() -> Error {
    Error::invalid("the command is empty").hint("name a program, or omit the command for a shell")
}

fn shown_command(program: &Program, argv: &[String]) -> String {
    match program {
        Program::LoginShell => argv[0].trim_start_matches('-').to_owned(),
        Program::ShellLine { line, .. } => os_text::shown(line).into_owned(),
        Program::Argv(_) => {
            let words: Vec<_> = argv.iter().map(|word| os_text::shown(word)).collect();
            words.join(" ")
        }
    }
}

/// Checks a working directory before anything is spawned.
///
/// # Errors
/// `invalid_argument` when it is not absolute, missing, or no directory.
pub(crate) fn checked_cwd(cwd: &str) -> Result<String, Error> {
    let shown = protocol::name::shown(&os_text::shown(cwd));
    let wrong = |why: String| {
        Error::invalid(format!("the working directory {shown} {why}"))
            .hint("give the absolute path of a directory that exists")
    };
    let path = PathBuf::from(os_text::decoded(cwd));
    if !path.is_absolute() || !os_text::is_possible(cwd) {
        return Err(wrong("is not an absolute path".into()));
    }
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => Ok(cwd.to_owned()),
        Ok(_) => Err(wrong("is not a directory".into())),
        Err(error) => Err(wrong(format!("cannot be used: {error}"))),
    }
}

/// The pane as its next life is started: with what its session has learned meanwhile.
pub(super) fn next_record(server: &Server, entry: &PaneEntry) -> PaneRecord {
    let mut record = entry.record.clone();
    if let Some(session) = server.registry.session(entry.session) {
        let mut env = record.next_env(&session.snapshot().environment.changes);
        shell::complete(&mut env);
        env.insert(NUMBER_VARIABLE.to_owned(), record.number.to_string());
        record.env = env.into_iter().collect();
    }
    record
}

/// Bytes of a name and of its value.
type RawVariable = (ByteBuf, ByteBuf);

/// The variables as a keeper gets them: those that are not UTF-8, and the others.
pub(super) fn variables(record: &PaneRecord) -> (Vec<RawVariable>, Vec<(String, String)>) {
    let is_raw =
        |(name, value): &(String, String)| os_text::is_marked(name) || os_text::is_marked(value);
    let (marked, texts): (Vec<_>, Vec<_>) = record.env.iter().cloned().partition(is_raw);
    let raw = marked.iter().map(|(name, value)| (raw(name), raw(value)));
    (raw.collect(), texts)
}

/// All arguments as bytes, when one of them is not UTF-8.
pub(super) fn raw_arguments(record: &PaneRecord) -> Option<Vec<ByteBuf>> {
    let mut argv = record.argv.iter();
    argv.any(|argument| os_text::is_marked(argument))
        .then(|| record.argv.iter().map(|argument| raw(argument)).collect())
}

fn raw(text: &str) -> ByteBuf {
    ByteBuf::from(os_text::decoded(text).into_vec())
}
