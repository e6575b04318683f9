//! A terminal of our own for the program that a person would run.

use std::fs::OpenOptions;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use protocol::Size;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Asked of one read.
const READ_BYTES: usize = 64 * 1024;

/// A program on a terminal of its own. Dropping it kills and reaps the program.
pub(crate) struct Pty {
    master: OwnedFd,
    child: Child,
}

impl Pty {
    /// Starts `program` as the leader of a session on a new terminal.
    pub(crate) fn start(program: &Command, size: Size) -> Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let winsize = Winsize {
            ws_row: size.rows,
            ws_col: size.cols,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, winsize)?;
        let name = ptsname(&master, Vec::new())?;
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlags::NOCTTY.bits() as i32)
            .open(std::ffi::OsStr::from_bytes(name.to_bytes()))?;
        // setsid executes the program in its own place.
        let mut command = Command::new("setsid");
        command
            .arg("--ctty")
            .arg(program.get_program())
            .args(program.get_args());
        for (key, value) in program.get_envs() {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        if let Some(dir) = program.get_current_dir() {
            command.current_dir(dir);
        }
        let child = command
            .stdin(Stdio::from(slave.try_clone()?))
            .stdout(Stdio::from(slave.try_clone()?))
            .stderr(Stdio::from(slave))
            .spawn()
            .context("cannot start setsid")?;
        Ok(Self { master, child })
    }

    /// The bytes that the program has written by now; nothing when it stays silent for `limit`.
    pub(crate) fn read<'b>(&self, buffer: &'b mut [u8], limit: Duration) -> Result<&'b [u8]> {
        let limit = Timespec::try_from(limit).context("a limit that fits")?;
        if poll(
            &mut [PollFd::new(&self.master, PollFlags::IN)],
            Some(&limit),
        )? == 0
        {
            return Ok(&[]);
        }
        let count = rustix::io::read(&self.master, &mut *buffer)?;
        Ok(&buffer[..count])
    }

    /// Types something.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        let count = rustix::io::write(&self.master, bytes)?;
        if count != bytes.len() {
            bail!("the terminal took {count} of {} bytes", bytes.len());
        }
        Ok(())
    }

    /// Waits until the program has written something and then stays silent.
    pub(crate) fn settle(&self, silence: Duration, limit: Duration) -> Result<()> {
        let begun = Instant::now();
        let mut buffer = vec![0; READ_BYTES];
        if self.read(&mut buffer, limit)?.is_empty() {
            bail!("the program on the terminal wrote nothing within {limit:?}");
        }
        while !self.read(&mut buffer, silence)?.is_empty() {
            if begun.elapsed() > limit {
                bail!("the program on the terminal was not silent within {limit:?}");
            }
        }
        Ok(())
    }

    /// Starts a thread that reads everything from now on.
    pub(crate) fn drained(self, answers: bool) -> Drain {
        let pty = Arc::new(self);
        let stop = Arc::new(AtomicBool::new(false));
        let bytes = Arc::new(AtomicU64::new(0));
        let thread = std::thread::spawn({
            let (pty, stop, bytes) = (Arc::clone(&pty), Arc::clone(&stop), Arc::clone(&bytes));
            move || drain(&pty, answers, &stop, &bytes)
        });
        Drain {
            stop,
            bytes,
            thread: Some(thread),
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A terminal that is read and not looked at.
pub(crate) struct Drain {
    stop: Arc<AtomicBool>,
    bytes: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Drain {
    /// So many bytes were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads until it is told to stop; with `answers`, a question for the cursor is answered as a terminal does.
fn drain(pty: &Pty, answers: bool, stop: &AtomicBool, bytes: &AtomicU64) {
    const QUESTION: &[u8] = b"\x1b[6n";
    let mut buffer = vec![0; READ_BYTES];
    let mut tail = Vec::with_capacity(16);
    let tick = Timespec {
        tv_sec: 0,
        tv_nsec: 50_000_000,
    };
    while !stop.load(Ordering::Relaxed) {
        let mut fds = [PollFd::new(&pty.master, PollFlags::IN)];
        match poll(&mut fds, Some(&tick)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => return,
        }
        let Ok(count) = rustix::io::read(&pty.master, &mut buffer) else {
            return;
        };
        bytes.fetch_add(count as u64, Ordering::Relaxed);
        if answers {
            // The question is the last thing written; its bytes may come in two pieces.
            tail.extend_from_slice(&buffer[count.saturating_sub(QUESTION.len())..count]);
            if tail.ends_with(QUESTION) {
                let _ = pty.write(b"\x1b[1;1R");
            }
            tail.drain(..tail.len().saturating_sub(QUESTION.len()));
        }
    }
}
