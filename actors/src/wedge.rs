//! Ends a daemon that is wedged: a plain thread outside the runtime looks at what runs, and starts the next daemon when that does not end.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use protocol::PaneUuid;
use protocol::transport::EXIT_WEDGED;
use tokio::io::AsyncReadExt;
use tokio_util::task::AbortOnDropHandle;

use uuid::Uuid;

use crate::server::Server;

pub(crate) mod detector;
pub(crate) mod held;
pub(crate) mod record;

use detector::{Detector, Sight, ThreadSight, Wedge};
use record::Records;

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// The time within which a wedge is described, noted and followed; then the process ends without.
const TELL_LIMIT: Duration = Duration::from_secs(3);

/// The time that the last lines of the log may take to reach the disk.
const LAST_LINES: Duration = Duration::from_millis(300);

/// The command that starts the next daemon; absent under systemd, whose unit does it.
#[derive(Clone, Debug)]
pub(crate) struct Successor {
    /// Its program.
    pub exe: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its umask: what this daemon was started with.
    pub umask: rustix::fs::Mode,
    /// It has been started.
    pub started: Arc<AtomicBool>,
}

/// The answering end of the nudge: a task of the runtime. Dropping it ends the task.
#[derive(Debug)]
pub(crate) struct Nudged {
    _task: AbortOnDropHandle<()>,
}

/// Begins to watch the runtime that this is called in, until the process ends. Nothing stops the thread: a daemon that does not come
/// to its end is a wedged one too.
///
/// # Errors
/// What the system says of descriptors and threads. The daemon is not watched then.
pub(crate) fn watch(server: &Arc<Server>, successor: Option<Successor>) -> io::Result<Nudged> {
    let (nudge, answering) = UnixStream::pair()?;
    nudge.set_nonblocking(true)?;
    answering.set_nonblocking(true)?;
    let answered = Arc::new(AtomicU64::new(0));
    let answering = tokio::net::UnixStream::from_std(answering)?;
    let task = tokio::spawn(answer(answering, Arc::clone(&answered)));
    let watcher = Watcher {
        server: Arc::downgrade(server),
        noted: server.paths.wedges(),
        successor,
        nudge,
        nudged: 0,
        answered,
        detector: Detector::default(),
    };
    std::thread::Builder::new()
        .name("wedge".to_owned())
        .spawn(move || watcher.run())?;
    Ok(Nudged {
        _task: AbortOnDropHandle::new(task),
    })
}

/// Counts the bytes that come: the runtime goes on.
async fn answer(mut stream: tokio::net::UnixStream, answered: Arc<AtomicU64>) {
    let mut bytes = [0; 64];
    while let Ok(count @ 1..) = stream.read(&mut bytes).await {
        answered.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// The state of the thread.
struct Watcher {
    /// The thread outlives what the daemon frees when it ends.
    server: Weak<Server>,
    /// Where wedges are noted.
    noted: PathBuf,
    successor: Option<Successor>,
    nudge: UnixStream,
    nudged: u64,
    answered: Arc<AtomicU64>,
    detector: Detector,
}

impl Watcher {
    fn run(mut self) {
        loop {
            std::thread::sleep(LOOK);
            let sight = self.sight();
            if let Some(wedge) = self.detector.look(&sight) {
                self.end(&wedge, &sight);
            }
        }
    }

    fn sight(&mut self) -> Sight {
        let answered = self.answered.load(Ordering::Relaxed);
        // One at a time: what is not answered is not asked for again.
        if answered >= self.nudged && matches!(self.nudge.write(&[0]), Ok(1)) {
            self.nudged += 1;
        }
        let threads = supervisor::turns().into_iter();
        Sight {
            at: monotonic(),
            asked: self.nudged,
            answered,
            threads: threads.map(ThreadSight::of).collect(),
        }
    }

    /// Says what each thread was doing, notes it for the next daemon, starts that one and ends this process.
    fn end(&self, wedge: &Wedge, sight: &Sight) -> ! {
        self.end_anyway();
        let doing: Vec<_> = sight.threads.iter().map(|t| self.describe(t)).collect();
        let pane = self.pane(wedge.subject());
        tracing::error!(
            pane_id = pane.map(tracing::field::display),
            threads = doing.join("; "),
            status = EXIT_WEDGED,
            "the daemon is wedged: {wedge}; it ends, and its programs live on for the next one"
        );
        let records = Records::load(&self.noted).add(pane, &wedge.to_string());
        if let Err(error) = records.save(&self.noted) {
            tracing::error!(%error, "the wedge is not noted for the next daemon");
        }
        match self.successor.as_ref().map(Successor::start_once) {
            Some(Ok(pid)) => tracing::info!(pid, "the next daemon is started"),
            Some(Err(error)) => tracing::error!(%error, "the next daemon is not started"),
            None => {}
        }
        std::thread::sleep(LAST_LINES);
        std::process::exit(EXIT_WEDGED.into());
    }

    /// Ends this process after a while, whatever else comes about: what is wedged may hold a lock that is needed to say what it
    /// was. Nothing here takes one, nor logs.
    fn end_anyway(&self) {
        let successor = self.successor.clone();
        let ending = std::thread::Builder::new().name("wedge-end".to_owned());
        let ending = ending.spawn(move || {
            std::thread::sleep(TELL_LIMIT);
            let _ = successor.as_ref().map(Successor::start_once);
            std::process::exit(EXIT_WEDGED.into());
        });
        if let Err(error) = ending {
            tracing::error!(%error, "the end of a wedged daemon has no time limit");
        }
    }

    /// The pane whose task a turn was for.
    fn pane(&self, subject: Option<u128>) -> Option<PaneUuid> {
        let id = PaneUuid::from(Uuid::from_u128(subject?));
        self.server.upgrade()?.registry.pane(id).map(|_| id)
    }

    fn describe(&self, thread: &ThreadSight) -> String {
        let Some(subject) = thread.turn.subject else {
            return format!(
                "thread {} idle or in a task without a name",
                thread.turn.thread
            );
        };
        let doing = match self.pane(Some(subject)) {
            Some(id) => format!("pane {id}"),
            None => self
                .server
                .upgrade()
                .and_then(|server| server.tree.running_as(subject))
                .unwrap_or_else(|| "an actor that has ended".to_owned()),
        };
        format!("thread {} serves {doing}", thread.turn.thread)
    }
}

impl Successor {
    /// Starts it, unless that has been done.
    fn start_once(&self) -> io::Result<u32> {
        match self.started.swap(true, Ordering::AcqRel) {
            true => Err(io::ErrorKind::AlreadyExists.into()),
            false => self.start(),
        }
    }

    /// Starts it. It waits for this daemon's locks.
    fn start(&self) -> io::Result<u32> {
        // This process writes nothing any more.
        let _ = rustix::process::umask(self.umask);
        let child = Command::new(&self.exe)
            .args(&self.arguments)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(child.id())
    }
}

/// Time that nobody sets, and that stands still while the machine is suspended.
fn monotonic() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(now).unwrap_or_default()
}
