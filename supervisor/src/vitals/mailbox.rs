//! How many messages wait and since when, counted without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many waiting messages have their exact time kept.
const TIMES: usize = 16;

/// Senders count up `sent`, the actor counts up `taken`.
#[derive(Default)]
pub(super) struct Mailbox {
    sent: AtomicU64,
    taken: AtomicU64,
    /// When the last taken message was sent: no waiting one is older.
    last_taken_ns: AtomicU64,
    /// When message `n` was sent, at `n % TIMES`; not written while that many wait before it.
    times_ns: [AtomicU64; TIMES],
}

impl Mailbox {
    /// Called before the message is in the mailbox, so that it is never taken before it is counted.
    pub(super) fn sent(&self, now_ns: u64) {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        if number.wrapping_sub(self.taken.load(Ordering::Relaxed)) < TIMES as u64 {
            self.time_of(number).store(now_ns, Ordering::Relaxed);
        }
    }

    pub(super) fn refused(&self) {
        self.sent.fetch_sub(1, Ordering::Relaxed);
    }

    /// Called by the actor's own task only.
    pub(super) fn taken(&self, sent_ns: u64) {
        self.last_taken_ns.store(sent_ns, Ordering::Relaxed);
        let taken = self.taken.load(Ordering::Relaxed);
        self.taken.store(taken + 1, Ordering::Relaxed);
    }

    /// The actor is gone, and what waited with it.
    pub(super) fn close(&self) {
        let sent = self.sent.load(Ordering::Relaxed);
        self.taken.store(sent, Ordering::Relaxed);
    }

    pub(super) fn depth(&self) -> usize {
        let taken = self.taken.load(Ordering::Relaxed);
        let sent = self.sent.load(Ordering::Relaxed);
        usize::try_from(sent.saturating_sub(taken)).unwrap_or(usize::MAX)
    }

    pub(super) fn oldest_ns(&self) -> Option<u64> {
        if self.depth() == 0 {
            return None;
        }
        let next = self.taken.load(Ordering::Relaxed);
        let kept_ns = self.time_of(next).load(Ordering::Relaxed);
        Some(kept_ns.max(self.last_taken_ns.load(Ordering::Relaxed)))
    }

    fn time_of(&self, number: u64) -> &AtomicU64 {
        let place = number % TIMES as u64;
        &self.times_ns[usize::try_from(place).unwrap_or(0)]
    }
}
