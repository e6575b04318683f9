//! A counted limit: a slot is taken before the work begins and is free again when it is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of things of a kind that there are or are about to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots(Arc<AtomicUsize>);

/// One of them.
#[derive(Debug)]
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Slots {
    /// A slot, unless `most` are taken. Of many callers at once exactly as many get one as there is room for.
    #[must_use]
    pub(crate) fn take(&self, most: usize) -> Option<Slot> {
        let next = |taken: usize| (taken < most).then(|| taken + 1);
        let taken = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        taken.ok().map(|_| Slot(Arc::clone(&self.0)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
