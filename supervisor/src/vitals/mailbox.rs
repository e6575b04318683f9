//! The number of messages that wait, and since when, counted without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock;

/// The number of waiting messages whose exact time is kept.
const TIMES: usize = 16;

/// Senders write one half and the actor the other; apart, they do not slow each other down.
pub(super) struct Mailbox {
    senders: Senders,
    actor: Taken,
}

#[derive(Default)]
#[repr(align(64))]
struct Senders {
    sent: AtomicU64,
    /// When message `n` was sent, at `n % TIMES`.
    times_ns: [AtomicU64; TIMES],
}

#[repr(align(64))]
struct Taken {
    taken: AtomicU64,
    /// When the last taken message was sent, at first the start: no waiting one is older.
    last_ns: AtomicU64,
}

impl Mailbox {
    pub(super) fn new() -> Self {
        Self {
            senders: Senders::default(),
            actor: Taken {
                taken: AtomicU64::new(0),
                last_ns: AtomicU64::new(clock::now_ns()),
            },
        }
    }

    /// Called before the message is in the mailbox, so that it is never taken before it is counted.
    pub(super) fn sent(&self, now_ns: u64) {
        let number = self.senders.sent.fetch_add(1, Ordering::Relaxed);
        self.time_of(number).store(now_ns, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.senders.sent.fetch_sub(1, Ordering::Relaxed);
    }

    /// Called by the actor's own task only.
    pub(super) fn taken(&self, sent_ns: u64) {
        self.actor.last_ns.store(sent_ns, Ordering::Relaxed);
        let taken = self.actor.taken.load(Ordering::Relaxed);
        self.actor.taken.store(taken + 1, Ordering::Relaxed);
    }

    /// The actor is gone, and what waited with it.
    pub(super) fn close(&self) {
        let sent = self.senders.sent.load(Ordering::Relaxed);
        self.actor.taken.store(sent, Ordering::Relaxed);
    }

    pub(super) fn depth(&self) -> usize {
        let taken = self.actor.taken.load(Ordering::Relaxed);
        let sent = self.senders.sent.load(Ordering::Relaxed);
        usize::try_from(sent.saturating_sub(taken)).unwrap_or(usize::MAX)
    }

    pub(super) fn oldest_ns(&self) -> Option<u64> {
        let next = self.actor.taken.load(Ordering::Relaxed);
        match self.depth() {
            0 => None,
            1..=TIMES => Some(self.time_of(next).load(Ordering::Relaxed)),
            _ => Some(self.actor.last_ns.load(Ordering::Relaxed)),
        }
    }

    fn time_of(&self, number: u64) -> &AtomicU64 {
        let place = number % TIMES as u64;
        &self.senders.times_ns[usize::try_from(place).unwrap_or(0)]
    }
}
