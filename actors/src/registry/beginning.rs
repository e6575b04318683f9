//! Panes whose programs are being started: they are known before the panes are entered, since a program can show its token, or
//! come without one, at once.

use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::watch;
use uuid::Uuid;

/// Panes that are about to be entered, by their tokens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beginnings(Arc<DashMap<String, watch::Receiver<()>>>);

/// A token that is known until its pane is entered, or not to be.
#[derive(Debug)]
pub(crate) struct Beginning {
    all: Beginnings,
    token: String,
    _ends: watch::Sender<()>,
}

impl Beginnings {
    /// Makes a token known. It is held until its pane has been entered.
    #[must_use]
    pub(crate) fn begin(&self, token: Option<&str>) -> Beginning {
        let (ends, waits) = watch::channel(());
        // One without a token is known all the same: its program may ask for something.
        let token = token.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        self.0.insert(token.clone(), waits);
        Beginning {
            all: self.clone(),
            token,
            _ends: ends,
        }
    }

    /// The end of the beginning of the pane with this token; `None` when no such pane is being started.
    #[must_use]
    pub(crate) fn of(&self, token: &str) -> Option<impl Future<Output = ()> + Send + use<>> {
        let mut waits = self.0.get(token)?.clone();
        Some(async move { while waits.changed().await.is_ok() {} })
    }

    /// The end of all beginnings that there are now; `None` when there is none.
    #[must_use]
    pub(crate) fn present(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        let all: Vec<_> = self.0.iter().map(|waits| waits.clone()).collect();
        (!all.is_empty()).then_some(async move {
            for mut waits in all {
                while waits.changed().await.is_ok() {}
            }
        })
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        self.all.0.remove(&self.token);
    }
}

#[cfg(test)]
mod tests;
