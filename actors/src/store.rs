//! The database from the side of the actors: the handle that everybody marks changes with, and the one actor that writes.
//!
//! The actor commits all that is marked in one transaction. A mark names an entity and not a change, so the marks are bounded by
//! what is alive, the newest state is written, and what could not be written stays marked until it can be.

mod text;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use dashmap::DashMap;
use protocol::paths::Paths;
use protocol::{Error, ErrorCode, OrchestrationUuid, PaneUuid, SessionUuid};
use store::{Keep, Key, Loaded, Mark, Persist, StoredKey};
use supervisor::AddressSlot;
use tokio::sync::watch;
use uuid::Uuid;

use crate::clock::epoch_ms;

pub(crate) use writer::{StoreActor, StoreArgs, StoreMsg};

/// The database's file in the state directory.
const FILE: &str = "state.db";

/// The time for which somebody waits for a commit before being told that the disk does not keep up.
const SAVE_LIMIT: Duration = Duration::from_secs(4);

/// Marks that wait at most while nothing can be written. Beyond it they are given up, and everything is written anew
/// when that is possible again.
const MARKS: usize = 50_000;

/// The progress of the commits.
#[derive(Clone, Debug, Default)]
struct CommitProgress {
    /// Every mark up to this one was in a commit that was tried.
    tried: u64,
    /// Why the last commit failed, with all marks not written before.
    failed: Option<Error>,
}

/// The handle that everybody marks changes with.
pub(crate) struct Store {
    path: PathBuf,
    /// There when the last daemon has ended everything in order and could not record that.
    ended: PathBuf,
    /// What follows from the last daemon's end is not written yet: a commit does that first.
    unsettled: AtomicBool,
    keep: Keep,
    /// There is a database to write to; a server without one, as in tests, remembers nothing.
    open: AtomicBool,
    /// Which database it is: keepers are told, so that a pane that it does not know can be judged.
    id: ArcSwapOption<Uuid>,
    marks: DashMap<Key, Mark>,
    /// What the commit under way has taken: nothing that is alive tells again what is gone.
    taken: ArcSwap<Vec<(Key, Mark)>>,
    marked: AtomicU64,
    /// The actor has been told and has not looked yet.
    told: AtomicBool,
    /// Marks were given up: what is alive is to be written anew.
    overflowed: AtomicBool,
    /// Nothing is marked any more: what happens now is not what anybody wanted to be remembered.
    frozen: AtomicBool,
    progress: watch::Sender<CommitProgress>,
    /// How often a database was begun anew.
    begun: AtomicU64,
    /// The actor.
    pub address: AddressSlot<StoreMsg>,
    lives: AtomicU64,
    /// So many commits are to panic.
    #[cfg(test)]
    panics: std::sync::atomic::AtomicU32,
}

/// A mark that may not be written yet.
#[must_use = "an answer waits until what it tells is written"]
pub(crate) struct PendingCommit {
    upto: u64,
    progress: Option<watch::Receiver<CommitProgress>>,
}

impl PendingCommit {
    /// Waits until it is written.
    ///
    /// # Errors
    /// `limit` when the disk is full, `internal` with the database's own words otherwise. It stays marked, and is
    /// written when that is possible again.
    pub(crate) async fn wait(self) -> Result<(), Error> {
        let Some(mut progress) = self.progress else {
            return Ok(());
        };
        let tried = progress.wait_for(|progress| progress.tried >= self.upto);
        match tokio::time::timeout(SAVE_LIMIT, tried).await {
            Ok(Ok(progress)) => progress.failed.clone().map_or(Ok(()), Err),
            Ok(Err(_)) | Err(_) => Err(Error::new(
                ErrorCode::Busy,
                format!("the state was not written within {SAVE_LIMIT:?}"),
            )
            .hint("the disk of the state directory is slow or stuck; running panes go on")),
        }
    }

    /// Waits until it is written, however often that fails before.
    pub(crate) async fn written(self) {
        let Some(mut progress) = self.progress else {
            return;
        };
        let written =
            |progress: &CommitProgress| progress.tried >= self.upto && progress.failed.is_none();
        let _ = progress.wait_for(written).await;
    }
}

impl Store {
    /// A store that writes nothing until it is opened.
    #[must_use]
    pub(crate) fn new(paths: &Paths) -> Self {
        Self {
            path: paths.state.join(FILE),
            ended: paths.ended(),
            unsettled: AtomicBool::new(false),
            keep: Keep {
                text: true,
                environment: true,
            },
            open: AtomicBool::new(false),
            id: ArcSwapOption::empty(),
            marks: DashMap::new(),
            taken: ArcSwap::default(),
            marked: AtomicU64::new(0),
            told: AtomicBool::new(false),
            overflowed: AtomicBool::new(false),
            frozen: AtomicBool::new(false),
            progress: watch::Sender::default(),
            begun: AtomicU64::new(0),
            address: AddressSlot::new(),
            lives: AtomicU64::new(0),
            #[cfg(test)]
            panics: std::sync::atomic::AtomicU32::new(0),
        }
    }

    /// The same, writing only so much.
    #[must_use]
    pub(crate) fn keeping(self, keep: Keep) -> Self {
        Self { keep, ..self }
    }

    /// Opens the database and reads what an earlier daemon has left in it. A corrupt one is set aside; one that cannot be used
    /// at all is logged, and tried again with each write.
    pub(crate) async fn open(&self) -> Loaded {
        let (path, ended) = (self.path.clone(), self.ended.clone());
        let opened = tokio::task::spawn_blocking(move || store::open(&path, &ended)).await;
        let unsettled = match &opened {
            Ok(Ok(loaded)) => loaded.unsettled,
            Ok(Err(_)) | Err(_) => true,
        };
        self.unsettled.store(unsettled, Ordering::Release);
        self.open.store(true, Ordering::Release);
        match opened {
            Ok(Ok(loaded)) => {
                self.id.store(loaded.store.map(Arc::new));
                loaded
            }
            Ok(Err(error)) => {
                tracing::error!(
                    path = %self.path.display(), %error,
                    "the state cannot be read; going on with what the keepers know"
                );
                Loaded::default()
            }
            Err(error) => {
                tracing::error!(%error, "reading the state failed; going on with what the keepers know");
                Loaded::default()
            }
        }
    }

    /// The marker of the last daemon's end, as long as what follows from that end is not written.
    fn unsettled(&self) -> Option<&Path> {
        let unsettled = self.unsettled.load(Ordering::Acquire);
        unsettled.then_some(self.ended.as_path())
    }

    /// Waits until all that is marked is written.
    ///
    /// # Errors
    /// As [`PendingCommit::wait`].
    pub(crate) async fn flush(&self) -> Result<(), Error> {
        if !self.open.load(Ordering::Acquire) {
            return Ok(());
        }
        let saved = PendingCommit {
            upto: self.marked.load(Ordering::Acquire),
            progress: Some(self.progress.subscribe()),
        };
        self.tell();
        saved.wait().await
    }

    /// As [`Self::flush`], by a commit that begins from now on: an earlier one that has failed does not count.
    ///
    /// # Errors
    /// As [`PendingCommit::wait`].
    pub(crate) async fn flush_anew(&self) -> Result<(), Error> {
        self.marked.fetch_add(1, Ordering::AcqRel);
        self.flush().await
    }

    /// Writes all that is marked, deletes the stored text of these panes and all that was put aside, and empties the log, so
    /// that nothing of it is left in the files.
    ///
    /// # Errors
    /// As [`PendingCommit::wait`]; `busy` while somebody else reads the database, or it cannot be opened.
    pub(crate) async fn forget_now(&self, texts: Vec<PaneUuid>) -> Result<(), Error> {
        self.flush().await?;
        let Some(actor) = self
            .address
            .get()
            .filter(|_| self.open.load(Ordering::Acquire))
        else {
            return Ok(());
        };
        let busy = |why: String| {
            Error::new(
                ErrorCode::Busy,
                format!("the state is not cleaned yet: {why}"),
            )
            .hint("try again; what was deleted already leaves the files by itself within some seconds")
        };
        let forgotten = actor
            .call(|reply| StoreMsg::Forget(texts, reply), SAVE_LIMIT)
            .await;
        forgotten
            .map_err(|error| busy(error.to_string()))?
            .map_err(busy)
    }

    /// The end of a pane is forgotten.
    pub(crate) fn forget_end(&self, id: PaneUuid) {
        let _ = self.mark(Key::EndedPane(id), Mark::Gone);
    }

    /// The id of the database that was opened last, as far as that is known.
    #[must_use]
    pub(crate) fn id(&self) -> Option<Uuid> {
        self.id.load().as_deref().copied()
    }

    /// Notes in which database a commit was tried: it may be one that could not be opened before, or that was begun anew.
    fn note_id(&self, id: Option<Uuid>) {
        if id.is_some() && id != self.id() {
            self.id.store(id.map(Arc::new));
        }
    }

    /// Something alive has changed.
    pub(crate) fn save<T: Persist + 'static>(&self, entry: &Arc<T>) -> PendingCommit {
        self.mark(entry.key(), Mark::Alive(Arc::<T>::clone(entry)))
    }

    /// As [`Self::save`], of a pane that waits for its place: written together with that.
    pub(crate) fn save_with_its_place<T: Persist + 'static>(&self, entry: &Arc<T>) {
        let _ = self.note(entry.key(), Mark::Alive(Arc::<T>::clone(entry)));
    }

    /// A session is gone.
    pub(crate) fn forget_session(&self, id: SessionUuid) -> PendingCommit {
        self.mark(Key::Session(id), Mark::Gone)
    }

    /// A mirror is gone.
    pub(crate) fn forget_mirror(&self, id: PaneUuid) -> PendingCommit {
        self.mark(Key::Mirror(id), Mark::Gone)
    }

    /// A pane is gone, and this is its end.
    pub(crate) fn forget_pane(
        &self,
        id: PaneUuid,
        ended: Option<Arc<dyn Persist>>,
    ) -> PendingCommit {
        if let Some(ended) = ended {
            let _ = self.mark(Key::EndedPane(id), Mark::Alive(ended));
        }
        self.mark(Key::Pane(id), Mark::Gone)
    }

    /// As [`Self::forget_pane`], of one whose program ended by itself: perhaps because the machine goes down.
    pub(crate) fn forget_departed_pane(
        &self,
        id: PaneUuid,
        ended: Arc<dyn Persist>,
    ) -> PendingCommit {
        let _ = self.mark(Key::EndedPane(id), Mark::Alive(ended));
        self.mark(Key::Pane(id), Mark::Departed)
    }

    /// A signal ends the daemon. Unless the programs go on, nothing is recorded from here on: if the machine goes down, all
    /// that there is now has ended with it.
    pub(crate) async fn sign_off(&self, keep_panes: bool) {
        let at_ms = epoch_ms();
        let signed = Mark::SignedOff {
            at_ms,
            ended: false,
        };
        if let Err(error) = self.mark(Key::SignOff, signed).wait().await {
            tracing::error!(%error, "the daemon's end is not recorded");
        }
        self.frozen.store(!keep_panes, Ordering::Release);
    }

    /// Everything has ended in order, if [`Self::sign_off`] was before.
    pub(crate) fn sign_off_done(&self) {
        if self.frozen.swap(false, Ordering::AcqRel) {
            let at_ms = epoch_ms();
            let _ = self.mark(Key::SignOff, Mark::SignedOff { at_ms, ended: true });
            self.frozen.store(true, Ordering::Release);
        }
    }

    /// An orchestration's results are forgotten.
    pub(crate) fn forget_orchestration(&self, id: OrchestrationUuid) -> PendingCommit {
        self.mark(Key::Orchestration(id), Mark::Gone)
    }

    /// A request with an idempotency key begins, or has its result.
    pub(crate) fn save_key(&self, key: &str, params: u64, outcome: Option<Bytes>) -> PendingCommit {
        let stored = StoredKey {
            key: key.to_owned(),
            params,
            outcome,
            at_ms: epoch_ms(),
        };
        self.mark(Key::Idempotency(key.to_owned()), Mark::Idempotency(stored))
    }

    /// A request with an idempotency key has failed: the key is free again after a restart.
    pub(crate) fn forget_key(&self, key: &str) -> PendingCommit {
        self.mark(Key::Idempotency(key.to_owned()), Mark::Gone)
    }

    fn mark(&self, key: Key, mark: Mark) -> PendingCommit {
        let saved = self.note(key, mark);
        if saved.progress.is_some() {
            self.tell();
        }
        saved
    }

    /// Marks without telling the actor.
    fn note(&self, key: Key, mark: Mark) -> PendingCommit {
        if !self.open.load(Ordering::Acquire) || self.frozen.load(Ordering::Acquire) {
            return PendingCommit {
                upto: 0,
                progress: None,
            };
        }
        self.marks.insert(key, mark);
        let upto = self.marked.fetch_add(1, Ordering::AcqRel) + 1;
        PendingCommit {
            upto,
            progress: Some(self.progress.subscribe()),
        }
    }

    fn tell(&self) {
        if !self.told.swap(true, Ordering::AcqRel)
            && let Some(actor) = self.address.get()
        {
            // An actor that is being restarted looks for itself.
            let _ = actor.cast(StoreMsg::Marked);
        }
    }

    /// Takes all marks, and how many were made before.
    fn take(&self) -> (u64, Vec<(Key, Mark)>) {
        self.told.store(false, Ordering::Release);
        let upto = self.marked.load(Ordering::Acquire);
        let keys: Vec<Key> = self.marks.iter().map(|mark| mark.key().clone()).collect();
        let marks = keys.iter().filter_map(|key| self.marks.remove(key));
        let marks: Vec<_> = marks.collect();
        self.taken.store(Arc::new(marks.clone()));
        (upto, marks)
    }

    /// The commit under way is over, and what it has not written is marked again.
    fn settled(&self) {
        self.taken.store(Arc::default());
    }

    /// Marks again what a commit has taken that nobody knows the outcome of.
    fn take_back(&self) {
        let taken = self.taken.swap(Arc::default());
        self.put_back(Vec::clone(&taken));
    }

    /// Marks what could not be written again, unless it has changed since.
    fn put_back(&self, marks: Vec<(Key, Mark)>) {
        for (key, mark) in marks {
            self.marks.entry(key).or_insert(mark);
        }
        if self.marks.len() > MARKS {
            self.give_up_marks();
        }
    }

    /// Makes the next commits panic, or no more.
    #[cfg(test)]
    pub(crate) fn fail(&self, fails: bool) {
        self.panics.store(u32::from(fails), Ordering::Relaxed);
    }

    /// Marks that are not written yet.
    #[cfg(test)]
    pub(crate) fn unwritten(&self) -> usize {
        self.marks.len()
    }

    fn give_up_marks(&self) {
        self.overflowed.store(true, Ordering::Release);
        // Keys stand for themselves: nothing that is alive tells them again.
        self.marks
            .retain(|key, mark| matches!(key, Key::Idempotency(_)) && !matches!(mark, Mark::Gone));
    }

    /// Marks all of these, whatever of them was written before.
    fn mark_all(&self, alive: Vec<Arc<dyn Persist>>) {
        for entry in alive {
            entry.forget_written();
            let _ = self.mark(entry.key(), Mark::Alive(entry));
        }
    }
}
