//! The end of the parent process as the end of input: a client that was killed may have left its
//! end of the pipe to somebody else.

use std::io;
use std::os::unix::process::parent_id;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// An input that also ends when the parent process does.
///
/// The parent is the one at the time of the first message: a launcher that starts this and goes away
/// at once, leaving the pipe to its caller, is not the client.
pub(crate) struct Orphanable<R> {
    inner: R,
    orphaned: CancellationToken,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
    watching: bool,
}

impl<R> Orphanable<R> {
    pub(crate) fn new(inner: R) -> Self {
        let orphaned = CancellationToken::new();
        Self {
            inner,
            end: Box::pin(orphaned.clone().cancelled_owned()),
            orphaned,
            watching: false,
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Orphanable<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.end.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if buffer.filled().len() > before && !self.watching {
            self.watching = true;
            watch(self.orphaned.clone());
        }
        polled
    }
}

/// Cancels `orphaned` when the parent process ends. On a thread of its own: it waits for nothing else.
fn watch(orphaned: CancellationToken) {
    let parent = parent_id();
    let watching = move || match ended(parent) {
        Ok(()) => {
            tracing::info!(parent, "the parent process has ended");
            orphaned.cancel();
        }
        // Only the end of input is left then.
        Err(error) => tracing::debug!(parent, %error, "the parent process cannot be watched"),
    };
    let thread = std::thread::Builder::new().name("parent".to_owned());
    if let Err(error) = thread.spawn(watching) {
        tracing::debug!(parent, %error, "the parent process is not watched");
    }
}

fn ended(parent: u32) -> io::Result<()> {
    let pid = i32::try_from(parent).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("it is in another namespace"))?;
    let handle = pidfd_open(pid, PidfdFlags::empty())?;
    // Else it ended meanwhile, and its number may be somebody else's.
    while parent_id() == parent {
        // Readable when the process has ended. Source: pidfd_open(2).
        match poll(&mut [PollFd::new(&handle, PollFlags::IN)], None) {
            Ok(_) => break,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
