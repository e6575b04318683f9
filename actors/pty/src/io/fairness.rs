//! Panes that print without a pause leave gaps while somebody types into another one: on few cores the programs that a
//! key and its echo pass through would else wait for the flood's time slices, one after the other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::steady_ms;

/// So long after a key somebody is still typing.
const TYPING_MS: u64 = 250;

/// One turn of reading while somebody types elsewhere.
pub(super) const TURN_TIME: Duration = Duration::from_micros(500);

/// The gap after such a turn.
pub(super) const REST: Duration = Duration::from_millis(2);

/// A turn that brought less is an echo, a prompt or a line of a build, and needs no gap.
pub(super) const FLOOD_BYTES: u64 = 4096;

/// The time at which somebody last typed into any pane: the cores are shared by all panes of the process.
static ANY: LastKey = LastKey::never();

/// The time at which somebody last typed into a pane.
#[derive(Debug)]
pub(super) struct LastKey(AtomicU64);

impl LastKey {
    const NEVER: u64 = u64::MAX;

    pub(super) const fn never() -> Self {
        Self(AtomicU64::new(Self::NEVER))
    }

    /// A person typed into this pane.
    pub(super) fn typed(&self) {
        let now = steady_ms();
        self.0.store(now, Ordering::Relaxed);
        ANY.0.store(now, Ordering::Relaxed);
    }

    /// True if a person is typing, but not into this pane: whoever looks at a flood and types is to see its end soon.
    pub(super) fn others_type(&self) -> bool {
        let now = steady_ms();
        ANY.is_recent(now) && !self.is_recent(now)
    }

    fn is_recent(&self, now: u64) -> bool {
        let last = self.0.load(Ordering::Relaxed);
        last != Self::NEVER && now.saturating_sub(last) < TYPING_MS
    }
}

#[cfg(test)]
mod tests;
