//! Counters and facts that a pane's I/O task publishes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};

use super::facts::Facts;
use crate::clock::steady_ms;

/// Counters that the I/O task publishes without a lock.
#[derive(Debug)]
pub struct Live {
    pub(super) last_output_ms: AtomicU64,
    pub(super) last_change_ms: AtomicU64,
    pub(super) printed: AtomicU64,
    pub(super) title: ArcSwap<String>,
    pub(super) cwd: ArcSwapOption<String>,
    pub(super) facts: ArcSwap<Facts>,
    pub(super) bell: AtomicBool,
    pub(super) alternate: AtomicBool,
    unread_bytes: AtomicU64,
    unread_since_ms: AtomicU64,
    unread_full: AtomicBool,
    taken: AtomicU64,
}

/// Input that waits because the program does not read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread {
    /// So many bytes.
    pub bytes: u64,
    /// Since when it has taken none of them, in milliseconds of [`steady_ms`].
    pub since_ms: u64,
    /// No more is let in.
    pub full: bool,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            last_output_ms: AtomicU64::new(steady_ms()),
            last_change_ms: AtomicU64::new(steady_ms()),
            printed: AtomicU64::new(0),
            title: ArcSwap::default(),
            cwd: ArcSwapOption::empty(),
            facts: ArcSwap::default(),
            bell: AtomicBool::new(false),
            alternate: AtomicBool::new(false),
            unread_bytes: AtomicU64::new(0),
            unread_since_ms: AtomicU64::new(0),
            unread_full: AtomicBool::new(false),
            taken: AtomicU64::new(0),
        }
    }
}

impl Live {
    /// Takes over the times of the last output and of the last change.
    pub(super) fn go_on_from(&self, (output_ms, change_ms): (u64, u64)) {
        let now = steady_ms();
        self.last_output_ms
            .store(output_ms.min(now), Ordering::Relaxed);
        self.last_change_ms
            .store(change_ms.min(now), Ordering::Relaxed);
    }

    /// The time at which the program last printed, in milliseconds of [`steady_ms`].
    #[must_use]
    pub fn last_output_ms(&self) -> u64 {
        self.last_output_ms.load(Ordering::Relaxed)
    }

    /// The time at which that last changed the screen's text, in milliseconds of [`steady_ms`]; up to a tenth of a second late.
    #[must_use]
    pub fn last_change_ms(&self) -> u64 {
        self.last_change_ms.load(Ordering::Relaxed)
    }

    /// Notes the input that waits, and how much was taken all in all. Told by one task alone.
    pub(super) fn note_unread(&self, (bytes, taken, full): (u64, u64, bool)) {
        let before = self.unread_bytes.load(Ordering::Relaxed);
        if bytes == 0 && before == 0 {
            return;
        }
        let progress = self.taken.swap(taken, Ordering::Relaxed) != taken;
        if before == 0 || progress {
            self.unread_since_ms.store(steady_ms(), Ordering::Relaxed);
        }
        self.unread_full.store(full, Ordering::Relaxed);
        self.unread_bytes.store(bytes, Ordering::Relaxed);
    }

    /// The input that waits for the program at this moment, if any does.
    #[must_use]
    pub fn unread(&self) -> Option<Unread> {
        let bytes = self.unread_bytes.load(Ordering::Relaxed);
        (bytes > 0).then(|| Unread {
            bytes,
            since_ms: self.unread_since_ms.load(Ordering::Relaxed),
            full: self.unread_full.load(Ordering::Relaxed),
        })
    }

    /// True if the alternate screen is shown.
    #[must_use]
    pub fn alternate(&self) -> bool {
        self.alternate.load(Ordering::Relaxed)
    }

    /// The length of what the program's present life has printed, in bytes.
    #[must_use]
    pub fn printed(&self) -> u64 {
        self.printed.load(Ordering::Relaxed)
    }

    /// The title that the program set.
    #[must_use]
    pub fn title(&self) -> Arc<String> {
        self.title.load_full()
    }

    /// The facts that the program tells of itself.
    #[must_use]
    pub fn facts(&self) -> Arc<Facts> {
        self.facts.load_full()
    }

    /// The directory that the program told (OSC 7).
    #[must_use]
    pub fn cwd(&self) -> Option<Arc<String>> {
        self.cwd.load_full()
    }
}
