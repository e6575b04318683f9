//! The start of a program under a keeper, for a new pane or for the next life of one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::paths::private_dir;
use protocol::request::RunStreams;
use protocol::{Error, ErrorCode, PaneUuid, os_text};
use pty::Window;
use uuid::Uuid;

use super::record;
use super::started::StartedProgram;
use crate::cgroup;
use crate::pane::{PaneEntry, Process, StartTurn};
use crate::server::Server;
use keeper::{KeeperSpec, Streams};
use keeper_link::{SpawnError, SpawnedPane};
use model::pane::PaneRecord;

/// The time that a program may take to be started.
const SPAWN_LIMIT: Duration = Duration::from_secs(10);

/// The time that it may take to note which keeper a restarted program gets: one that is not noted is only found less
/// surely.
const NOTE_LIMIT: Duration = Duration::from_secs(2);

/// The life that a started program is.
pub(super) fn process(started: &SpawnedPane, life: u32, secret: Uuid) -> Process {
    Process {
        keeper: started.keeper.clone(),
        pid: started.pid.unsigned_abs(),
        start_time: started.start_time,
        keeper_pid: started.keeper_pid.unsigned_abs(),
        keeper_start_time: started.keeper_start_time,
        started: Instant::now(),
        life,
        secret: Some(secret),
    }
}

/// The data that a keeper keeps for the next daemon.
pub(super) struct Kept {
    pub(super) meta: Vec<u8>,
    pub(super) secret: Uuid,
}

/// Starts a program that is ended again unless it is committed: a new pane's, or `again` in that pane.
pub(super) async fn start_program(
    server: &Arc<Server>,
    id: PaneUuid,
    kept: Kept,
    record: &PaneRecord,
    window: Window,
    again: Option<(&Arc<PaneEntry>, StartTurn)>,
) -> Result<(StartedProgram, SpawnedPane), Error> {
    let cgroup = server
        .cgroups()
        .prepare(record.cgroup.as_deref(), record.settings.memory_max)?;
    let group = EmptyGroup(cgroup.as_ref().map(|cgroup| cgroup.group.clone()));
    let (raw_env, env) = record::variables(record);
    let winsize = window.winsize();
    let spec = KeeperSpec {
        cgroup,
        pane_id: id.to_string(),
        socket: server.paths.pane_socket(id),
        argv: record
            .argv
            .iter()
            .map(|word| os_text::shown(word).into_owned())
            .collect(),
        raw_argv: record::raw_arguments(record),
        program: record.program.clone(),
        cwd: os_text::decoded(&record.cwd).into(),
        env,
        raw_env,
        rows: winsize.ws_row,
        cols: winsize.ws_col,
        width: winsize.ws_xpixel,
        height: winsize.ws_ypixel,
        journal_bytes: u64::from(server.config.journal_bytes),
        status_pipe: record.status_pipe,
        streams: match record.streams {
            RunStreams::Terminal => Streams::Terminal,
            RunStreams::Pipes => Streams::Pipes,
            RunStreams::Apart => Streams::Apart,
        },
        report_word: record.report_word.clone(),
        umask: record.umask.or_else(|| server.umask.get().copied()),
        meta: serde_bytes::ByteBuf::from(kept.meta),
        secret: serde_bytes::ByteBuf::from(kept.secret.as_bytes().to_vec()),
        ..KeeperSpec::default()
    };
    let (entry, turn) = again.unzip();
    let program = spawn_in_place(server, spec, entry).await?;
    let program = program.map_err(|error| spawn_error(&record.command, &error))?;
    let started = StartedProgram::new(server, group.filled(), turn, &program);
    Ok((started, program))
}

/// A control group without a program. Unless one is started in it, it is discarded, whatever keeps it from that.
struct EmptyGroup(Option<PathBuf>);

impl EmptyGroup {
    /// It is the started program's.
    fn filled(mut self) -> Option<PathBuf> {
        self.0.take()
    }
}

impl Drop for EmptyGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            cgroup::discard(&group);
        }
    }
}

/// Starts it where its keeper is found. That directory may be deleted underneath, also at this moment.
async fn spawn_in_place(
    server: &Server,
    spec: KeeperSpec,
    entry: Option<&Arc<PaneEntry>>,
) -> Result<Result<SpawnedPane, SpawnError>, Error> {
    let again = spec.clone();
    let spawned = spawn_noted(server, spec, entry).await?;
    if !spawned.as_ref().is_err_and(SpawnError::is_place_gone) {
        return Ok(spawned);
    }
    spawn_noted(server, again, entry).await
}

/// Starts it when it is noted which keeper a pane's next life gets: the next daemon takes nobody else for that.
async fn spawn_noted(
    server: &Server,
    spec: KeeperSpec,
    entry: Option<&Arc<PaneEntry>>,
) -> Result<Result<SpawnedPane, SpawnError>, Error> {
    make_place(server)?;
    let keeper = match server.keepers.take() {
        Ok(keeper) => keeper,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(entry) = entry {
        entry.set_next_keeper(keeper.identity());
        let noted = server.store.save(entry).wait();
        let _ = tokio::time::timeout(NOTE_LIMIT, noted).await;
    }
    Ok(keeper.spawn(spec, SPAWN_LIMIT).await)
}

/// Makes the directories of keepers' sockets again; the listener is about to notice as well.
fn make_place(server: &Server) -> Result<(), Error> {
    let panes = server.paths.panes();
    if panes.is_dir() {
        return Ok(());
    }
    private_dir(&server.paths.runtime)?;
    private_dir(&panes)
}

fn spawn_error(command: &str, error: &SpawnError) -> Error {
    if error.was_started() {
        return was_started(command, &Error::new(ErrorCode::Limit, error.to_string()));
    }
    let command = protocol::name::shown(command);
    let (code, hint) = remedy(error);
    Error::new(code, format!("cannot start {command}: {error}")).hint(hint)
}

/// The kind that an error has for the caller, and what there is to do about it. A `limit` passes: a restart is put off by it, and not
/// counted as a life that has failed.
fn remedy(error: &SpawnError) -> (ErrorCode, &'static str) {
    if error.is_limit() {
        let hint =
            "processes, memory, terminals or file descriptors ran out; close panes, then try again";
        return (ErrorCode::Limit, hint);
    }
    match error {
        SpawnError::Timeout(_) => (
            ErrorCode::Limit,
            "no pane was made; the machine is too busy or short of memory, so try again when it is less so",
        ),
        SpawnError::Died(_) => (
            ErrorCode::SpawnFailed,
            "no pane was made, and that is not for the command; look into the system's log for what has ended the keeper, then try again",
        ),
        SpawnError::Keeper { .. } => (
            ErrorCode::SpawnFailed,
            "no pane was made, and that is not for the command; see that this file is there and can be executed, or install fugue again",
        ),
        SpawnError::SocketPath { .. } => (
            ErrorCode::SpawnFailed,
            "no pane was made, and that is not for the command; start the server with a shorter runtime directory",
        ),
        SpawnError::Program(_)
        | SpawnError::TooLarge(_)
        | SpawnError::NoRoom { .. }
        | SpawnError::Descriptors => (
            ErrorCode::SpawnFailed,
            "no pane was made; correct the command, its directory or its environment",
        ),
    }
}

/// The error of a program that ran for a moment and has been ended, because the rest of its start failed.
pub(super) fn was_started(command: &str, error: &Error) -> Error {
    let command = protocol::name::shown(command);
    Error::new(
        error.code,
        format!(
            "{command} was started and has been ended: {}",
            error.message
        ),
    )
    .hint("no pane was made; see what it has done until then before it is started again")
}

#[cfg(test)]
mod tests;
