//! The status pipe of a pipeline: looked into first, emptied when what it said is recorded.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, tee};
use tokio::net::unix::pipe;

/// The pause before the next try when something has run out: descriptors, memory, watches.
const SHORT_PAUSE: Duration = Duration::from_millis(100);

/// Bytes of one look.
const PEEK_BYTES: usize = 4096;

/// The read end. What it holds stays in it, for the next daemon, until it is dropped from it.
pub(super) struct StatusPipe {
    pipe: OwnedFd,
    /// Absent until the runtime watches it.
    watched: Option<pipe::Receiver>,
}

impl StatusPipe {
    pub(super) fn new(pipe: OwnedFd) -> Self {
        if let Ok(flags) = rustix::fs::fcntl_getfl(&pipe) {
            // An older keeper's is blocking. Nobody else reads it.
            let _ = rustix::fs::fcntl_setfl(&pipe, flags | OFlags::NONBLOCK);
        }
        Self {
            pipe,
            watched: None,
        }
    }

    /// The content of the pipe, without taking it out, once there is something. Empty when nobody can write to it any
    /// more. What cannot be had now, because something has run out, is tried again. Can be cancelled.
    pub(super) async fn peek(&mut self) -> Vec<u8> {
        loop {
            match self.try_peek().await {
                Ok(bytes) => return bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    tracing::warn!(%error, "a pipeline's reports cannot be read now; trying again");
                    tokio::time::sleep(SHORT_PAUSE).await;
                }
            }
        }
    }

    async fn try_peek(&mut self) -> io::Result<Vec<u8>> {
        let pipe = self.watched()?;
        pipe.readable().await?;
        pipe.try_io(|| look(pipe))
    }

    fn watched(&mut self) -> io::Result<&pipe::Receiver> {
        let watched = match self.watched.take() {
            Some(watched) => watched,
            None => pipe::Receiver::from_owned_fd(self.pipe.try_clone()?)?,
        };
        Ok(self.watched.insert(watched))
    }

    /// Takes the first bytes out.
    pub(super) fn drop_first(&self, bytes: usize) {
        let mut left = bytes;
        while left > 0
            && let Some(read) = self.read_some(left)
        {
            left -= read.len();
        }
    }

    /// Takes some of what is in it out. Asks the system itself: the runtime may not know yet that there is something.
    pub(super) fn read(&self) -> Option<Vec<u8>> {
        self.read_some(PEEK_BYTES)
    }

    fn read_some(&self, most: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; most];
        let count = rustix::io::read(&self.pipe, &mut bytes).ok()?;
        bytes.truncate(count);
        (count > 0).then_some(bytes)
    }
}

/// # Errors
/// `WouldBlock` when there is nothing, or the system's own: it needs a pipe of its own.
fn look(pipe: &pipe::Receiver) -> io::Result<Vec<u8>> {
    let (from, to) = pipe_with(PipeFlags::CLOEXEC)?;
    let count = tee(pipe, &to, PEEK_BYTES, SpliceFlags::NONBLOCK)?;
    let mut bytes = vec![0; count];
    if count > 0 {
        let read = rustix::io::read(&from, &mut bytes)?;
        bytes.truncate(read);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
