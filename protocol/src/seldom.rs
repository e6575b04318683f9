//! Something that may happen very often and is told of seldom, with how often it was left untold.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A limit on how often something is told.
#[derive(Debug)]
pub struct Seldom {
    pause: Duration,
    begun: OnceLock<Instant>,
    /// Milliseconds after the beginning, plus one; 0 as long as nothing was told.
    told: AtomicU64,
    untold: AtomicU64,
}

impl Seldom {
    /// At most once in `pause`.
    #[must_use]
    pub const fn new(pause: Duration) -> Self {
        Self {
            pause,
            begun: OnceLock::new(),
            told: AtomicU64::new(0),
            untold: AtomicU64::new(0),
        }
    }

    /// It has happened. When it may be told: how often it has happened since it was last told, without this time.
    pub fn tell(&self) -> Option<u64> {
        let begun = *self.begun.get_or_init(Instant::now);
        self.tell_at(begun.elapsed())
    }

    fn tell_at(&self, since_begun: Duration) -> Option<u64> {
        let now = u64::try_from(since_begun.as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let pause = u64::try_from(self.pause.as_millis()).unwrap_or(u64::MAX);
        let last = self.told.load(Ordering::Relaxed);
        let due = last == 0 || now >= last.saturating_add(pause);
        let ours = due
            && self
                .told
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if ours {
            return Some(self.untold.swap(0, Ordering::Relaxed));
        }
        self.untold.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests;
