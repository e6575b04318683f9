//! The line between the measuring program and its programs in panes.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The time that a program in a pane may take to start.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The time that one piece of its work may take.
const WORK_LIMIT: Duration = Duration::from_secs(300);

/// The socket to which programs in panes report.
pub(crate) struct Desk {
    listener: UnixListener,
    path: PathBuf,
}

impl Desk {
    /// Opens one in `dir`.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("desk");
        let listener = UnixListener::bind(&path)?;
        Ok(Self { listener, path })
    }

    /// The arguments that start `fugue-bench` as a program in a pane.
    pub(crate) fn program(&self, words: &[&str]) -> Result<Vec<String>> {
        let exe = crate::stage::own_exe()?.display().to_string();
        let path = self.path.display().to_string();
        let mut argv = vec![exe, "in-pane".to_owned(), path];
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        Ok(argv)
    }

    /// The next program that has reported that it is ready.
    pub(crate) fn ready(&self) -> Result<Remote> {
        let limit = Timespec::try_from(START_LIMIT).context("a limit that fits")?;
        let mut fds = [PollFd::new(&self.listener, PollFlags::IN)];
        if poll(&mut fds, Some(&limit))? == 0 {
            bail!("the program in the pane did not start within {START_LIMIT:?}");
        }
        let (stream, _) = self.listener.accept()?;
        stream.set_read_timeout(Some(WORK_LIMIT))?;
        let mut remote = Remote(BufReader::new(stream));
        remote.wait("ready")?;
        Ok(remote)
    }
}

/// A program in a pane. It ends when this is dropped.
pub(crate) struct Remote(BufReader<UnixStream>);

impl Remote {
    /// Waits for a word.
    pub(crate) fn wait(&mut self, word: &str) -> Result<()> {
        let mut line = String::new();
        self.0
            .read_line(&mut line)
            .with_context(|| format!("the program in the pane did not say {word}"))?;
        if line.trim() != word {
            bail!("the program in the pane said {line:?} instead of {word}");
        }
        Ok(())
    }

    /// Says go.
    pub(crate) fn go(&mut self) -> Result<()> {
        self.0.get_mut().write_all(b"go\n")?;
        Ok(())
    }

    /// Says go and waits until it is done.
    pub(crate) fn work(&mut self) -> Result<()> {
        self.go()?;
        self.wait("done")
    }
}
