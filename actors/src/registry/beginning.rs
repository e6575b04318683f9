//! Panes whose programs are being started: their tokens are known before the panes are entered, since a program can show
//! its own at once.

use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::watch;

/// Tokens of panes that are about to be entered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beginnings(Arc<DashMap<String, watch::Receiver<()>>>);

/// A token that is known until its pane is entered, or not to be.
#[derive(Debug)]
pub(crate) struct Beginning {
    all: Beginnings,
    token: Option<String>,
    _ends: watch::Sender<()>,
}

impl Beginnings {
    /// Makes a token known. It is held until its pane has been entered.
    #[must_use]
    pub(crate) fn begin(&self, token: Option<&str>) -> Beginning {
        let (ends, waits) = watch::channel(());
        if let Some(token) = token {
            self.0.insert(token.to_owned(), waits);
        }
        Beginning {
            all: self.clone(),
            token: token.map(str::to_owned),
            _ends: ends,
        }
    }

    /// The end of the beginning of the pane with this token; `None` when no such pane is being started.
    #[must_use]
    pub(crate) fn of(&self, token: &str) -> Option<impl Future<Output = ()> + Send + use<>> {
        let mut waits = self.0.get(token)?.clone();
        Some(async move { while waits.changed().await.is_ok() {} })
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            self.all.0.remove(token);
        }
    }
}

#[cfg(test)]
mod tests;
