//! Rows as their owners give them, and the ones that are read back.

use std::sync::Arc;

use bytes::Bytes;
use model::orchestration::stored::{StoredFact, StoredJob};
use model::pane::{PaneRecord, StoredMirror, StoredState};
use model::session::snapshot::SessionSnapshot;
use protocol::reply::{PaneEnd, SessionContext};
use protocol::{Name, OrchestrationNumber, OrchestrationUuid, PaneUuid, SessionUuid};
use serde::{Deserialize, Serialize};

/// Something alive as it is at one moment.
pub enum Row<'a> {
    /// A session.
    Session {
        /// Its state.
        snapshot: Arc<SessionSnapshot>,
        /// Milliseconds since 1970.
        last_used_ms: u64,
    },
    /// A pane.
    Pane(PaneRow<'a>),
    /// A pane that has been removed meanwhile, and whose own mark comes later.
    RemovedPane {
        /// Its id.
        id: PaneUuid,
        /// Its program ended by itself: its row is put aside.
        by_itself: bool,
    },
    /// A mirror of a pane.
    Mirror(StoredMirror),
    /// The end of a removed pane.
    EndedPane(Box<StoredEnd>),
    /// An orchestration.
    Orchestration(OrchestrationRow),
}

/// A pane.
pub struct PaneRow<'a> {
    /// Its id.
    pub id: PaneUuid,
    /// Its session.
    pub session: SessionUuid,
    /// Its label.
    pub name: Option<Name>,
    /// What it was made as: written once.
    pub record: &'a PaneRecord,
    /// Where it is in its life.
    pub state: StoredState,
}

/// An orchestration, as far as it is not written yet.
pub struct OrchestrationRow {
    /// Its id.
    pub id: OrchestrationUuid,
    /// Its number.
    pub number: OrchestrationNumber,
    /// What never changes, written once; absent at its end.
    pub job: Option<Box<StoredJob>>,
    /// Facts that are not written yet, each with its name.
    pub facts: Vec<(String, StoredFact)>,
    /// Nothing is started any more: the variables of its commands are deleted.
    pub has_ended: bool,
}

/// A pane that was removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredEnd {
    /// Its session at the time.
    pub context: SessionContext,
    /// Its final state.
    pub end: PaneEnd,
    /// The end of its text, in the form that its terminal gives it.
    pub tail: serde_json::Value,
}

/// A request with an idempotency key.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// The key.
    pub key: String,
    /// A fingerprint of the request.
    pub params: u64,
    /// The answer; absent when the daemon died before there was one.
    pub outcome: Option<Bytes>,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}
