//! Saves each pane's screen and scrollback to the database, so that they are there after a restart of the machine.
//!
//! One pane at a time, and none that has not printed since: a pane that is idle costs a comparison of two numbers.

mod message;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Error, PaneUuid};
use supervisor::{Actor, ActorError, Address};
use terminal::screen::{Extent, Screen};
use tokio::time::Instant;

use crate::pane::PaneEntry;
use crate::server::Server;
use store::{MAX_ROWS, PaneText};

pub(crate) use message::ScrollbackMsg;

/// The pause between two looks at the panes for whether they have printed.
const LOOK_PAUSE: Duration = Duration::from_secs(5);

/// A pane's text is written again no sooner than after this.
const PANE_PAUSE: Duration = Duration::from_secs(30);

/// The time for which a daemon that ends waits until all that was printed is stored.
const FINISH_LIMIT: Duration = Duration::from_secs(5);

/// The actor.
pub(crate) struct ScrollbackSaver;

/// The state of the actor.
pub(crate) struct ScrollbackState {
    server: Arc<Server>,
    saved: HashMap<PaneUuid, SavedText>,
    /// Which database the above is about.
    begun: u64,
    written: u64,
    written_bytes: u64,
    spent: Duration,
    failing: bool,
}

/// The part of a pane's output that is stored.
#[derive(Clone, Copy, Debug)]
struct SavedText {
    life: u32,
    printed: u64,
    /// Absent when an earlier daemon has stored it.
    at: Option<Instant>,
}

impl Actor for ScrollbackSaver {
    type Msg = ScrollbackMsg;
    type State = ScrollbackState;
    type Args = Arc<Server>;

    async fn pre_start(
        &self,
        myself: Address<ScrollbackMsg>,
        server: Arc<Server>,
    ) -> Result<ScrollbackState, ActorError> {
        let begun = server.store.begun();
        let reading = Arc::clone(&server);
        let texts = tokio::task::spawn_blocking(move || reading.store.texts());
        let texts = texts.await.unwrap_or_default();
        let saved = texts.into_iter().map(|text| {
            let saved = SavedText {
                life: text.life,
                printed: text.printed,
                at: None,
            };
            (text.pane, saved)
        });
        // Not needed again: the timer ends with the actor.
        let _ = myself.send_after(LOOK_PAUSE, ScrollbackMsg::Look);
        Ok(ScrollbackState {
            server,
            saved: saved.collect(),
            begun,
            written: 0,
            written_bytes: 0,
            spent: Duration::ZERO,
            failing: false,
        })
    }

    async fn handle(
        &self,
        myself: &Address<ScrollbackMsg>,
        msg: ScrollbackMsg,
        state: &mut ScrollbackState,
    ) -> Result<(), ActorError> {
        let begun = Instant::now();
        match msg {
            ScrollbackMsg::Look => {
                let _ = myself.send_after(LOOK_PAUSE, ScrollbackMsg::Look);
                state.pass(false).await;
            }
            ScrollbackMsg::Finish(reply) => {
                state.pass(true).await;
                reply.send(());
            }
        }
        state.spent += begun.elapsed();
        myself.set_details(vec![
            ("written", state.written.to_string()),
            ("bytes", state.written_bytes.to_string()),
            ("spent_ms", state.spent.as_millis().to_string()),
            ("failing", state.failing.to_string()),
        ]);
        Ok(())
    }
}

impl ScrollbackState {
    /// Stores what is due; with `all` also what would be due later.
    async fn pass(&mut self, all: bool) {
        if !self.server.config.store_text {
            return;
        }
        let begun = self.server.store.begun();
        if begun != self.begun {
            self.begun = begun;
            self.saved.clear();
        }
        let registry = &self.server.registry;
        self.saved.retain(|id, _| registry.pane(*id).is_some());
        for entry in registry.panes() {
            if !all && self.server.is_stopping() {
                return;
            }
            let (life, printed) = (entry.process().life, entry.io.live().printed());
            // One whose terminal is not there shows what is stored.
            let shows_stored = entry.process().keeper_pid == 0 || entry.io.is_absent();
            let saved = self.saved.get(&entry.id);
            if shows_stored || !is_due(saved, (life, printed), all) {
                continue;
            }
            let stored = store(&self.server, &entry, life, printed).await;
            self.note(stored.as_ref().err());
            let bytes = match stored {
                Ok(Some(bytes)) => bytes,
                Ok(None) => continue,
                Err(_) => return,
            };
            self.written += u64::from(bytes > 0);
            self.written_bytes += bytes as u64;
            let saved = SavedText {
                life,
                printed,
                at: Some(Instant::now()),
            };
            self.saved.insert(entry.id, saved);
        }
    }

    /// One line when it begins to fail.
    fn note(&mut self, failed: Option<&Error>) {
        if let Some(error) = failed.filter(|_| !self.failing) {
            tracing::warn!(%error, "the text of panes is not stored");
        }
        self.failing = failed.is_some();
    }
}

/// True if a pane that has printed so much in so many lives is to be stored now, or with `all` at any time.
fn is_due(saved: Option<&SavedText>, now: (u32, u64), all: bool) -> bool {
    let Some(saved) = saved else {
        return now != (0, 0);
    };
    let rested = saved.at.is_none_or(|at| at.elapsed() >= PANE_PAUSE);
    (saved.life, saved.printed) != now && (all || rested)
}

/// Stores one pane's text, and returns its size in bytes; 0 when it cannot be stored at all, and nothing when it cannot be looked at
/// now.
async fn store(
    server: &Server,
    entry: &Arc<PaneEntry>,
    life: u32,
    printed: u64,
) -> Result<Option<usize>, Error> {
    let rows = Extent::Rows(MAX_ROWS);
    let Ok(checkpoint) = entry.io.look(move |screen| screen.checkpoint(rows)).await else {
        // It is being closed, or its screen is being rebuilt: then it is looked at the next time.
        return Ok(None);
    };
    let packed = tokio::task::spawn_blocking(move || pack(life, printed, &checkpoint)).await;
    let Ok(Some(text)) = packed else {
        tracing::debug!(pane_id = %entry.id, "a pane's text is too large to be stored");
        return Ok(Some(0));
    };
    let bytes = text.bytes();
    let watched = Arc::clone(entry);
    let is_there = move || !watched.is_removed();
    server.store.save_text(entry.id, text, is_there).await?;
    Ok(Some(bytes))
}

/// Of a screen that is too large, the newest rows are stored.
fn pack(life: u32, printed: u64, checkpoint: &[u8]) -> Option<PaneText> {
    let mut screen = None;
    PaneText::pack(life, printed, checkpoint, |rows| {
        let screen = match &mut screen {
            Some(screen) => screen,
            None => screen.insert(Screen::restore(checkpoint).ok()?),
        };
        Some(screen.checkpoint(Extent::Rows(rows)))
    })
}

/// Stores everything that was printed, before the daemon leaves its panes.
pub(crate) async fn finish(server: &Server) {
    let Some(actor) = server.scrollback.get() else {
        return;
    };
    if let Err(error) = actor.call(ScrollbackMsg::Finish, FINISH_LIMIT).await {
        tracing::warn!(%error, "not all text of panes is stored");
    }
}

#[cfg(test)]
mod tests;
