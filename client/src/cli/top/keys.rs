//! The key that ends what is shown again and again.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

/// Longest piece that is read at a time.
const READ_BYTES: usize = 64;

/// The keys of the caller's terminal, read one by one and not shown. Dropping it gives the terminal back as it was.
pub(crate) struct Keys(Option<Taken>);

struct Taken {
    tty: Arc<OwnedFd>,
    before: Termios,
    quits: Option<oneshot::Receiver<()>>,
}

impl Keys {
    /// Takes them, where standard input is a terminal.
    pub(crate) fn take() -> Self {
        Self(isatty(io::stdin()).then(Taken::open).and_then(Result::ok))
    }

    /// Takes them again: a shell to which the terminal went back has them line by line.
    pub(crate) fn again(&self) {
        if let Some(taken) = &self.0 {
            let _ = taken.set();
        }
    }

    /// Waits for `q`, or for the end of the terminal; for ever where there is none. Cancel safe.
    pub(crate) async fn quit(&mut self) {
        if let Some(Taken { quits, .. }) = &mut self.0
            && let Some(told) = quits
        {
            if told.await.is_ok() {
                return;
            }
            // The terminal cannot be read.
            *quits = None;
        }
        std::future::pending().await
    }
}

impl Taken {
    fn open() -> io::Result<Self> {
        let tty = Arc::new(rustix::io::fcntl_dupfd_cloexec(io::stdin(), 0)?);
        let before = tcgetattr(&tty)?;
        let (sender, quits) = oneshot::channel();
        let quits = Some(quits);
        let taken = Self { tty, before, quits };
        taken.set()?;
        let tty = Arc::clone(&taken.tty);
        // A read of a terminal cannot be waited for otherwise without changing it for the shell, too. It ends with this process.
        std::thread::Builder::new().spawn(move || {
            if quits_by_hand(&tty) {
                let _ = sender.send(());
            }
        })?;
        Ok(taken)
    }

    fn set(&self) -> io::Result<()> {
        let mut wanted = self.before.clone();
        wanted
            .local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO);
        Ok(tcsetattr(&self.tty, OptionalActions::Now, &wanted)?)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.tty, OptionalActions::Now, &self.before);
    }
}

/// Reads until `q` is typed or the terminal is gone; false where it cannot be read.
fn quits_by_hand(tty: &OwnedFd) -> bool {
    let mut bytes = [0; READ_BYTES];
    loop {
        match rustix::io::read(tty, &mut bytes) {
            Ok(0) => return true,
            Ok(length) if is_quit(&bytes[..length]) => return true,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// True if `q` was typed; in the sequence of another key it means nothing.
fn is_quit(bytes: &[u8]) -> bool {
    !bytes.starts_with(b"\x1b") && bytes.iter().any(|byte| b"qQ".contains(byte))
}
