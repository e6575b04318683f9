//! The consequences of earlier daemons' wedges for this one: panes that are not entered, and whether it starts
//! carefully.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use protocol::PaneUuid;
use tokio::sync::watch;

use super::record::Records;

/// The panes that are held back, until somebody asks for them.
pub(crate) struct HeldBack {
    /// Where wedges are noted.
    path: PathBuf,
    /// Panes with later ids are this daemon's own.
    begun: PaneUuid,
    now: watch::Sender<Held>,
}

#[derive(Default)]
struct Held {
    records: Records,
    /// No screen is entered, and this is why.
    careful: Option<String>,
    /// Panes that were asked for all the same.
    let_in: HashSet<PaneUuid>,
}

impl HeldBack {
    /// Nothing is held back until [`Self::load`].
    #[must_use]
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            begun: PaneUuid::new(),
            now: watch::Sender::default(),
        }
    }

    /// Reads what is noted of wedges.
    pub(crate) fn load(&self) {
        let records = Records::load(&self.path);
        let careful = records.careful();
        if let Some(why) = &careful {
            tracing::error!(
                why,
                "this daemon starts carefully: without HTTP, and no screen is entered; `fugue retry` or fugue_retry_pane enters one"
            );
        }
        self.now.send_modify(|held| {
            held.records = records;
            held.careful = careful;
        });
    }

    /// The reason for which there is no HTTP and no screen was entered; `None` when all is usual.
    #[must_use]
    pub(crate) fn careful(&self) -> Option<String> {
        self.now.borrow().careful.clone()
    }

    /// The reason for which a pane is not entered; `None` when it may be.
    #[must_use]
    pub(crate) fn why(&self, pane: PaneUuid) -> Option<String> {
        let held = self.now.borrow();
        if pane > self.begun || held.let_in.contains(&pane) {
            return None;
        }
        let careful = held.careful.as_ref();
        let why = held
            .records
            .refuses(pane)
            .or_else(|| careful.map(|why| format!("the daemon has started carefully: {why}")))?;
        Some(format!(
            "{why}; `fugue retry` or fugue_retry_pane enters it"
        ))
    }

    /// Somebody asks for a pane: what it has done is forgotten.
    pub(crate) fn let_in(&self, pane: PaneUuid) {
        self.now.send_modify(|held| {
            held.let_in.insert(pane);
        });
        self.forget(pane);
    }

    /// A pane is gone.
    pub(crate) fn gone(&self, pane: PaneUuid) {
        if self.now.borrow().let_in.contains(&pane) {
            self.now.send_modify(|held| {
                held.let_in.remove(&pane);
            });
        }
        self.forget(pane);
    }

    /// Waits until something is let in, at most for `limit`.
    pub(crate) async fn changed(&self, limit: Duration) {
        let mut now = self.now.subscribe();
        let _ = tokio::time::timeout(limit, now.changed()).await;
    }

    fn forget(&self, pane: PaneUuid) {
        if !self.now.borrow().records.names(pane) {
            return;
        }
        self.now.send_modify(|held| held.records.forget(pane));
        // The file may have more by now: the thread that notes wedges writes it too.
        let mut records = Records::load(&self.path);
        records.forget(pane);
        if let Err(error) = records.save(&self.path) {
            tracing::warn!(pane_id = %pane, %error, "what is noted of the pane's wedges is not forgotten");
        }
    }
}

#[cfg(test)]
mod tests;
