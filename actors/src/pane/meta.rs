//! The data that a keeper keeps for its pane, so that the pane can be rebuilt from it alone.

use std::sync::Arc;

use protocol::{Name, SessionUuid};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::server::Server;
use model::pane::PaneRecord;

/// Larger ones go without the environment: a frame holds both this and the program's own.
const MAX_BYTES: usize = 256 * 1024;

/// Everything about a pane that its keeper does not know by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeeperMeta {
    /// The database that was told about the pane; absent when there was none that could be used.
    #[serde(default)]
    pub store: Option<Uuid>,
    /// The pane's session.
    pub session: SessionUuid,
    /// What the session was called when the program was started.
    pub session_name: Name,
    /// What the pane was called then.
    #[serde(default)]
    pub name: Option<Name>,
    /// Which life of the pane's program this is, from 0.
    #[serde(default)]
    pub life: u32,
    /// What the pane was made as.
    pub record: PaneRecord,
}

impl KeeperMeta {
    /// As bytes for the keeper.
    #[must_use]
    pub(crate) fn encode(&self) -> Vec<u8> {
        let bytes = rmp_serde::to_vec_named(self).unwrap_or_default();
        if bytes.len() <= MAX_BYTES {
            return bytes;
        }
        let mut smaller = self.clone();
        // What the program finds of fugue stays: its secret would be of no pane else.
        smaller.record = smaller.record.with_own_variables();
        rmp_serde::to_vec_named(&smaller).unwrap_or_default()
    }

    /// From a keeper's bytes.
    ///
    /// # Errors
    /// What about them cannot be understood.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Arc<str>> {
        rmp_serde::from_slice(bytes).map_err(|error| error.to_string().into())
    }
}

/// The data that a keeper of this pane's program is given to keep.
pub(crate) fn meta_for(
    server: &Server,
    session: SessionUuid,
    name: Option<Name>,
    life: u32,
    record: &PaneRecord,
) -> Vec<u8> {
    let entry = server.registry.session(session);
    let session_name = entry.map_or_else(
        || server.registry.free_name(),
        |entry| entry.snapshot().name.clone(),
    );
    KeeperMeta {
        store: server.store.id(),
        session,
        session_name,
        name,
        life,
        record: record.clone(),
    }
    .encode()
}

#[cfg(test)]
mod tests;
