//! Keepers that were started before they are needed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use keeper::{Identity, KeeperSpec};
use tokio::{
    sync::Notify,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    birth::{self, Infant},
    error::SpawnError,
    handle::SpawnedPane,
    launch::KeeperLaunch,
};

/// The number of those that are ready when nobody has asked for long.
const FEW: usize = 1;
/// The number of those that are ready at most: as many panes as are started at once by somebody in a hurry.
const MOST: usize = 8;
/// So long after a call the processors are left to the program that it starts, and to who waits for the answer.
const REST: Duration = Duration::from_millis(4);
/// After so long without a call the stock shrinks to [`FEW`].
const QUIET: Duration = Duration::from_secs(10);
/// The time that the ready keepers may take to be gone at the end.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// The stock of a daemon's keepers: some are always ready, so that starting a pane costs one
/// process start instead of two. Clones share it. [`Self::close`] ends the ready keepers; without it they end with the
/// last clone, of which a task has one while it fills or shrinks the stock.
#[derive(Debug, Clone)]
pub struct KeeperStock {
    launch: Arc<KeeperLaunch>,
    storage: Arc<Storage>,
}

#[derive(Debug)]
struct Storage {
    shelf: Mutex<Shelf>,
    /// A keeper was taken, or the stock was closed.
    changed: Notify,
}

#[derive(Debug)]
struct Shelf {
    ready: Vec<Infant>,
    wanted: usize,
    last_taken: Instant,
    /// A task fills or empties it.
    tended: bool,
    closed: bool,
}

/// A keeper that was taken out of the stock, before it has a program.
#[derive(Debug)]
pub struct ReadyKeeper {
    infant: Infant,
    stock: KeeperStock,
}

impl ReadyKeeper {
    /// The process that it is, so that this can be noted first.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.infant.identity()
    }

    /// Starts a program in it.
    ///
    /// # Errors
    /// See [`SpawnError`].
    pub async fn spawn(self, spec: KeeperSpec, limit: Duration) -> Result<SpawnedPane, SpawnError> {
        birth::check(&spec)?;
        let spawned = timeout(limit, self.infant.spawn(spec)).await;
        // Only now, so that the program's start did not have to share the processors with it.
        self.stock.tend();
        spawned.unwrap_or(Err(SpawnError::Timeout(limit)))
    }
}

impl KeeperStock {
    /// The command that starts its keepers.
    #[must_use]
    pub fn launch(&self) -> &KeeperLaunch {
        &self.launch
    }

    /// An empty stock; it starts its first keeper after the first call of [`Self::spawn`] or [`Self::tend`].
    #[must_use]
    pub fn new(launch: KeeperLaunch) -> Self {
        let shelf = Shelf {
            ready: Vec::new(),
            wanted: FEW,
            last_taken: Instant::now(),
            tended: false,
            closed: false,
        };
        Self {
            launch: Arc::new(launch),
            storage: Arc::new(Storage {
                shelf: Mutex::new(shelf),
                changed: Notify::new(),
            }),
        }
    }

    /// Like [`crate::Keeper::spawn`], with a ready keeper if there is one.
    ///
    /// # Errors
    /// See [`SpawnError`].
    pub async fn spawn(
        &self,
        spec: KeeperSpec,
        limit: Duration,
    ) -> Result<SpawnedPane, SpawnError> {
        self.take()?.spawn(spec, limit).await
    }

    /// A keeper without a program; one that is dropped ends.
    ///
    /// # Errors
    /// See [`SpawnError`].
    pub fn take(&self) -> Result<ReadyKeeper, SpawnError> {
        let infant = match self.take_ready() {
            Some(infant) => infant,
            None => Infant::start(&self.launch)?,
        };
        Ok(ReadyKeeper {
            infant,
            stock: self.clone(),
        })
    }

    /// Sees in the background that as many keepers are ready as are wanted. Call it on a tokio runtime.
    pub fn tend(&self) {
        let mut shelf = self.shelf();
        if shelf.closed {
            return;
        }
        if std::mem::replace(&mut shelf.tended, true) {
            self.storage.changed.notify_one();
        } else {
            tokio::spawn(self.clone().fill_and_shrink());
        }
    }

    /// Ends the ready keepers and waits until they are gone. No more are made ready.
    pub async fn close(&self) {
        let ready = {
            let mut shelf = self.shelf();
            shelf.closed = true;
            self.storage.changed.notify_one();
            std::mem::take(&mut shelf.ready)
        };
        futures_util::future::join_all(ready.into_iter().map(|infant| infant.end(CLOSE_LIMIT)))
            .await;
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.storage
            .shelf
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn take_ready(&self) -> Option<Infant> {
        let mut shelf = self.shelf();
        shelf.last_taken = Instant::now();
        while let Some(infant) = shelf.ready.pop() {
            if infant.is_alive() {
                return Some(infant);
            }
        }
        shelf.wanted = (shelf.wanted * 2).min(MOST);
        None
    }

    async fn fill_and_shrink(self) {
        while let Some(until) = self.step().await {
            if let Some(until) = until {
                let _ = timeout_at(until, self.storage.changed.notified()).await;
            }
        }
    }

    /// One keeper more or all surplus ones less. `None` when there is nothing left to do, else when to go on.
    async fn step(&self) -> Option<Option<Instant>> {
        {
            let mut shelf = self.shelf();
            let shrink_at = shelf.last_taken + QUIET;
            if shelf.wanted > FEW && shrink_at <= Instant::now() {
                shelf.wanted = FEW;
                shelf.ready.truncate(FEW);
            }
            if shelf.closed || shelf.ready.len() >= shelf.wanted {
                let done = shelf.closed || shelf.wanted == FEW;
                shelf.tended = !done;
                return (!done).then_some(Some(shrink_at));
            }
            let in_a_hurry = shelf.ready.is_empty() && shelf.wanted > FEW;
            let rested_at = shelf.last_taken + REST;
            if !in_a_hurry && rested_at > Instant::now() {
                return Some(Some(rested_at));
            }
        }
        // Starting a process blocks until it is executed.
        let launch = Arc::clone(&self.launch);
        let started = tokio::task::spawn_blocking(move || Infant::start(&launch)).await;
        let mut shelf = self.shelf();
        match started {
            Ok(Ok(infant)) if !shelf.closed => {
                shelf.ready.push(infant);
                Some(None)
            }
            // What fails now is told to whoever asks next, if it still fails then.
            Ok(Ok(_) | Err(_)) | Err(_) => {
                shelf.tended = false;
                None
            }
        }
    }
}
