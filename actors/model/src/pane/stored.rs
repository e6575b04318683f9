//! A pane, and a mirror of one, as they stand in the database.

use protocol::{Name, PaneNumber, PaneUuid, SessionUuid};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Ended, PaneRecord};

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

/// The place of a pane in its life.
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
    /// Somebody has asked for a restart that was not done yet.
    pub restart: bool,
    /// What its keeper asks for.
    pub secret: Option<Uuid>,
    /// What its session was called, when only its keeper knows that.
    #[serde(skip)]
    pub session_name: Option<Name>,
}

/// The identity of a keeper's or a program's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredProcess {
    /// Its pid.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub start_time: u64,
}

/// A mirror of a pane.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredMirror {
    /// Its id.
    pub id: PaneUuid,
    /// Its number.
    #[serde(default)]
    pub number: PaneNumber,
    /// The session it is in.
    pub session: SessionUuid,
    /// The pane that it shows.
    pub of: PaneUuid,
    /// Its label.
    pub name: Option<Name>,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
}
