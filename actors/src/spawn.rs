//! The one spawn function: every pane's program is started here, for people, programs and
//! orchestrations alike.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::paths::private_dir;
use protocol::request::{PaneSpec, RunStreams};
use protocol::{Error, ErrorCode, Name, PaneUuid, Size, WindowUuid, os_text};
use pty::Io;
use pty::Window;
use uuid::Uuid;

use crate::adopt;
use crate::cgroup;
use crate::children;
use crate::orchestration;
use crate::pane::{self, PaneEntry, Process, StartTurn};
use crate::registry::SessionEntry;
use crate::server::Server;
use crate::session::SessionMsg;
use crate::session::life;
use crate::slots::Slot;
use crate::step::step;
use keeper::{KeeperSpec, Streams};
use keeper_link::{SpawnError, SpawnedPane};
use model::pane::{PaneLife, PaneRecord};
use model::session::change::{Place, Placement};
pub use record::checked_cwd;
use record::{next_record, record};
use started::{StartedProgram, Unplaced};

pub mod group;
mod record;
mod shell;
mod started;
pub(crate) mod usual_shell;

/// How long a program may take to be started.
const SPAWN_LIMIT: Duration = Duration::from_secs(10);

/// How long it may take to note which keeper a restarted program gets: one that is not noted is only found less surely.
const NOTE_LIMIT: Duration = Duration::from_secs(2);

/// What is to be started, and where.
pub struct SpawnOrder {
    /// In this session.
    pub session: Arc<SessionEntry>,
    /// The pane.
    pub spec: PaneSpec,
    /// Its place.
    pub place: Place,
    /// It becomes the focused one.
    pub select: bool,
    /// Whether it has a terminal.
    pub streams: RunStreams,
    /// It is a pipeline's shell: what begins each of its reports on the status pipe.
    pub report_word: Option<String>,
    /// What people are shown as its command, when that is not what is executed.
    pub shown_as: Option<String>,
    /// The environment instead of the session's.
    pub environment: Option<Arc<BTreeMap<String, String>>>,
}

/// A pane whose program runs.
pub struct Spawned {
    /// The pane.
    pub entry: Arc<PaneEntry>,
    /// Its window.
    pub window: WindowUuid,
    /// The read end of its status pipe.
    pub status_pipe: Option<OwnedFd>,
}

/// Starts a program in a new pane. On failure nothing of it is left.
///
/// # Errors
/// `invalid_argument` for a malformed order, `spawn_failed` with the system's reason, `limit` when
/// something ran out, `not_found` when the session is ending.
pub async fn spawn(server: &Arc<Server>, order: SpawnOrder) -> Result<Spawned, Error> {
    let id = PaneUuid::new();
    let plan = plan(server, id, &order)?;
    let slot = room(server).await?;
    let placement = Placement {
        pane: id,
        place: order.place,
        select: order.select,
    };
    let measure = placement.clone();
    let size = ask_session(server, &order.session, |reply| {
        SessionMsg::Measure(measure, reply)
    })
    .await?;
    let begun = begin(server, &order.session, plan, slot, size).await?;
    let entry = begun.entry;
    let settled = settle(server, &order.session, &entry, placement).await;
    begun.unplaced.settled();
    match settled {
        Ok(window) => Ok(Spawned {
            entry,
            window,
            status_pipe: begun.status_pipe,
        }),
        Err(error) => {
            pane::close(server, &entry, true).await;
            Err(error)
        }
    }
}

fn stopping() -> Error {
    Error::new(ErrorCode::Busy, "the server is being stopped").hint("start it again with `fugued`")
}

/// Asks the session's actor about a place. A session that ends under its pane because the server does is not the caller's
/// to look for.
async fn ask_session<R>(
    server: &Server,
    session: &SessionEntry,
    make: impl FnOnce(supervisor::Reply<Result<R, Error>>) -> SessionMsg,
) -> Result<R, Error> {
    let answer = life::ask(session, make).await.flatten();
    answer.map_err(|error| {
        let because_of_stop = error.code == ErrorCode::NotFound && server.is_stopping();
        if because_of_stop { stopping() } else { error }
    })
}

/// A pane whose order is in order.
struct Plan {
    id: PaneUuid,
    name: Option<Name>,
    record: PaneRecord,
}

/// Checks all of an order that can be checked before anything is started.
fn plan(server: &Server, id: PaneUuid, order: &SpawnOrder) -> Result<Plan, Error> {
    let session = order.session.snapshot();
    Ok(Plan {
        id,
        name: order.spec.name.clone(),
        record: record(server, &session, id, order)?,
    })
}

/// Takes one of the places for panes that the configuration allows. When all are taken, what is over gives way.
///
/// # Errors
/// `limit` when all of them are in use.
pub(crate) async fn room(server: &Arc<Server>) -> Result<Slot, Error> {
    /// Others take what has become free.
    const TRIES: usize = 64;
    for _ in 0..TRIES {
        match take_slot(server) {
            Ok(slot) => return Ok(slot),
            Err(error) if !orchestration::give_way(server).await => return Err(error),
            Err(_) => {}
        }
    }
    take_slot(server)
}

fn take_slot(server: &Server) -> Result<Slot, Error> {
    let most = server.config.max_panes as usize;
    server.registry.pane_slots().take(most).ok_or_else(|| {
        Error::new(ErrorCode::Limit, format!("there are {most} panes already"))
            .hint("close some, or raise daemon.max_panes in the configuration")
    })
}

/// A pane whose program runs, without actor and place.
struct Begun {
    entry: Arc<PaneEntry>,
    status_pipe: Option<OwnedFd>,
    unplaced: Unplaced,
}

/// Starts the program and enters the pane. On failure nothing of it is left.
async fn begin(
    server: &Arc<Server>,
    session: &SessionEntry,
    plan: Plan,
    slot: Slot,
    size: Size,
) -> Result<Begun, Error> {
    if server.is_stopping() {
        return Err(stopping());
    }
    let terminal = session.terminal();
    let setup = pane::setup_of(&plan.record, &server.config, terminal);
    let window = Window {
        size,
        cell: terminal.cell,
    };
    let meta = adopt::meta_for(server, session.id, plan.name.clone(), 0, &plan.record);
    let secret = Uuid::new_v4();
    let kept = Kept { meta, secret };
    // Until it is entered.
    let beginning = server.registry.beginnings().begin(plan.record.token());
    let started = start_program(server, plan.id, kept, &plan.record, window, None);
    let (started, program) = started.await?;
    let process = process(&program, 0, secret);
    let status_pipe = program.status_pipe;
    let journal_bytes = server.config.journal_bytes as usize;
    let (master, journal) = (program.master, program.journal);
    let start = |()| Io::start(master, journal, journal_bytes, size, setup);
    let io = match step!("start: its terminal").and_then(start) {
        Ok(io) => io,
        Err(error) => {
            started.undo().await;
            return Err(error);
        }
    };
    let entry = Arc::new(PaneEntry::new(
        plan.id,
        session.id,
        plan.name,
        plan.record,
        process,
        io,
    ));
    server.registry.insert_pane(Arc::clone(&entry), slot);
    drop(beginning);
    started.commit();
    server.store.save_with_its_place(&entry);
    let unplaced = Unplaced::new(server, &entry);
    Ok(Begun {
        entry,
        status_pipe,
        unplaced,
    })
}

/// Starts the pane's actor and puts the pane into its place.
pub(crate) async fn settle(
    server: &Arc<Server>,
    session: &Arc<SessionEntry>,
    entry: &Arc<PaneEntry>,
    placement: Placement,
) -> Result<WindowUuid, Error> {
    step!("start: its actor")?;
    start_actor(server, session, entry).await?;
    step!("start: its place")?;
    let place = |reply| SessionMsg::Place(placement, reply);
    let window = ask_session(server, session, place).await?;
    watch(server, entry);
    Ok(window)
}

async fn start_actor(
    server: &Arc<Server>,
    session: &SessionEntry,
    entry: &Arc<PaneEntry>,
) -> Result<(), Error> {
    let panes = session
        .panes
        .get()
        .ok_or_else(|| children::supervisor_away("panes"))?;
    panes
        .start_child(pane::child::spec(server, entry))
        .await
        .map_err(|error| children::start_error("pane", &error))?;
    Ok(())
}

/// Watches for the program's end. Not before the pane has its place: an instant exit must find a pane to remove.
fn watch(server: &Arc<Server>, entry: &Arc<PaneEntry>) {
    pane::life::watch_life(server, entry, &entry.process());
    tracing::info!(
        session_id = %entry.session,
        pane_id = %entry.id,
        pid = entry.process().pid,
        "pane started"
    );
}

/// Starts the pane's program again, in the same pane, on the same screen. On failure, and when the
/// pane is closed meanwhile, nothing of it is left.
///
/// # Errors
/// As [`spawn`]; `busy` when the pane is being closed.
pub async fn respawn(server: &Arc<Server>, entry: &Arc<PaneEntry>) -> Result<(), Error> {
    let turn = entry.begin_start().ok_or_else(|| closing(entry))?;
    let mut state = entry.state();
    let closes = async {
        let _ = state.wait_for(PaneLife::is_closing).await;
    };
    tokio::select! {
        biased;
        () = closes => Err(closing(entry)),
        respawned = respawn_in_turn(server, entry, turn) => respawned,
    }
}

fn closing(entry: &PaneEntry) -> Error {
    Error::new(
        ErrorCode::Busy,
        format!("pane {} is being closed", entry.id),
    )
}

async fn respawn_in_turn(
    server: &Arc<Server>,
    entry: &Arc<PaneEntry>,
    turn: StartTurn,
) -> Result<(), Error> {
    let last = entry.process();
    // What the last life has left is asked to end like everything else.
    pane::life::end_program(entry, &last, &mut entry.state()).await;
    pane::life::release(entry, &last).await;
    step!("restart: its last life is over")?;
    let window = entry.io.window();
    let name = entry.name().map(|name| Name::clone(&name));
    let life = last.life + 1;
    let meta = adopt::meta_for(server, entry.session, name, life, &entry.record);
    let secret = Uuid::new_v4();
    let kept = Kept { meta, secret };
    let record = next_record(server, entry);
    let started = start_program(server, entry.id, kept, &record, window, Some((entry, turn))).await;
    let (started, program) = started.inspect_err(|_| entry.set_next_keeper(None))?;
    let process = process(&program, life, secret);
    let journal_bytes = server.config.journal_bytes as usize;
    let (master, journal) = (program.master, program.journal);
    let adopted = match step!("restart: its terminal") {
        Ok(()) => entry.io.adopt(master, journal, journal_bytes).await,
        failed => failed,
    };
    if let Err(error) = adopted {
        entry.set_next_keeper(None);
        started.undo().await;
        return Err(error);
    }
    if !entry.begin_life(process) {
        entry.set_next_keeper(None);
        started.undo().await;
        return Err(closing(entry));
    }
    started.commit();
    // At once: a program that nobody watches would have no end.
    pane::life::watch_life(server, entry, &entry.process());
    step!("restart: it is recorded", sure);
    entry.set_next_keeper(None);
    let _ = server.store.save(entry);
    Ok(())
}

fn process(started: &SpawnedPane, life: u32, secret: Uuid) -> Process {
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

/// What a keeper is given for the next daemon.
struct Kept {
    meta: Vec<u8>,
    secret: Uuid,
}

/// Starts a program that is ended again unless it is committed: a new pane's, or `again` in that pane.
async fn start_program(
    server: &Arc<Server>,
    id: PaneUuid,
    kept: Kept,
    record: &PaneRecord,
    window: Window,
    again: Option<(&Arc<PaneEntry>, StartTurn)>,
) -> Result<(StartedProgram, SpawnedPane), Error> {
    let cgroup = server
        .cgroups()
        .prepare(record.cgroup.as_deref(), record.memory_max)?;
    let group = cgroup.as_ref().map(|cgroup| cgroup.group.clone());
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
    match spawn_in_place(server, spec, entry).await? {
        Ok(program) => {
            let started = StartedProgram::new(server, group, turn, &program);
            Ok((started, program))
        }
        Err(error) => {
            if let Some(group) = group {
                cgroup::discard(&group);
            }
            Err(spawn_error(&record.command, &error))
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
    let command = protocol::name::shown(command);
    if error.is_limit() {
        return Error::new(ErrorCode::Limit, format!("cannot start {command}: {error}")).hint(
            "processes, memory, terminals or file descriptors ran out; close panes, then try again",
        );
    }
    Error::new(
        ErrorCode::SpawnFailed,
        format!("cannot start {command}: {error}"),
    )
    .hint("no pane was made; correct the command, its directory or its environment")
}
