//! Marks: the entities that a commit is to write, each asked for its row then.

use std::sync::Arc;

use protocol::{OrchestrationUuid, PaneUuid, SessionUuid};

use crate::rows::{Row, StoredKey};

/// The entity that a mark is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A session.
    Session(SessionUuid),
    /// A pane.
    Pane(PaneUuid),
    /// A mirror of a pane.
    Mirror(PaneUuid),
    /// The end of a removed pane.
    EndedPane(PaneUuid),
    /// An orchestration.
    Orchestration(OrchestrationUuid),
    /// A request with an idempotency key.
    Idempotency(String),
    /// The daemon's own end.
    SignOff,
}

/// Something alive that has a row.
pub trait Persist: Send + Sync {
    /// The entity that it is.
    fn key(&self) -> Key;

    /// Its row now. Asked for by a commit, on a thread that may block.
    fn row(&self) -> Row<'_>;

    /// Writing it takes something out of the database, with whatever secrets are in that.
    fn deletes(&self) -> bool {
        false
    }

    /// Nothing that it ever gave is known to be written any more.
    fn forget_written(&self) {}
}

/// The change of an entity that is to be written.
#[derive(Clone)]
pub enum Mark {
    /// Its state at the time of the commit.
    Alive(Arc<dyn Persist>),
    /// A request, as it is.
    Idempotency(StoredKey),
    /// It is gone.
    Gone,
    /// It is a pane that is gone because its program ended by itself.
    Departed,
    /// A signal ends the daemon.
    SignedOff {
        /// Milliseconds since 1970.
        at_ms: u64,
        /// The daemon has ended every program before.
        ended: bool,
    },
}

impl Mark {
    /// Rows are deleted, with whatever secrets are in them.
    #[must_use]
    pub fn deletes(&self) -> bool {
        match self {
            Self::Gone | Self::Departed => true,
            Self::Alive(entry) => entry.deletes(),
            Self::Idempotency(_) | Self::SignedOff { .. } => false,
        }
    }
}
