//! The caller's terminal: raw while a view is attached, and as it was on every way out, a stop included.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use protocol::terminal::CellPixels;
use protocol::{Error, ErrorCode, Size};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{getpgid, getpgrp, getppid, getsid};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use signal_hook::consts::SIGTSTP;
use signal_hook::low_level::emulate_default_handler;

use super::modes::{ENTER, LEAVE};
use super::notices::NO_PROGRESS;

/// The time for which a terminal that takes nothing is waited for when it is left, in 100 ms steps.
const LEAVE_STEPS: u32 = 5;

/// The state that has to be put back; taken by whichever way out comes first.
static SAVED: Mutex<Option<Saved>> = Mutex::new(None);

struct Saved {
    tty: OwnedFd,
    termios: Termios,
    /// The flags of a file description that is shared with others.
    flags: Option<OFlags>,
    /// What undoes more than [`LEAVE`] does.
    undo: Vec<u8>,
    /// What takes the program's progress away, once one was shown.
    undo_progress: &'static [u8],
}

impl Saved {
    fn leave(&self) -> Vec<u8> {
        [&self.undo[..], self.undo_progress, LEAVE].concat()
    }
}

/// Rows and columns of a terminal, within the protocol's limits.
pub(crate) fn size_of(terminal: impl AsFd) -> Option<Size> {
    let size = tcgetwinsize(terminal).ok()?;
    // A terminal that does not know its size says 0.
    if size.ws_row == 0 || size.ws_col == 0 {
        return None;
    }
    Some(Size::new(
        size.ws_row.min(Size::MAX_SIDE),
        size.ws_col.min(Size::MAX_SIDE),
    ))
}

/// The caller's terminal. Dropping it restores it.
pub(crate) struct Terminal {
    tty: OwnedFd,
    /// Set when the flags were changed for others, too.
    shared_flags: Option<OFlags>,
    /// It was left, by this process, and not entered since.
    is_left: Cell<bool>,
}

/// Bytes that the terminal has not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    taken: usize,
}

impl Output {
    pub(crate) fn is_empty(&self) -> bool {
        self.taken == self.bytes.len()
    }
}

impl Terminal {
    /// The terminal of standard input.
    ///
    /// # Errors
    /// `unsupported` when there is none.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let stdin = io::stdin();
        if !isatty(&stdin) || !isatty(io::stdout()) {
            let message = "attaching needs a terminal, and standard input or output is none";
            return Err(Error::new(ErrorCode::Unsupported, message)
                .hint("`fugue read PANE` and `fugue send PANE` work without one")
                .into());
        }
        // A file description of our own: non-blocking for us alone, not for the shell that shares
        // the inherited one.
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let (tty, shared_flags) = match rustix::fs::open("/proc/self/fd/0", flags, Mode::empty()) {
            Ok(tty) => (tty, None),
            Err(_) => {
                let tty = rustix::io::dup(&stdin)?;
                let flags = rustix::fs::fcntl_getfl(&tty)?;
                rustix::fs::fcntl_setfl(&tty, flags | OFlags::NONBLOCK)?;
                (tty, Some(flags))
            }
        };
        Ok(Self {
            tty,
            shared_flags,
            is_left: Cell::new(false),
        })
    }

    /// Its size now, 24 × 80 when it does not know.
    pub(crate) fn size(&self) -> Size {
        size_of(&self.tty).unwrap_or(Size::new(24, 80))
    }

    /// Makes it raw and shows the alternate screen. From here on every way out restores it.
    pub(crate) fn enter(&mut self) -> io::Result<()> {
        restore_on_panic();
        let tty = &self.tty;
        let saved = Saved {
            tty: rustix::io::dup(tty)?,
            termios: tcgetattr(tty)?,
            flags: self.shared_flags.take(),
            undo: Vec::new(),
            undo_progress: b"",
        };
        *saved_terminal() = Some(saved);
        self.make_ready()
    }

    /// The same when it is not known what has become of the terminal, as after a stop.
    pub(crate) fn enter_again(&self) -> io::Result<()> {
        // So that what is kept aside on entering is the terminal's own, whether or not the server has left it meanwhile. A second time
        // would put the cursor where it once was.
        if !self.is_left.replace(false) {
            write_patiently(&self.tty, &self.leave());
        }
        self.make_ready()
    }

    fn make_ready(&self) -> io::Result<()> {
        let tty = &self.tty;
        let mut raw = tcgetattr(tty)?;
        raw.make_raw();
        tcsetattr(tty, OptionalActions::Now, &raw)?;
        write_patiently(tty, ENTER);
        Ok(())
    }

    /// True if a stop makes sense: somebody is there who can let this process go on, its parent in this session with
    /// jobs of its own.
    ///
    /// Source: POSIX, orphaned process groups, whose stop signals do nothing.
    pub(crate) fn may_stop() -> bool {
        getppid().is_some_and(|parent| {
            let same_session = getsid(Some(parent)).ok() == getsid(None).ok();
            same_session && getpgid(Some(parent)).is_ok_and(|group| group != getpgrp())
        })
    }

    /// Leaves the terminal to the shell and stops this process. Returns when it goes on; what follows a stop has to follow
    /// then.
    pub(crate) fn stop(&self, output: &mut Output) -> io::Result<()> {
        *output = Output::default();
        write_patiently(&self.tty, &self.leave());
        self.is_left.set(true);
        if let Some(saved) = &*saved_terminal() {
            tcsetattr(&saved.tty, OptionalActions::Now, &saved.termios)?;
        }
        emulate_default_handler(SIGTSTP)
    }

    /// The size of its cells now, where it tells.
    pub(crate) fn cell(&self) -> Option<CellPixels> {
        let size = tcgetwinsize(&self.tty).ok()?;
        let cells = Size::new(size.ws_row, size.ws_col);
        CellPixels::of_terminal(cells, size.ws_xpixel, size.ws_ypixel)
    }

    /// This undoes what is going to be set besides the modes.
    pub(crate) fn undo_also(&self, undo: Vec<u8>) {
        if let Some(saved) = &mut *saved_terminal() {
            saved.undo = undo;
        }
    }

    /// A progress is going to be shown.
    pub(crate) fn undo_progress(&self) {
        if let Some(saved) = &mut *saved_terminal() {
            saved.undo_progress = NO_PROGRESS;
        }
    }

    /// The bytes that are written to leave it.
    pub(crate) fn leave(&self) -> Vec<u8> {
        let saved = saved_terminal();
        saved.as_ref().map_or_else(|| LEAVE.to_vec(), Saved::leave)
    }

    /// The settings that the terminal had before.
    pub(crate) fn settings(&self) -> Option<Termios> {
        saved_terminal().as_ref().map(|saved| saved.termios.clone())
    }

    /// Reads what was typed, once poll(2) has said that there is something.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&self.tty, buffer)?)
    }

    /// Writes as much as the terminal takes now, in one write when it takes it all; the rest goes
    /// to `output`. A terminal that fails is noticed by the next flush or read.
    pub(crate) fn write(&self, bytes: &[u8], output: &mut Output) {
        let taken = if output.is_empty() && !bytes.is_empty() {
            output.bytes.clear();
            output.taken = 0;
            rustix::io::write(&self.tty, bytes).unwrap_or(0)
        } else {
            0
        };
        output.bytes.extend_from_slice(&bytes[taken..]);
    }

    /// Writes as much of the rest as the terminal takes now.
    pub(crate) fn flush(&self, output: &mut Output) -> io::Result<()> {
        while !output.is_empty() {
            match rustix::io::write(&self.tty, &output.bytes[output.taken..]) {
                Ok(taken) => output.taken += taken,
                Err(rustix::io::Errno::AGAIN) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tty.as_fd()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
        if let Some(flags) = self.shared_flags.take() {
            let _ = rustix::fs::fcntl_setfl(&self.tty, flags);
        }
    }
}

fn saved_terminal() -> MutexGuard<'static, Option<Saved>> {
    SAVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts the terminal back as it was; the second time it does nothing.
fn restore() {
    let saved = saved_terminal().take();
    let Some(saved) = saved else { return };
    write_patiently(&saved.tty, &saved.leave());
    let _ = tcsetattr(&saved.tty, OptionalActions::Now, &saved.termios);
    if let Some(flags) = saved.flags {
        let _ = rustix::fs::fcntl_setfl(&saved.tty, flags);
    }
}

/// Writes to a terminal that may be slow, but not to one that takes nothing for half a second.
fn write_patiently(tty: &OwnedFd, mut bytes: &[u8]) {
    const STEP: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 100_000_000,
    };
    let mut steps = 0;
    while !bytes.is_empty() && steps < LEAVE_STEPS {
        match rustix::io::write(tty, bytes) {
            Ok(taken) => bytes = &bytes[taken..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                steps += 1;
                let _ = poll(&mut [PollFd::new(tty, PollFlags::OUT)], Some(&STEP));
            }
            Err(_) => return,
        }
    }
}

/// A panic's message shall be readable: the terminal is restored before it is printed.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            usual(panic);
        }));
    });
}

#[cfg(test)]
mod tests;
