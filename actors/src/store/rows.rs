//! What stands in the rows of the database, as the rest of the daemon sees it.

use bytes::Bytes;
use protocol::{Name, PaneUuid, SessionUuid};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::epoch_ms;
use crate::pane::PaneEntry;
use keeper::Identity;
use keeper_link::Expected;
use model::pane::{Ended, PaneRecord};

/// A pane as an earlier daemon knew it.
#[derive(Clone, Debug)]
pub struct StoredPane {
    /// Its id.
    pub id: PaneUuid,
    /// Its session.
    pub session: SessionUuid,
    /// Its label.
    pub name: Option<Name>,
    /// What it was made as.
    pub record: PaneRecord,
    /// Where it was in its life.
    pub state: StoredState,
}

/// Where a pane was in its life.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredState {
    /// How the present life of its program ended.
    pub ended: Option<Ended>,
    /// Which life of the program it was, from 0.
    pub life: u32,
    /// What follows from the end has been decided: it stays.
    pub settled: bool,
    /// It was being closed.
    pub closing: bool,
    /// The keeper of this life.
    pub keeper: Option<StoredProcess>,
    /// The program of this life; absent in what an older daemon has stored.
    pub program: Option<StoredProcess>,
    /// Because its program had ended, and nobody had asked for it.
    pub by_itself: bool,
    /// The keeper of the next life, while that is being started.
    pub next_keeper: Option<StoredProcess>,
    /// What its keeper asks for.
    pub secret: Option<Uuid>,
    /// What its session was called, when only its keeper knows that.
    #[serde(skip)]
    pub session_name: Option<Name>,
}

impl StoredState {
    pub(super) fn of(entry: &PaneEntry) -> Self {
        let process = entry.process();
        let state = entry.state();
        let state = state.borrow();
        Self {
            ended: state.ended.clone(),
            life: process.life,
            settled: state.settled,
            closing: state.closing,
            keeper: process.keeper_identity().map(StoredProcess::from),
            program: process.program_identity().map(StoredProcess::from),
            by_itself: state.by_itself,
            next_keeper: entry.next_keeper().map(StoredProcess::from),
            secret: process.secret,
            session_name: None,
        }
    }
}

impl StoredState {
    /// Who may listen as the pane's keeper.
    pub(crate) fn expected(&self) -> Expected {
        let known = [self.keeper, self.next_keeper].into_iter().flatten();
        let mut keepers: Vec<Identity> = known.filter_map(StoredProcess::identity).collect();
        // A daemon that stored no program did not store either which keeper it was about to start.
        if self.program.is_none() && !keepers.iter().any(|keeper| keeper.is_alive()) {
            keepers.clear();
        }
        let secret = self
            .secret
            .map_or_else(Vec::new, |secret| secret.as_bytes().to_vec());
        Expected { keepers, secret }
    }
}

/// Which process a keeper or a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredProcess {
    /// Its pid.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub start_time: u64,
}

impl From<Identity> for StoredProcess {
    fn from(identity: Identity) -> Self {
        Self {
            pid: identity.pid.unsigned_abs(),
            start_time: identity.start_time,
        }
    }
}

impl StoredProcess {
    /// As a process of this machine.
    pub(crate) fn identity(self) -> Option<Identity> {
        Identity::new(self.pid.cast_signed(), self.start_time)
    }
}

/// A mirror of a pane.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredMirror {
    /// Its id.
    pub id: PaneUuid,
    /// The session it is in.
    pub session: SessionUuid,
    /// The pane that it shows.
    pub of: PaneUuid,
    /// Its label.
    pub name: Option<Name>,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
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

impl StoredKey {
    pub(super) fn new(key: &str, params: u64, outcome: Option<Bytes>) -> Self {
        Self {
            key: key.to_owned(),
            params,
            outcome,
            at_ms: epoch_ms(),
        }
    }
}
