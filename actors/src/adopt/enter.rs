//! One pane of an earlier daemon: its entry, with its screen, or with the reason why it cannot be had now.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use protocol::reply::ExitStatus;
use protocol::request::RestartType;
use protocol::terminal::TerminalFacts;
use protocol::{Error, Size};
use pty::Io;
use uuid::Uuid;

use crate::clock::{epoch_ms, instant};
use crate::pane::{KeeperMeta, PaneEntry, Process, identity, setup_of};
use crate::server::Server;
use crate::step::step;
use keeper::Family;
use keeper_link::{AdoptedPane, Keeper};
use model::pane::{Ended, PaneLife, PaneRecord, StoredPane, StoredProcess};

/// The reason for which a pane has no keeper.
const KEEPER_GONE: &str =
    "its keeper was gone when the daemon started, so nobody saw how the program ended";

/// See [`KEEPER_GONE`].
const REBOOTED: &str = "the machine was restarted";

/// The answer of a pane's keeper, or its absence.
pub(super) enum Reach {
    /// It does.
    Answers(Box<AdoptedPane>),
    /// It lives, or nobody knows, and this is why it cannot be asked.
    Away(String),
    /// It is dead.
    Gone,
}

/// A pane that is to be entered, and what was found of it.
pub(super) struct Candidate {
    pub(super) pane: StoredPane,
    pub(super) reach: Reach,
    pub(super) size: Size,
}

/// Makes a pane's entry and enters it. What goes wrong with its terminal makes it unreachable, and nothing else.
pub(super) fn enter(server: &Server, candidate: Candidate, rebooted: bool) -> Arc<PaneEntry> {
    let Candidate {
        mut pane,
        reach,
        size,
    } = candidate;
    complete_variables(server, &mut pane, &reach);
    let mut pipe = None;
    let (process, io, away) = match reach {
        Reach::Gone => {
            let (process, io) = without_keeper(server, &mut pane, size, rebooted);
            (process, io, None)
        }
        Reach::Away(why) => away(server, &pane, size, why),
        Reach::Answers(mut keeper) => {
            pipe = keeper.status_pipe.take();
            match caught(|| with_keeper(server, &mut pane, *keeper, size)) {
                Ok((process, io)) => (process, io, None),
                Err(error) => {
                    tracing::error!(pane = %pane.record.number, pane_id = %pane.id, session_id = %pane.session, %error, "a pane cannot be entered now; it is tried again");
                    pipe = None;
                    away(server, &pane, size, error.to_string())
                }
            }
        }
    };
    let mut life = PaneLife::restored(&pane.state);
    if let Some(why) = away {
        let lives = process.keeper.family().program_lives();
        life.lose(epoch_ms(), why, lives);
    }
    let StoredPane {
        id,
        session,
        name,
        record,
        ..
    } = pane;
    let entry = PaneEntry::restored(id, session, name, record, process, io, life);
    let entry = Arc::new(entry);
    if let Some(pipe) = pipe {
        entry.keep_status_pipe(pipe);
    }
    // More than the configuration allows are kept all the same: they are there.
    if let Some(slot) = server.registry.pane_slots().take(usize::MAX) {
        server.registry.insert_pane(Arc::clone(&entry), slot);
    }
    let _ = server.store.save(&entry);
    entry
}

/// Gives a pane whose variables are not stored those that its keeper has, else those of the daemon.
fn complete_variables(server: &Server, pane: &mut StoredPane, reach: &Reach) {
    if !pane.record.has_only_own_variables() {
        return;
    }
    let kept = match reach {
        Reach::Answers(keeper) => KeeperMeta::decode(&keeper.meta).ok(),
        Reach::Away(_) | Reach::Gone => None,
    };
    match kept.filter(|meta| !meta.record.has_only_own_variables()) {
        Some(meta) => pane.record.env = meta.record.env,
        None => {
            let daemons = server.environment.iter();
            let daemons = daemons.map(|(name, value)| (name.clone(), value.clone()));
            pane.record.env.extend(daemons);
        }
    }
}

/// A panic costs this pane its entrance, and nobody else anything.
fn caught<T>(enter: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(enter)).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        let what = format!("entering it panicked: {}", said.unwrap_or("no message"));
        Err(Error::new(protocol::ErrorCode::Internal, what))
    })
}

fn with_keeper(
    server: &Server,
    pane: &mut StoredPane,
    keeper: AdoptedPane,
    size: Size,
) -> Result<(Process, Io), Error> {
    let life = life_of(&keeper).unwrap_or(pane.state.life);
    tracing::debug!(
        pane = %pane.record.number, pane_id = %pane.id, keeper_pid = keeper.keeper_pid, exe = %keeper.keeper_exe.display(),
        pss_kib = keeper.keeper_pss_kib, "a keeper answers"
    );
    let process = process(&keeper, life, &pane.record, pane.state.secret);
    let journal_bytes = server.config.journal_bytes as usize;
    let setup = setup_of(&pane.record, &server.config, TerminalFacts::default());
    step!("adopt: its screen is entered", sync)?;
    let io = Io::resume(keeper.master, keeper.journal, journal_bytes, size, setup)?;
    if life != pane.state.life {
        // Started again, and not written down: what is known is about an earlier life.
        pane.state.life = life;
        pane.state.ended = None;
        pane.state.settled = false;
        pane.state.restart = false;
    }
    Ok((process, io))
}

/// The life of the pane's program that a keeper has.
fn life_of(keeper: &AdoptedPane) -> Option<u32> {
    Some(KeeperMeta::decode(&keeper.meta).ok()?.life)
}

fn process(keeper: &AdoptedPane, life: u32, record: &PaneRecord, secret: Option<Uuid>) -> Process {
    let cgroup = record.cgroup.clone().map(Into::into);
    Process {
        keeper: keeper.keeper.clone().in_cgroup(cgroup),
        pid: keeper.pid.unsigned_abs(),
        start_time: keeper.start_time,
        keeper_pid: keeper.keeper_pid.unsigned_abs(),
        keeper_start_time: keeper.keeper_start_time,
        started: instant(keeper.started_at_unix_ms),
        life,
        secret,
    }
}

/// A pane whose keeper cannot be asked: as it is stored, its processes with it.
fn away(
    server: &Server,
    pane: &StoredPane,
    size: Size,
    why: String,
) -> (Process, Io, Option<String>) {
    let last = server.store.text(pane.id);
    let io = Io::absent(
        size,
        setup_of(&pane.record, &server.config, TerminalFacts::default()),
        last,
    );
    (known(pane), io, Some(why))
}

/// The processes of a pane's present life, as they are stored.
fn known(pane: &StoredPane) -> Process {
    let state = &pane.state;
    let pid = |process: Option<StoredProcess>| process.map_or(0, |process| process.pid);
    let start = |process: Option<StoredProcess>| process.map_or(0, |process| process.start_time);
    Process {
        keeper: Keeper::away(Family {
            keeper: state.keeper.and_then(identity),
            program: state.program.and_then(identity),
            cgroup: pane.record.cgroup.clone().map(Into::into),
        }),
        pid: pid(state.program),
        start_time: start(state.program),
        keeper_pid: pid(state.keeper),
        keeper_start_time: start(state.keeper),
        started: instant(pane.record.created_at_ms),
        life: state.life,
        secret: state.secret,
    }
}

/// Settles a pane without a keeper: what is left of it is how it ended, and that it may have to be started again.
fn without_keeper(
    server: &Server,
    pane: &mut StoredPane,
    size: Size,
    rebooted: bool,
) -> (Process, Io) {
    let reason = if rebooted { REBOOTED } else { KEEPER_GONE };
    let state = &mut pane.state;
    // Nobody has closed it: it is shown as ended until somebody does.
    state.settled |= rebooted && pane.record.settings.restart == RestartType::Temporary;
    state.ended.get_or_insert_with(|| {
        let reason = reason.to_owned();
        Ended::unseen(ExitStatus::Lost { reason }, 0, epoch_ms())
    });
    if rebooted {
        (state.keeper, state.program) = (None, None);
        // Asked of a program that has gone with its machine.
        state.restart = false;
    }
    let process = Process {
        // What of the program has outlived its keeper is ended by what is known of it.
        keeper: known(pane).keeper,
        pid: 0,
        start_time: 0,
        keeper_pid: 0,
        keeper_start_time: 0,
        started: Instant::now(),
        life: pane.state.life,
        secret: None,
    };
    let journal_bytes = server.config.journal_bytes as usize;
    let setup = setup_of(&pane.record, &server.config, TerminalFacts::default());
    let last = || server.store.text(pane.id);
    let io = Io::without_program(journal_bytes, size, setup, last())
        .unwrap_or_else(|_| Io::absent(size, setup, last()));
    (process, io)
}

/// The keeper of a pane that was unreachable answers: the pane goes on from what that one knows.
///
/// # Errors
/// What keeps its terminal from being used; then it stays as it was.
pub(crate) async fn take_up(
    server: &Arc<Server>,
    entry: &Arc<PaneEntry>,
    mut keeper: AdoptedPane,
) -> Result<(), Error> {
    let now = entry.process();
    let before = now.life;
    let life = life_of(&keeper).unwrap_or(before);
    let process = process(&keeper, life, &entry.record, now.secret);
    let pipe = keeper.status_pipe.take();
    if entry.io.is_absent() {
        let journal_bytes = server.config.journal_bytes as usize;
        step!("adopt: it is taken up")?;
        let entering = entry.io.enter(keeper.master, keeper.journal, journal_bytes);
        entering.await?;
    }
    if let Some(pipe) = pipe {
        entry.keep_status_pipe(pipe);
    }
    entry.set_process(process);
    entry.change(|state| match life == before {
        true => state.found(),
        false => state.found_later_life(life),
    });
    let _ = server.store.save(entry);
    server.registry.note_change();
    Ok(())
}
