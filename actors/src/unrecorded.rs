//! Panes that are gone and whose end is not in the database yet: their keepers wait, since they alone could tell it to the next daemon.

use dashmap::DashMap;
use protocol::PaneUuid;

use crate::slots::{Slot, Slots};

/// Keepers that wait at most; beyond that they are let go at once.
const MOST: usize = 256;

/// The panes whose keepers wait.
#[derive(Debug, Default)]
pub(crate) struct Unrecorded {
    slots: Slots,
    panes: DashMap<PaneUuid, Slot>,
}

impl Unrecorded {
    /// The keeper of this pane waits from now on; false when too many do.
    #[must_use]
    pub(crate) fn enter(&self, id: PaneUuid) -> bool {
        let slot = self.slots.take(MOST);
        slot.map(|slot| self.panes.insert(id, slot)).is_some()
    }

    /// True if the keeper of this pane waits.
    #[must_use]
    pub(crate) fn has(&self, id: PaneUuid) -> bool {
        self.panes.contains_key(&id)
    }

    /// It does not wait any more.
    pub(crate) fn leave(&self, id: PaneUuid) {
        self.panes.remove(&id);
    }
}

#[cfg(test)]
mod tests;
