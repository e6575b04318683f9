//! Standard output and error of a program without a terminal: pipes, whose text the keeper writes to the pane's terminal, or keeps.
//!
//! Nothing here waits: the pipe is read only while the terminal takes what came out of it, so a program that prints more than is
//! read waits for its reader, as it does on a terminal.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_bytes::ByteBuf;

use crate::wire::{KEPT_ERROR_BYTES, KeptErrors};

/// Bytes of one read.
const READ_BYTES: usize = 16 * 1024;
/// Reads of one pipe in one turn: who prints without end must not keep the keeper from its work.
const READS: usize = 8;

/// The pipes before the program is started, and the terminal that shows what comes out of them.
pub(crate) struct Pipes {
    terminal: OwnedFd,
    out: (OwnedFd, OwnedFd),
    err: Option<(OwnedFd, OwnedFd)>,
}

/// The pipes of one program.
pub(crate) struct Relay {
    /// The terminal's side for programs; closed when everything is over, so that its reader learns that.
    terminal: Option<OwnedFd>,
    out: Option<OwnedFd>,
    err: Option<OwnedFd>,
    /// The text that the terminal did not take yet.
    pending: Vec<u8>,
    kept: VecDeque<u8>,
    omitted: u64,
    /// Bytes that the terminal took, and bytes of standard error that were read.
    moved: Moved,
    /// The same when all is moved that the program itself has written; known once it has ended.
    owed: Option<Moved>,
}

/// Bytes of output and of standard error.
#[derive(Clone, Copy, Debug, Default)]
struct Moved {
    out: u64,
    err: u64,
}

impl Pipes {
    /// The pipes of a program that does not have `terminal`: what is typed there is neither shown nor read by anybody.
    pub(crate) fn open(terminal: OwnedFd, apart: bool) -> Result<Self, Errno> {
        let mut modes = tcgetattr(&terminal)?;
        modes.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(&terminal, OptionalActions::Now, &modes)?;
        without_waiting(&terminal)?;
        Ok(Self {
            terminal,
            out: pipe()?,
            err: apart.then(pipe).transpose()?,
        })
    }

    /// The program's standard output and standard error.
    pub(crate) fn programs_ends(&self) -> (BorrowedFd<'_>, BorrowedFd<'_>) {
        let err = self.err.as_ref().unwrap_or(&self.out);
        (self.out.1.as_fd(), err.1.as_fd())
    }

    /// Goes on when the program runs.
    pub(crate) fn follow(self) -> Relay {
        Relay {
            terminal: Some(self.terminal),
            out: Some(self.out.0),
            err: self.err.map(|(read, _)| read),
            pending: Vec::new(),
            kept: VecDeque::new(),
            omitted: 0,
            moved: Moved::default(),
            owed: None,
        }
    }
}

/// A pipe that is read without waiting. Its other end is a program's, which expects to wait.
fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    without_waiting(&read)?;
    Ok((read, write))
}

fn without_waiting(fd: &OwnedFd) -> Result<(), Errno> {
    fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)
}

impl Relay {
    /// The descriptors to wait for.
    pub(crate) fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        let gives = !self.pending.is_empty();
        let wanted = match gives {
            true => PollFlags::IN | PollFlags::OUT,
            false => PollFlags::IN,
        };
        let terminal = self
            .terminal
            .as_ref()
            .map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), wanted));
        let out = self.out.as_ref().filter(|_| !gives);
        let pipes = out.into_iter().chain(&self.err);
        terminal
            .into_iter()
            .chain(pipes.map(|fd| PollFd::new(fd, PollFlags::IN)))
    }

    /// Moves what there is, as far as the terminal takes it.
    pub(crate) fn exchange(&mut self) {
        let mut buffer = [0; READ_BYTES];
        if let Some(terminal) = &self.terminal {
            // Answers of the terminal to what the program printed, and keys: it reads neither.
            let _ = rustix::io::read(terminal, &mut buffer);
        }
        for _ in 0..READS {
            if !self.give() {
                break;
            }
            match take(&mut self.out, &mut buffer) {
                0 => break,
                taken => self.pending.extend_from_slice(&buffer[..taken]),
            }
        }
        for _ in 0..READS {
            match take(&mut self.err, &mut buffer) {
                0 => break,
                taken => self.keep(&buffer[..taken]),
            }
        }
    }

    /// Gives the terminal what waits for it; says whether nothing does any more.
    fn give(&mut self) -> bool {
        while !self.pending.is_empty() {
            let written = match &self.terminal {
                Some(terminal) => rustix::io::write(terminal, &self.pending),
                None => Err(Errno::IO),
            };
            let taken = match written {
                Ok(0) | Err(Errno::AGAIN) => return false,
                Ok(taken) => taken,
                Err(Errno::INTR) => 0,
                // Nobody will ever read it.
                Err(_) => self.pending.len(),
            };
            self.pending.drain(..taken);
            self.moved.out += taken as u64;
        }
        true
    }

    fn keep(&mut self, text: &[u8]) {
        self.moved.err += text.len() as u64;
        self.kept.extend(text);
        let over = self.kept.len().saturating_sub(KEPT_ERROR_BYTES);
        self.kept.drain(..over);
        self.omitted += over as u64;
    }

    /// Notes that the program has ended: what it has written itself is in the pipes, before anything that others may still write.
    pub(crate) fn program_ended(&mut self) {
        let waiting = |pipe: &Option<OwnedFd>| {
            let bytes = pipe.as_ref().map(rustix::io::ioctl_fionread);
            bytes.and_then(Result::ok).unwrap_or_default()
        };
        self.owed = Some(Moved {
            out: self.moved.out + self.pending.len() as u64 + waiting(&self.out),
            err: self.moved.err + waiting(&self.err),
        });
    }

    /// True if everything that the ended program has written was moved.
    pub(crate) fn is_drained(&self) -> bool {
        let over = self.out.is_none() && self.pending.is_empty();
        self.owed.is_some_and(|owed| {
            (over || self.moved.out >= owed.out)
                && (self.err.is_none() || self.moved.err >= owed.err)
        })
    }

    /// Lets the terminal go, once nobody can print any more.
    pub(crate) fn close_when_over(&mut self) {
        if self.out.is_none() && self.pending.is_empty() {
            self.terminal = None;
        }
    }

    /// The end of standard error, where that is apart.
    pub(crate) fn kept_errors(&self) -> KeptErrors {
        let (first, second) = self.kept.as_slices();
        KeptErrors {
            tail: ByteBuf::from([first, second].concat()),
            omitted: self.omitted,
        }
    }
}

/// Reads what is in a pipe, 0 bytes when it is empty; one that nobody can write to any more is closed.
fn take(pipe: &mut Option<OwnedFd>, buffer: &mut [u8]) -> usize {
    let Some(fd) = pipe else {
        return 0;
    };
    match rustix::io::read(fd, buffer) {
        Ok(taken) if taken > 0 => taken,
        Err(Errno::AGAIN | Errno::INTR) => 0,
        Ok(_) | Err(_) => {
            *pipe = None;
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relay() -> Relay {
        Relay {
            terminal: None,
            out: None,
            err: None,
            pending: Vec::new(),
            kept: VecDeque::new(),
            omitted: 0,
            moved: Moved::default(),
            owed: None,
        }
    }

    #[test]
    fn the_end_of_standard_error_is_kept_and_the_rest_counted() {
        let mut relay = relay();
        relay.keep(b"begin");
        relay.keep(&vec![b'x'; KEPT_ERROR_BYTES - 2]);
        relay.keep(b"end");
        let kept = relay.kept_errors();
        assert_eq!(kept.omitted, 6);
        assert_eq!(kept.tail.len(), KEPT_ERROR_BYTES);
        assert!(kept.tail.ends_with(b"xend"));
    }

    #[test]
    fn what_the_program_wrote_is_waited_for_and_not_what_others_write() {
        let mut relay = relay();
        let (out, write) = pipe().expect("a pipe");
        let (err, write_err) = pipe().expect("a pipe");
        (relay.out, relay.err) = (Some(out), Some(err));
        assert!(!relay.is_drained(), "the program lives");
        rustix::io::write(&write, b"its own").expect("room");
        rustix::io::write(&write_err, b"its error").expect("room");
        relay.program_ended();
        rustix::io::write(&write, b"another's").expect("room");
        assert!(!relay.is_drained());
        relay.exchange();
        relay.exchange();
        assert!(relay.is_drained(), "although the pipes are open");
        assert_eq!(&**relay.kept_errors().tail, b"its error");
    }
}
