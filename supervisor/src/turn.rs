//! Turns: what each thread runs at this moment, readable from outside the runtime.
//!
//! A turn is one poll of an actor's callback or of a task that was wrapped by [`noted`]. While it lasts, its thread can serve nobody
//! else; a plain thread that compares two looks sees which turn does not end.

use crate::actor::ActorId;
use std::cell::OnceCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use crate::vitals::lock;

#[cfg(test)]
mod tests;

/// Every thread that has had a turn.
static THREADS: Mutex<Vec<Weak<Note>>> = Mutex::new(Vec::new());

thread_local! {
    static OWN: OnceCell<Arc<Note>> = const { OnceCell::new() };
}

/// The note of one thread. Only that thread writes.
struct Note {
    thread: u64,
    changes: AtomicU64,
    high: AtomicU64,
    low: AtomicU64,
}

/// One thread as it was when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The kernel's number of the thread, as in `/proc/self/task`; 0 where it is not known.
    pub thread: u64,
    /// Grows with each begin and each end of a turn: the same number twice means that nothing has ended in between.
    pub changes: u64,
    /// For whom the turn is, as it was given to [`noted`] or [`actor_subject`] of the actor; `None` between turns.
    pub subject: Option<u128>,
}

/// The subject that an actor's turns are noted under.
#[must_use]
pub fn actor_subject(id: ActorId) -> u128 {
    u128::from(id.number())
}

/// All threads that have had a turn and still live.
#[must_use]
pub fn turns() -> Vec<Turn> {
    let mut threads = lock(&THREADS);
    threads.retain(|note| note.strong_count() > 0);
    let notes: Vec<_> = threads.iter().filter_map(Weak::upgrade).collect();
    drop(threads);
    notes.iter().map(|note| note.read()).collect()
}

/// Notes each poll of `future` as a turn of `subject`; 0 stands for nobody. Cancelling is as safe as cancelling `future`.
pub async fn noted<F: Future>(subject: impl Fn() -> u128, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let _turn = begin(subject());
        future.as_mut().poll(cx)
    })
    .await
}

/// Ends the turn when it is dropped, and goes back to the one around it.
pub(crate) struct TurnGuard {
    before: (u64, u64),
}

/// Begins a turn on this thread. They may nest.
pub(crate) fn begin(subject: u128) -> TurnGuard {
    OWN.with(|own| {
        let note = own.get_or_init(Note::register);
        let before = note.subject();
        note.change(split(subject));
        TurnGuard { before }
    })
}

impl Drop for TurnGuard {
    fn drop(&mut self) {
        // A thread that is going away has nothing to note.
        let _ = OWN.try_with(|own| own.get().map(|note| note.change(self.before)));
    }
}

impl Note {
    fn register() -> Arc<Self> {
        let note = Arc::new(Self {
            thread: thread_number().unwrap_or(0),
            changes: AtomicU64::new(0),
            high: AtomicU64::new(0),
            low: AtomicU64::new(0),
        });
        lock(&THREADS).push(Arc::downgrade(&note));
        note
    }

    fn subject(&self) -> (u64, u64) {
        (
            self.high.load(Ordering::Relaxed),
            self.low.load(Ordering::Relaxed),
        )
    }

    fn change(&self, (high, low): (u64, u64)) {
        self.high.store(high, Ordering::Relaxed);
        self.low.store(low, Ordering::Relaxed);
        let changes = self.changes.load(Ordering::Relaxed);
        self.changes.store(changes + 1, Ordering::Release);
    }

    /// A subject that is read while it changes is harmless: `changes` differs at the next look.
    fn read(&self) -> Turn {
        let changes = self.changes.load(Ordering::Acquire);
        let (high, low) = self.subject();
        let subject = u128::from(high) << 64 | u128::from(low);
        Turn {
            thread: self.thread,
            changes,
            subject: (subject != 0).then_some(subject),
        }
    }
}

fn split(subject: u128) -> (u64, u64) {
    let low = u64::try_from(subject & u128::from(u64::MAX)).unwrap_or(0);
    let high = u64::try_from(subject >> 64).unwrap_or(0);
    (high, low)
}

/// `/proc/thread-self` is a link to `PID/task/TID`.
fn thread_number() -> Option<u64> {
    let link = std::fs::read_link("/proc/thread-self").ok()?;
    link.file_name()?.to_str()?.parse().ok()
}
