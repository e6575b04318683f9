//! The last places for connections, which go to those who have few: a program that opens all it can get does not keep
//! the operator's commands out.

use std::sync::{Arc, OnceLock, Weak};

use dashmap::DashMap;
use protocol::PaneUuid;

use crate::registry::Registry;
use crate::rights;
use crate::slots::Slot;

/// One place in so many is kept back.
const SHARE: usize = 16;

/// At most so many are.
const MOST: usize = 16;

/// Whoever has at most so many connections gets one of them.
const FEW: usize = 4;

/// With so many processes those that have gone are forgotten.
const FORGET: usize = 1_024;

/// Places that are kept back of `most`.
pub(super) fn kept_back(most: usize) -> usize {
    (most / SHARE).min(MOST)
}

/// A process with connections, which each hold it.
#[derive(Debug)]
struct Holder {
    process: i32,
    inside: OnceLock<Option<PaneUuid>>,
}

impl Holder {
    fn inside(&self, registry: &Registry) -> Option<PaneUuid> {
        let above = || rights::above(registry, self.process).map(|pane| pane.id);
        *self.inside.get_or_init(above)
    }
}

/// A connection's place, free again when it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    _slot: Slot,
    _holder: Option<Arc<Holder>>,
}

/// Connections by process, counted from the moment that they are accepted.
#[derive(Clone, Default)]
pub(super) struct Crowd(Arc<DashMap<i32, Weak<Holder>>>);

impl Crowd {
    /// A place for a connection of `process`, unless all are taken, or the last ones are kept for others.
    pub(super) fn place(
        &self,
        registry: &Registry,
        process: Option<i32>,
        most: usize,
    ) -> Option<ConnectionSlot> {
        let holder = process.map(|process| self.holder(process));
        let slots = registry.client_slots();
        let slot = slots.take(most - kept_back(most)).or_else(|| {
            let modest = holder
                .as_deref()
                .is_some_and(|holder| self.is_modest(registry, holder));
            modest.then(|| slots.take(most)).flatten()
        })?;
        Some(ConnectionSlot {
            _slot: slot,
            _holder: holder,
        })
    }

    fn holder(&self, process: i32) -> Arc<Holder> {
        if self.0.len() >= FORGET {
            self.0.retain(|_, holder| holder.strong_count() > 0);
        }
        let mut entry = self.0.entry(process).or_default();
        entry.upgrade().unwrap_or_else(|| {
            let holder = Arc::new(Holder {
                process,
                inside: OnceLock::new(),
            });
            *entry = Arc::downgrade(&holder);
            holder
        })
    }

    /// True if a process, with all others inside the same pane, has few connections.
    fn is_modest(&self, registry: &Registry, holder: &Holder) -> bool {
        let inside = holder.inside(registry);
        let mut count = 0;
        for other in self.0.iter() {
            let Some(other) = other.upgrade() else {
                continue;
            };
            let same = other.process == holder.process
                || (inside.is_some() && other.inside(registry) == inside);
            if same {
                // One is held here.
                count += Arc::strong_count(&other) - 1;
            }
        }
        count <= FEW
    }
}

#[cfg(test)]
mod tests;
