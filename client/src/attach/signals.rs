//! Signals that an attached view acts on, as something that poll(2) can wait for.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::Signal;
use signal_hook::flag;
use signal_hook::low_level::pipe;

/// The meaning of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// This program shall end.
    End(i32),
    /// The terminal has another size.
    Resized,
    /// This program shall stop.
    Stop,
    /// This program was stopped and goes on.
    Continued,
}

/// The signals, from the moment they are listened for.
pub(super) struct Signals {
    /// A byte for each signal.
    wake: UnixStream,
    /// The last signal that asks for the end, 0 for none.
    end: Arc<AtomicUsize>,
    resized: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    continued: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        let (wake, wakes) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let signals = Self {
            wake,
            end: Arc::default(),
            resized: Arc::default(),
            stop: Arc::default(),
            continued: Arc::default(),
        };
        // The flag first, so that it is up when the byte is read.
        for signal in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM] {
            let number = signal.as_raw();
            let value = usize::try_from(number).unwrap_or_default();
            flag::register_usize(number, Arc::clone(&signals.end), value)?;
            pipe::register(number, wakes.try_clone()?)?;
        }
        for (signal, flag) in [
            (Signal::WINCH, &signals.resized),
            (Signal::TSTP, &signals.stop),
            (Signal::CONT, &signals.continued),
        ] {
            flag::register(signal.as_raw(), Arc::clone(flag))?;
            pipe::register(signal.as_raw(), wakes.try_clone()?)?;
        }
        Ok(signals)
    }

    /// The news since the last time, one thing at a time.
    pub(super) fn next(&mut self) -> Option<Told> {
        let mut bytes = [0; 64];
        while matches!((&self.wake).read(&mut bytes), Ok(1..)) {}
        let end = self.end.load(Ordering::Relaxed);
        if end != 0 {
            return Some(Told::End(i32::try_from(end).unwrap_or_default()));
        }
        if self.stop.swap(false, Ordering::Relaxed) {
            return Some(Told::Stop);
        }
        if self.continued.swap(false, Ordering::Relaxed) {
            return Some(Told::Continued);
        }
        self.resized
            .swap(false, Ordering::Relaxed)
            .then_some(Told::Resized)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
