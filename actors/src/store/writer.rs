//! The only writer of the database: commits all that is marked in one transaction.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use protocol::{Error, ErrorCode, PaneUuid};
use store::{Commit, Database, Key, Mark, Persist, Written};
use supervisor::{Actor, ActorError, Address, Reply};
use tokio::task::JoinError;

use super::text::TextOrder;
use super::{CommitProgress, Store};
use crate::clock::epoch_ms;
use crate::step::step;

/// The pause before what could not be written is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// The time for which deleted rows may stay in the log, so that many deletes are one effort.
const EMPTY_PAUSE: Duration = Duration::from_millis(500);

/// The disk rests so long between two times, whatever is deleted meanwhile.
const EMPTY_REST: Duration = Duration::from_secs(1);

/// The pause when somebody else was reading, or the disk was to rest.
const EMPTY_RETRY: Duration = Duration::from_secs(5);

/// The pause between two times that what is too old is forgotten.
const TIDY_PAUSE: Duration = Duration::from_secs(60);

/// The messages of the store's actor.
#[derive(strum::IntoStaticStr)]
pub enum StoreMsg {
    /// Something was marked.
    Marked,
    /// The text of a pane is to be written.
    Text(TextOrder),
    /// The pause after a failed commit is over.
    Retry,
    /// It is time to forget what is too old.
    Tidy,
    /// The text of these panes and what was put aside are to be forgotten at once.
    Forget(Vec<PaneUuid>, Reply<Result<(), String>>),
    /// Something was deleted a moment ago: nothing of it is to be left in the files.
    Empty,
}

/// Gives all that is alive and has a row: asked when nobody knows any more what is written.
pub(crate) type Everything = Box<dyn Fn() -> Vec<Arc<dyn Persist>> + Send + Sync>;

/// The only writer of the database.
pub(crate) struct StoreActor;

/// The start arguments of the store's actor.
pub(crate) struct StoreArgs {
    /// The marks.
    pub store: Arc<Store>,
    /// All that can be marked.
    pub everything: Everything,
}

/// The state of the store's actor.
pub(crate) struct StoreState {
    pub(super) store: Arc<Store>,
    everything: Everything,
    /// Absent while the database cannot be opened, and while it is written to.
    pub(super) database: Option<Database>,
    failing: bool,
    /// Another try is under way.
    retrying: bool,
    /// The log is about to be emptied.
    emptying: bool,
    /// When it was last.
    emptied: Option<Instant>,
    commits: u64,
}

/// All marks that there were at one moment.
struct Taken {
    /// So many had been made.
    upto: u64,
    marks: Vec<(Key, Mark)>,
    /// They are all there is.
    anew: bool,
}

impl Actor for StoreActor {
    type Msg = StoreMsg;
    type State = StoreState;
    type Args = StoreArgs;

    async fn pre_start(
        &self,
        myself: Address<StoreMsg>,
        args: StoreArgs,
    ) -> Result<StoreState, ActorError> {
        let StoreArgs { store, everything } = args;
        if store.lives.fetch_add(1, Ordering::Relaxed) > 0 {
            // What its predecessor had taken may not be written.
            store.take_back();
            store.mark_all(everything());
        }
        let _ = myself.cast(StoreMsg::Marked);
        // Not needed again: the timer ends with the actor.
        let _ = myself.send_after(TIDY_PAUSE, StoreMsg::Tidy);
        let mut state = StoreState {
            store,
            everything,
            database: None,
            failing: false,
            retrying: false,
            emptying: false,
            emptied: None,
            commits: 0,
        };
        // What an earlier daemon has deleted, and what was forgotten at the start.
        state.empty_later(&myself, EMPTY_RETRY);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: &Address<StoreMsg>,
        msg: StoreMsg,
        state: &mut StoreState,
    ) -> Result<(), ActorError> {
        match msg {
            StoreMsg::Marked => {}
            StoreMsg::Text(order) => state.write_text(order).await,
            StoreMsg::Retry => state.retrying = false,
            StoreMsg::Tidy => {
                let _ = myself.send_after(TIDY_PAUSE, StoreMsg::Tidy);
                state.tidy().await;
                state.empty_later(myself, EMPTY_PAUSE);
            }
            StoreMsg::Forget(texts, reply) => {
                // Also without a mark: what is to be forgotten may be in a database that is not open yet.
                let taken = state.take();
                state.write(myself, taken).await;
                reply.send(state.forget(texts).await);
                // If somebody else was reading.
                state.empty_later(myself, EMPTY_RETRY);
            }
            StoreMsg::Empty => {
                state.emptying = false;
                let rested = |at: Instant| at.elapsed() >= EMPTY_REST;
                if !state.emptied.is_none_or(rested) || !state.empty().await {
                    state.empty_later(myself, EMPTY_RETRY);
                }
            }
        }
        state.commit(myself).await;
        Ok(())
    }
}

impl StoreState {
    fn retry_later(&mut self, myself: &Address<StoreMsg>) {
        if !std::mem::replace(&mut self.retrying, true) {
            // Not needed again: the timer ends with the actor.
            let _ = myself.send_after(RETRY_PAUSE, StoreMsg::Retry);
        }
    }

    fn empty_later(&mut self, myself: &Address<StoreMsg>, pause: Duration) {
        if !std::mem::replace(&mut self.emptying, true) {
            // Not needed again: the timer ends with the actor.
            let _ = myself.send_after(pause, StoreMsg::Empty);
        }
    }

    async fn forget(&mut self, texts: Vec<PaneUuid>) -> Result<(), String> {
        let Some(database) = self.database.take() else {
            return Err("the database cannot be opened".to_owned());
        };
        let forgotten = tokio::task::spawn_blocking(move || {
            let forgotten = database.forget(&texts);
            (database, forgotten)
        });
        let (database, forgotten) = forgotten.await.map_err(|error| error.to_string())?;
        self.database = Some(database);
        match forgotten {
            Ok(true) => Ok(()),
            Ok(false) => Err("somebody else reads the database".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Empties the log. False when it could not be, because somebody else reads.
    async fn empty(&mut self) -> bool {
        let Some(database) = self.database.take() else {
            return true;
        };
        let emptied = tokio::task::spawn_blocking(move || {
            let emptied = database.empty_log();
            (database, emptied)
        });
        match emptied.await {
            Ok((database, emptied)) => {
                self.database = Some(database);
                self.emptied = Some(Instant::now());
                // Whether it is broken is seen by the next commit.
                emptied.unwrap_or(true)
            }
            Err(error) => {
                tracing::error!(%error, "emptying the log of the state failed");
                true
            }
        }
    }

    /// Forgets rows and free pages that nobody asks for any more.
    async fn tidy(&mut self) {
        let Some(database) = self.database.take() else {
            return;
        };
        let tidied = tokio::task::spawn_blocking(move || {
            let tidied = database.tidy(epoch_ms());
            (database, tidied)
        });
        match tidied.await {
            Ok((database, tidied)) => {
                self.database = Some(database);
                if let Err(error) = tidied {
                    // Whether it is broken is seen by the next commit.
                    tracing::debug!(%error, "the state was not tidied");
                }
            }
            Err(error) => tracing::error!(%error, "tidying the state failed"),
        }
    }

    /// Commits what is marked, if anything is, or to see whether the database can be written to again.
    async fn commit(&mut self, myself: &Address<StoreMsg>) {
        let taken = self.take();
        if !taken.marks.is_empty() || self.failing {
            return self.write(myself, taken).await;
        }
        self.store.progress.send_if_modified(|progress| {
            let news = progress.tried < taken.upto;
            progress.tried = progress.tried.max(taken.upto);
            news
        });
    }

    fn take(&self) -> Taken {
        let store = &self.store;
        let anew = store.overflowed.swap(false, Ordering::AcqRel);
        if anew {
            // They are taken at once, so the actor need not be told.
            store.told.store(true, Ordering::Release);
            store.mark_all((self.everything)());
        }
        let (upto, marks) = store.take();
        Taken { upto, marks, anew }
    }

    async fn write(&mut self, myself: &Address<StoreMsg>, taken: Taken) {
        let store = Arc::clone(&self.store);
        let Taken {
            upto: tried,
            marks,
            anew,
        } = taken;
        if marks.iter().any(|(_, mark)| mark.deletes()) {
            self.empty_later(myself, EMPTY_PAUSE);
        }
        let commit = Commit {
            path: store.path.clone(),
            marks,
            anew,
            unsettled: store.unsettled().map(Path::to_owned),
            keep: store.keep,
            now_ms: epoch_ms(),
        };
        let (database, writing) = (self.database.take(), Arc::clone(&store));
        #[cfg(test)]
        let panics = store.panics.load(Ordering::Relaxed);
        let written = tokio::task::spawn_blocking(move || {
            #[cfg(test)]
            assert_eq!(panics, 0, "a test asked for it");
            let written = match step!("commit: it is written", sync) {
                Ok(()) => commit.write(database),
                Err(error) => commit.refused(database, error),
            };
            writing.note_id(written.store);
            if written.failed.is_none() {
                // Whoever waits need not wait for this actor too.
                writing.progress.send_replace(CommitProgress {
                    tried,
                    failed: None,
                });
            }
            written
        });
        let failed = self.settle(written.await);
        self.note(failed.as_ref());
        if failed.is_some() {
            store.overflowed.fetch_or(anew, Ordering::AcqRel);
            self.retry_later(myself);
            store
                .progress
                .send_replace(CommitProgress { tried, failed });
        }
        self.commits += 1;
        self.show(myself);
    }

    fn show(&self, myself: &Address<StoreMsg>) {
        let waiting = self.store.marks.len();
        myself.set_details(vec![
            ("commits", self.commits.to_string()),
            ("unwritten", waiting.to_string()),
            ("failing", self.failing.to_string()),
        ]);
    }

    /// Marks again what a commit has not written, and says why.
    fn settle(&mut self, written: Result<Written, JoinError>) -> Option<Error> {
        let store = &self.store;
        match written {
            Ok(written) => {
                self.database = written.database;
                store.settled();
                store.put_back(written.unwritten);
                if written.failed.is_none() {
                    store.unsettled.store(false, Ordering::Release);
                }
                if written.fresh {
                    store.begun.fetch_add(1, Ordering::Relaxed);
                    store.mark_all((self.everything)());
                }
                written.failed
            }
            Err(error) => {
                store.take_back();
                store.mark_all((self.everything)());
                Some(Error::new(
                    ErrorCode::Internal,
                    format!("writing the state failed: {error}"),
                ))
            }
        }
    }

    /// One line when it begins to fail, and one when it works again.
    fn note(&mut self, failed: Option<&Error>) {
        let path = self.store.path.display();
        match failed {
            Some(error) if !self.failing => {
                tracing::error!(%path, %error, "the state cannot be written; running panes go on");
            }
            None if self.failing => tracing::info!(%path, "the state is written again"),
            Some(_) | None => {}
        }
        self.failing = failed.is_some();
    }
}
