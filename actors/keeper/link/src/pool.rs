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
    error::SpawnError,
    handle::SpawnedPane,
    launch::KeeperLaunch,
    spawn::{self, IdleKeeper},
};

/// The number of those that are ready when nobody has asked for long.
const FEW: usize = 1;
/// The number of those that are ready at most: as many panes as are started at once by somebody in a hurry.
const MOST: usize = 8;
/// So long after a call the processors are left to the program that it starts, and to who waits for the answer.
const REST: Duration = Duration::from_millis(4);
/// After so long without a call the pool shrinks to [`FEW`].
const QUIET: Duration = Duration::from_secs(10);
/// The time that the ready keepers may take to be gone at the end.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// The pool of a daemon's keepers: some are always ready, so that starting a pane costs one
/// process start instead of two. Clones share it. [`Self::close`] ends the ready keepers; without it they end with the
/// last clone, of which a task has one while it fills or shrinks the pool.
#[derive(Debug, Clone)]
pub struct KeeperPool {
    launch: Arc<KeeperLaunch>,
    storage: Arc<Storage>,
}

#[derive(Debug)]
struct Storage {
    state: Mutex<PoolState>,
    /// A keeper was taken, or the pool was closed.
    changed: Notify,
}

#[derive(Debug)]
struct PoolState {
    ready: Vec<IdleKeeper>,
    wanted: usize,
    last_taken: Instant,
    /// A task fills or empties it.
    refilling: bool,
    closed: bool,
}

/// A keeper that was taken out of the pool, before it has a program.
#[derive(Debug)]
pub struct ReadyKeeper {
    idle: IdleKeeper,
    pool: KeeperPool,
}

impl ReadyKeeper {
    /// The process that it is, so that this can be noted first.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.idle.identity()
    }

    /// Starts a program in it.
    ///
    /// # Errors
    /// See [`SpawnError`].
    pub async fn spawn(self, spec: KeeperSpec, limit: Duration) -> Result<SpawnedPane, SpawnError> {
        spawn::check(&spec)?;
        let spawned = timeout(limit, self.idle.spawn(spec)).await;
        // Only now, so that the program's start did not have to share the processors with it.
        self.pool.refill();
        spawned.unwrap_or(Err(SpawnError::Timeout(limit)))
    }
}

impl KeeperPool {
    /// The command that starts its keepers.
    #[must_use]
    pub fn launch(&self) -> &KeeperLaunch {
        &self.launch
    }

    /// An empty pool; it starts its first keeper after the first call of [`Self::spawn`] or [`Self::refill`].
    #[must_use]
    pub fn new(launch: KeeperLaunch) -> Self {
        let state = PoolState {
            ready: Vec::new(),
            wanted: FEW,
            last_taken: Instant::now(),
            refilling: false,
            closed: false,
        };
        Self {
            launch: Arc::new(launch),
            storage: Arc::new(Storage {
                state: Mutex::new(state),
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
        let idle = match self.take_ready() {
            Some(idle) => idle,
            None => IdleKeeper::start(&self.launch)?,
        };
        Ok(ReadyKeeper {
            idle,
            pool: self.clone(),
        })
    }

    /// Sees in the background that as many keepers are ready as are wanted. Call it on a tokio runtime.
    pub fn refill(&self) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        if std::mem::replace(&mut state.refilling, true) {
            self.storage.changed.notify_one();
        } else {
            tokio::spawn(self.clone().fill_and_shrink());
        }
    }

    /// Ends the ready keepers and waits until they are gone. No more are made ready.
    pub async fn close(&self) {
        let ready = {
            let mut state = self.state();
            state.closed = true;
            self.storage.changed.notify_one();
            std::mem::take(&mut state.ready)
        };
        futures_util::future::join_all(ready.into_iter().map(|idle| idle.end(CLOSE_LIMIT))).await;
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.storage
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn take_ready(&self) -> Option<IdleKeeper> {
        let mut state = self.state();
        state.last_taken = Instant::now();
        while let Some(idle) = state.ready.pop() {
            if idle.is_alive() {
                return Some(idle);
            }
        }
        state.wanted = (state.wanted * 2).min(MOST);
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
            let mut state = self.state();
            let shrink_at = state.last_taken + QUIET;
            if state.wanted > FEW && shrink_at <= Instant::now() {
                state.wanted = FEW;
                state.ready.truncate(FEW);
            }
            if state.closed || state.ready.len() >= state.wanted {
                let done = state.closed || state.wanted == FEW;
                state.refilling = !done;
                return (!done).then_some(Some(shrink_at));
            }
            let in_a_hurry = state.ready.is_empty() && state.wanted > FEW;
            let rested_at = state.last_taken + REST;
            if !in_a_hurry && rested_at > Instant::now() {
                return Some(Some(rested_at));
            }
        }
        // Starting a process blocks until it is executed.
        let launch = Arc::clone(&self.launch);
        let started = tokio::task::spawn_blocking(move || IdleKeeper::start(&launch)).await;
        let mut state = self.state();
        match started {
            Ok(Ok(idle)) if !state.closed => {
                state.ready.push(idle);
                Some(None)
            }
            // What fails now is told to whoever asks next, if it still fails then.
            Ok(Ok(_) | Err(_)) | Err(_) => {
                state.refilling = false;
                None
            }
        }
    }
}
