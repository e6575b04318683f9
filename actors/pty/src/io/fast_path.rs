//! Typed bytes straight to the terminal, as long as nothing waits before them.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Something on its way to the program. What comes later waits until this is dropped.
#[derive(Debug)]
pub struct QueueTicket(Arc<AtomicUsize>);

impl Drop for QueueTicket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Way of a key past the queue, while nothing waits in it.
#[derive(Debug, Default)]
pub(super) struct FastPath {
    /// The number of [`QueueTicket`] that there are.
    waiting: Arc<AtomicUsize>,
    /// Held while bytes are written past the queue, so that a part that is left over keeps its place.
    direct: Mutex<()>,
    /// Something was typed past the queue.
    typed: AtomicBool,
}

impl FastPath {
    /// A place in the queue.
    pub(super) fn ticket(&self) -> QueueTicket {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        QueueTicket(Arc::clone(&self.waiting))
    }

    /// Writes to `terminal`, which does not block. Returns how much it took, and a place in the queue for the rest.
    pub(super) fn write(&self, terminal: &OwnedFd, bytes: &[u8]) -> (usize, Option<QueueTicket>) {
        let _direct = self.direct.lock().unwrap_or_else(PoisonError::into_inner);
        if self.waiting.load(Ordering::Acquire) > 0 {
            return (0, Some(self.ticket()));
        }
        self.typed.store(true, Ordering::Release);
        // Why it took nothing is found out by whoever writes the rest.
        let taken = rustix::io::write(terminal, bytes).unwrap_or(0);
        let rest = (taken < bytes.len()).then(|| self.ticket());
        (taken, rest)
    }

    /// True if something was typed past the queue since the last call.
    pub(super) fn take_typed(&self) -> bool {
        self.typed.swap(false, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests;
