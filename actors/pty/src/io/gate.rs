//! Typed bytes straight to the terminal, as long as nothing waits before them.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Something on its way to the program. What comes later waits until this is dropped.
#[derive(Debug)]
pub struct Ahead(Arc<AtomicUsize>);

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The gate to the terminal: it tells who may write.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// The number of [`Ahead`] that there are.
    waiting: Arc<AtomicUsize>,
    /// Held while bytes are written past the queue, so that a part that is left over keeps its place.
    direct: Mutex<()>,
    /// Something was typed past the queue.
    typed: AtomicBool,
}

impl Gate {
    /// A place in the queue.
    pub(super) fn ahead(&self) -> Ahead {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        Ahead(Arc::clone(&self.waiting))
    }

    /// Writes to `terminal`, which does not block. Returns how much it took, and a place in the queue for the rest.
    pub(super) fn write(&self, terminal: &OwnedFd, bytes: &[u8]) -> (usize, Option<Ahead>) {
        let _direct = self.direct.lock().unwrap_or_else(PoisonError::into_inner);
        if self.waiting.load(Ordering::Acquire) > 0 {
            return (0, Some(self.ahead()));
        }
        self.typed.store(true, Ordering::Release);
        // Why it took nothing is found out by whoever writes the rest.
        let taken = rustix::io::write(terminal, bytes).unwrap_or(0);
        let rest = (taken < bytes.len()).then(|| self.ahead());
        (taken, rest)
    }

    /// Whether something was typed past the queue since the last call.
    pub(super) fn take_typed(&self) -> bool {
        self.typed.swap(false, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests;
