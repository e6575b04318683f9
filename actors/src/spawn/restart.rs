//! The next life of a pane's program, below the pane's actor.

use std::sync::Arc;

use protocol::{Error, ErrorCode, Name};
use uuid::Uuid;

use super::program::{Kept, process, start_program, was_started};
use super::record::next_record;
use crate::pane::{self, PaneEntry, StartTurn};
use crate::server::Server;
use crate::step::step;
use model::pane::PaneLife;

/// Starts the pane's program again, in the same pane, on the same screen. On failure, and when the
/// pane is closed meanwhile, nothing of it is left.
///
/// # Errors
/// As [`spawn`](super::spawn); `busy` when the pane is being closed.
pub(crate) async fn respawn(server: &Arc<Server>, entry: &Arc<PaneEntry>) -> Result<(), Error> {
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
        format!("pane {} is being closed", entry.shown()),
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
    let meta = pane::meta_for(server, entry.session, name, life, &entry.record);
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
        return Err(was_started(&record.command, &error));
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
