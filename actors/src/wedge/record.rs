//! The record of wedges for the next daemon, in a file that outlives them.

use std::io;
use std::path::Path;
use std::time::Duration;

use protocol::PaneUuid;
use serde::{Deserialize, Serialize};

use crate::clock::{epoch_ms, millis, steady_ms};

#[cfg(test)]
mod tests;

/// The number of wedges that are remembered.
const KEPT: usize = 64;

/// A pane whose turn was the wedge so often is not entered again.
const PANE_TIMES: usize = 2;

/// So many wedges that no pane explains, within [`UNEXPLAINED_PERIOD`], and the next daemon starts carefully.
const UNEXPLAINED_TIMES: usize = 3;

/// See [`UNEXPLAINED_TIMES`].
const UNEXPLAINED_PERIOD: Duration = Duration::from_secs(600);

/// One wedge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// When, in milliseconds of a clock that nobody sets: the file goes with the machine's start, as that clock does.
    pub steady_ms: u64,
    /// The same by the wall clock, for people.
    pub unix_ms: u64,
    /// The pane that was being served.
    #[serde(default)]
    pub pane: Option<PaneUuid>,
    /// What was seen.
    pub what: String,
}

/// The wedges that are remembered, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Records {
    wedges: Vec<Record>,
}

impl Records {
    /// Reads the file; nothing where there is none or it cannot be read.
    #[must_use]
    pub(crate) fn load(path: &Path) -> Self {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the wedges of earlier daemons are not known");
                return Self::default();
            }
        };
        serde_json::from_str(&text).unwrap_or_else(|error| {
            tracing::warn!(path = %path.display(), %error, "the wedges of earlier daemons are not known");
            Self::default()
        })
    }

    /// With one more, which is now.
    #[must_use]
    pub(crate) fn add(mut self, pane: Option<PaneUuid>, what: &str) -> Self {
        self.push(Record {
            steady_ms: steady_ms(),
            unix_ms: epoch_ms(),
            pane,
            what: what.to_owned(),
        });
        self
    }

    fn push(&mut self, record: Record) {
        if self.wedges.len() >= KEPT {
            self.wedges.remove(0);
        }
        self.wedges.push(record);
    }

    /// Writes the file.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        let new = path.with_extension("new");
        std::fs::write(&new, serde_json::to_vec(self)?)?;
        std::fs::rename(&new, path)
    }

    /// The reason for which a pane is not entered; `None` when it may be.
    #[must_use]
    pub(crate) fn refuses(&self, pane: PaneUuid) -> Option<String> {
        let mut of_it = self.wedges.iter().filter(|one| one.pane == Some(pane));
        let times = of_it.clone().count();
        let last = of_it.next_back().filter(|_| times >= PANE_TIMES)?;
        Some(format!(
            "the daemon was wedged {times} times while it served this pane, last: {}",
            last.what
        ))
    }

    /// True if a pane explains one of them.
    #[must_use]
    pub(crate) fn names(&self, pane: PaneUuid) -> bool {
        self.wedges.iter().any(|one| one.pane == Some(pane))
    }

    /// Forgets what a pane has done: it was asked to be tried again, or is gone.
    pub(crate) fn forget(&mut self, pane: PaneUuid) {
        self.wedges.retain(|one| one.pane != Some(pane));
    }

    /// The reason for which the daemon starts without HTTP and enters no screen; `None` when all is usual.
    #[must_use]
    pub(crate) fn careful(&self) -> Option<String> {
        self.careful_at(steady_ms())
    }

    fn careful_at(&self, now_ms: u64) -> Option<String> {
        let recent = |one: &&Record| {
            let age = now_ms.checked_sub(one.steady_ms);
            one.pane.is_none() && age.is_some_and(|age| age <= millis(UNEXPLAINED_PERIOD))
        };
        let times = self.wedges.iter().filter(recent).count();
        (times >= UNEXPLAINED_TIMES).then(|| {
            format!("{times} wedges within ten minutes that no pane explains; see `fugue logs`")
        })
    }
}
