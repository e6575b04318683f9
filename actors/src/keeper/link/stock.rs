//! A keeper that was started before it is needed.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use tokio::time::timeout;

use super::{
    super::wire::KeeperSpec,
    KeeperLaunch, SpawnError, SpawnedPane,
    birth::{self, Infant},
};

/// Where a daemon gets its keepers from: one is always ready, so that starting a pane costs one
/// process start instead of two. Clones share it; the ready keeper ends with the last clone.
#[derive(Debug, Clone)]
pub struct KeeperStock {
    launch: Arc<KeeperLaunch>,
    ready: Arc<ArcSwapOption<Infant>>,
}

impl KeeperStock {
    /// Starts the first keeper. Call it on a tokio runtime.
    #[must_use]
    pub fn new(launch: KeeperLaunch) -> Self {
        let stock = Self {
            launch: Arc::new(launch),
            ready: Arc::default(),
        };
        stock.refill();
        stock
    }

    /// Like [`super::Keeper::spawn`], with the ready keeper if there is one.
    ///
    /// # Errors
    /// See [`SpawnError`].
    pub async fn spawn(
        &self,
        spec: KeeperSpec,
        limit: Duration,
    ) -> Result<SpawnedPane, SpawnError> {
        birth::check(&spec)?;
        let ready = self.ready.swap(None).and_then(Arc::into_inner);
        let infant = match ready.filter(Infant::is_alive) {
            Some(infant) => infant,
            None => Infant::start(&self.launch)?,
        };
        let spawned = timeout(limit, infant.spawn(spec)).await;
        // Only now, so that the program's start did not have to share the processors with it.
        let stock = self.clone();
        tokio::spawn(async move { stock.refill() });
        spawned.unwrap_or(Err(SpawnError::Timeout(limit)))
    }

    fn refill(&self) {
        if self.ready.load().is_none() {
            // What fails now is told to whoever asks next, if it still fails then.
            let infant = Infant::start(&self.launch).ok();
            self.ready.store(infant.map(Arc::new));
        }
    }
}
