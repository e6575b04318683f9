//! The one spawn function: every pane's program is started here, for people, programs and
//! orchestrations alike.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use protocol::{Error, ErrorCode, Name, PaneUuid, Size, WindowUuid};
use pty::Io;
use pty::Window;
use uuid::Uuid;

use crate::children;
use crate::orchestration;
use crate::pane::{self, PaneEntry};
use crate::server::Server;
use crate::session::SessionEntry;
use crate::session::SessionMsg;
use crate::session::life;
use crate::slots::Slot;
use crate::step::step;
use model::pane::PaneRecord;
use model::session::change::Placement;
use program::{Kept, process, start_program, was_started};
use record::record;

pub(crate) mod group;
mod order;
mod program;
mod record;
mod restart;
mod shell;
mod started;
pub(crate) mod usual_shell;

pub(crate) use order::SpawnOrder;
pub(crate) use record::checked_cwd;
pub(crate) use restart::respawn;
pub(crate) use started::Unplaced;

/// A pane whose program runs.
pub(crate) struct Spawned {
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
pub(crate) async fn spawn(server: &Arc<Server>, order: SpawnOrder) -> Result<Spawned, Error> {
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
    // Also one that is closed now, so that its end is known at once.
    watch(server, &entry);
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

fn stopping(server: &Server) -> Error {
    if server.is_leaving_panes() {
        return Error::replaced();
    }
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
        if because_of_stop {
            stopping(server)
        } else {
            error
        }
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
        return Err(stopping(server));
    }
    let terminal = session.terminal();
    let setup = pane::setup_of(&plan.record, &server.config, terminal);
    let window = Window {
        size,
        cell: terminal.cell,
    };
    let meta = pane::meta_for(server, session.id, plan.name.clone(), 0, &plan.record);
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
            return Err(was_started(&plan.record.command, &error));
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

/// Starts the pane's actor and puts the pane into its place. Whoever calls this watches the pane then.
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
    ask_session(server, session, place).await
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
    let session = server.registry.session(entry.session);
    let session = session.map_or_else(String::new, |s| s.snapshot().name.to_string());
    tracing::info!(
        %session,
        session_id = %entry.session,
        pane = %entry.shown(), pane_id = %entry.id,
        pid = entry.process().pid,
        "pane started"
    );
}
