//! One pane of an earlier daemon: its entry, with its screen.

use std::sync::Arc;
use std::time::Instant;

use protocol::reply::ExitStatus;
use protocol::request::RestartType;
use protocol::{Error, Size};

use super::KeeperMeta;
use crate::clock::{epoch_ms, instant};
use crate::keeper::{AdoptedPane, Keeper};
use crate::pane::io::Io;
use crate::pane::{Ended, PaneEntry, PaneState, Process};
use crate::server::Server;
use crate::store::StoredPane;

/// Why a pane has no keeper.
const KEEPER_GONE: &str =
    "its keeper was gone when the daemon started, so nobody saw how the program ended";

/// See [`KEEPER_GONE`].
const REBOOTED: &str = "the machine was restarted";

/// What is to become of one pane.
pub(super) struct Candidate {
    pub(super) pane: StoredPane,
    pub(super) keeper: Option<AdoptedPane>,
    pub(super) size: Size,
}

/// Makes a pane's entry and enters it. Blocks while the screen is drawn.
pub(super) fn enter(
    server: &Arc<Server>,
    candidate: Candidate,
    rebooted: bool,
) -> Result<Arc<PaneEntry>, Error> {
    let Candidate {
        mut pane,
        mut keeper,
        size,
    } = candidate;
    if pane.record.has_only_own_variables() {
        // They are not stored: the keeper has them, else there are those of the daemon.
        let kept = keeper
            .as_ref()
            .and_then(|keeper| KeeperMeta::decode(&keeper.meta).ok());
        match kept.filter(|meta| !meta.record.has_only_own_variables()) {
            Some(meta) => pane.record.env = meta.record.env,
            None => {
                let daemons = server.environment.iter();
                let daemons = daemons.map(|(name, value)| (name.clone(), value.clone()));
                pane.record.env.extend(daemons);
            }
        }
    }
    let status_pipe = keeper.as_mut().and_then(|keeper| keeper.status_pipe.take());
    let (process, io) = match keeper {
        Some(keeper) => with_keeper(server, &mut pane, keeper, size)?,
        None => without_keeper(server, &mut pane, size, rebooted)?,
    };
    let state = PaneState {
        ended: pane.state.ended,
        settled: pane.state.settled,
        closing: pane.state.closing,
        by_itself: pane.state.by_itself,
        restarts: pane.state.life,
        ..PaneState::default()
    };
    let StoredPane {
        id,
        session,
        name,
        record,
        ..
    } = pane;
    let entry = PaneEntry::restored(id, session, name, record, process, io, state);
    let entry = Arc::new(entry);
    if let Some(pipe) = status_pipe {
        entry.keep_status_pipe(pipe);
    }
    // More than the configuration allows are kept all the same: they are there.
    if let Some(slot) = server.registry.pane_slots().take(usize::MAX) {
        server.registry.insert_pane(Arc::clone(&entry), slot);
    }
    let _ = server.store.save_pane(&entry);
    Ok(entry)
}

fn with_keeper(
    server: &Server,
    pane: &mut StoredPane,
    keeper: AdoptedPane,
    size: Size,
) -> Result<(Process, Io), Error> {
    let life = KeeperMeta::decode(&keeper.meta).map_or(pane.state.life, |meta| meta.life);
    if life != pane.state.life {
        // Started again, and not written down: what is known is about an earlier life.
        pane.state.life = life;
        pane.state.ended = None;
        pane.state.settled = false;
    }
    let process = Process {
        keeper: keeper.keeper,
        pid: keeper.pid.unsigned_abs(),
        keeper_pid: keeper.keeper_pid.unsigned_abs(),
        keeper_start_time: keeper.keeper_start_time,
        started: instant(keeper.started_at_unix_ms),
        life,
    };
    let journal_bytes = server.config.journal_bytes as usize;
    let history = pane.record.history_lines;
    let io = Io::resume(keeper.master, keeper.journal, journal_bytes, size, history)?;
    Ok((process, io))
}

/// What is left of it is how it ended, and that it may have to be started again.
fn without_keeper(
    server: &Server,
    pane: &mut StoredPane,
    size: Size,
    rebooted: bool,
) -> Result<(Process, Io), Error> {
    let reason = if rebooted { REBOOTED } else { KEEPER_GONE };
    let state = &mut pane.state;
    // Nobody has closed it: it is shown as ended until somebody does.
    state.settled |= rebooted && pane.record.restart == RestartType::Temporary;
    state.ended.get_or_insert_with(|| Ended {
        exit: ExitStatus::Lost {
            reason: reason.to_owned(),
        },
        duration_ms: 0,
        at_ms: epoch_ms(),
    });
    let process = Process {
        keeper: Keeper::gone(),
        pid: 0,
        keeper_pid: 0,
        keeper_start_time: 0,
        started: Instant::now(),
        life: state.life,
    };
    let journal_bytes = server.config.journal_bytes as usize;
    let history = pane.record.history_lines;
    let last = server.store.text(pane.id);
    let io = Io::without_program(journal_bytes, size, history, last)?;
    Ok((process, io))
}
