//! A terminal or socket that is watched for input, and for room only while something waits for it.
//!
//! Whoever is watched for room all the time is woken each time the other side reads: once more for each key.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, recvmsg};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Bytes to be written to a descriptor, piece by piece.
pub trait Waiting {
    /// The next bytes; empty when nothing waits.
    fn next(&self) -> &[u8];

    /// So many of them were taken.
    fn taken(&mut self, bytes: usize);
}

/// A descriptor in non-blocking mode.
pub struct Watched {
    descriptor: Arc<OwnedFd>,
    /// Absent only when the system could not watch it anew.
    watch: Option<AsyncFd<Arc<OwnedFd>>>,
    /// It took no more the last time.
    blocked: bool,
}

impl Watched {
    /// Watches `descriptor` for input. Call it on a tokio runtime.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(descriptor: Arc<OwnedFd>) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        Ok(Self {
            watch: Some(watch(Arc::clone(&descriptor), Interest::READABLE)?),
            descriptor,
            blocked: false,
        })
    }

    /// The descriptor itself.
    pub fn descriptor(&self) -> &OwnedFd {
        &self.descriptor
    }

    /// Waits until there is input or an end to read.
    ///
    /// # Errors
    /// The runtime is ending.
    pub async fn readable(&self) -> io::Result<()> {
        self.watch()?.readable().await.map(drop)
    }

    /// Waits until more of what is `waiting` can be written; for ever when nothing is. That what waits is asked here, and
    /// not remembered, is what keeps a loop around it from turning: room alone is no reason to wake.
    ///
    /// # Errors
    /// The runtime is ending.
    pub async fn room_for(&self, waiting: &impl Waiting) -> io::Result<()> {
        if waiting.next().is_empty() {
            return std::future::pending().await;
        }
        if !self.blocked {
            return Ok(());
        }
        // Only a write that would block clears it: the kernel tells it once.
        self.watch()?.writable().await.map(drop)
    }

    /// Reads from a socket, where less than asked for is all there was unless a descriptor came with it. That takes the place of
    /// `handed`.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing, and what the system says.
    pub fn read_socket(
        &self,
        buffer: &mut [u8],
        handed: &mut Option<OwnedFd>,
    ) -> io::Result<usize> {
        let asked = buffer.len();
        let mut short = None;
        let read = self.watch()?.try_io(Interest::READABLE, |fd| {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut slices = [IoSliceMut::new(&mut *buffer)];
            let received = recvmsg(fd, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC)?;
            // A read ends behind the bytes that a descriptor came with, also where it could not be taken: there may be more.
            let mut is_all = !received.flags.contains(ReturnFlags::CTRUNC);
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                    *handed = descriptors.last().or(handed.take());
                    is_all = false;
                }
            }
            if is_all && (1..asked).contains(&received.bytes) {
                short = Some(received.bytes);
                // Takes the readiness back, which spares the next read that finds nothing.
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(received.bytes)
        });
        short.map_or(read, Ok)
    }

    /// Reads what the programs of a terminal have printed.
    ///
    /// EIO is how Linux says that no process has the terminal open any more. It looks for output first and then whether
    /// the terminal is open, so it can say so while the last lines are on their way: only a second one in a row, of a read
    /// that began after the end, is the end of output.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing, and what the system says.
    pub fn read_terminal(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.watch()?
            .try_io(Interest::READABLE, |fd| read_output(fd, buffer))
    }

    /// Reads as [`Self::read_terminal`], also what the runtime has not noticed yet.
    ///
    /// # Errors
    /// As [`Self::read_terminal`].
    pub fn read_unnoticed(&self, buffer: &mut [u8]) -> io::Result<usize> {
        read_output(&self.descriptor, buffer)
    }

    /// True if there is something to read, or an end, also when the runtime has not noticed it yet.
    ///
    /// # Errors
    /// What the system says.
    pub fn has_input(&self) -> io::Result<bool> {
        let any = PollFlags::IN | PollFlags::HUP | PollFlags::ERR;
        Ok(self.polled()?.intersects(any))
    }

    fn polled(&self) -> io::Result<PollFlags> {
        let mut polled = [PollFd::new(&self.descriptor, PollFlags::IN)];
        let at_once = Timespec::default();
        retry_on_intr(|| rustix::event::poll(&mut polled, Some(&at_once)))?;
        Ok(polled[0].revents())
    }

    /// True if a terminal that nobody had open is open again, or holds output of somebody who had; then it is watched
    /// anew.
    ///
    /// # Errors
    /// It cannot be watched anew.
    pub fn is_open_again(&mut self) -> io::Result<bool> {
        let found = self.polled()?;
        let open = !found.intersects(PollFlags::HUP | PollFlags::ERR);
        if !open && !found.contains(PollFlags::IN) {
            return Ok(false);
        }
        // Tokio remembers a hang-up for as long as it watches.
        self.watch_for(Interest::READABLE)?;
        self.blocked = false;
        Ok(true)
    }

    /// Writes what is `waiting`, as far as it is taken. True when something was for which there had been no room.
    ///
    /// # Errors
    /// What the system says, when it is not that there is no room.
    pub fn write(&mut self, waiting: &mut impl Waiting) -> io::Result<bool> {
        let was_blocked = self.blocked;
        let mut taken = false;
        loop {
            let bytes = waiting.next();
            if bytes.is_empty() {
                if self.blocked {
                    self.watch_for(Interest::READABLE)?;
                    self.blocked = false;
                }
                return Ok(was_blocked && taken);
            }
            match self.write_some(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    waiting.taken(count);
                    taken = true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(was_blocked && taken);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.blocked {
            return self
                .watch()?
                .try_io(Interest::WRITABLE, |fd| Ok(rustix::io::write(fd, bytes)?));
        }
        let wrote = rustix::io::write(&self.descriptor, bytes).map_err(io::Error::from);
        let cut = match &wrote {
            Ok(count) => *count < bytes.len(),
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        if cut {
            self.watch_for(Interest::READABLE | Interest::WRITABLE)?;
            self.blocked = true;
        }
        wrote
    }

    fn watch(&self) -> io::Result<&AsyncFd<Arc<OwnedFd>>> {
        self.watch.as_ref().ok_or_else(|| {
            io::Error::other("it is watched no more, since the system refused to watch it anew")
        })
    }

    /// Watches it anew, which loses nothing: what is ready at that time is told again.
    fn watch_for(&mut self, interest: Interest) -> io::Result<()> {
        // It ends before the next one begins: an epoll instance takes a descriptor once.
        self.watch = None;
        self.watch = Some(watch(Arc::clone(&self.descriptor), interest)?);
        Ok(())
    }
}

fn read_output(terminal: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    let read = match rustix::io::read(terminal, &mut *buffer) {
        Err(Errno::IO) => rustix::io::read(terminal, buffer),
        other => other,
    };
    Ok(read?)
}

#[allow(
    deprecated,
    reason = "its successor asks for a promise that the descriptor stays open, which an Arc<OwnedFd> cannot break"
)]
fn watch(descriptor: Arc<OwnedFd>, interest: Interest) -> io::Result<AsyncFd<Arc<OwnedFd>>> {
    AsyncFd::with_interest(descriptor, interest)
}

#[cfg(test)]
mod tests;
