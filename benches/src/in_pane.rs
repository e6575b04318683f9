//! The programs that run in the pane that is measured.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// The time that a terminal may take to answer once all output is written.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// A program for the pane.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where it reports.
    desk: PathBuf,
    #[command(subcommand)]
    work: Work,
}

#[derive(Subcommand)]
enum Work {
    /// Has `cat` write a file each time it is told to.
    Feed {
        /// The file.
        file: PathBuf,
        /// Ask the terminal where its cursor is before saying done: the answer comes when all is parsed.
        #[arg(long)]
        query: bool,
    },
    /// Writes each key back, at the beginning of the line.
    Echo,
}

impl Arguments {
    /// Runs it to the end of the connection or of the terminal.
    pub(crate) fn run(&self) -> Result<()> {
        raw_mode()?;
        let mut desk = UnixStream::connect(&self.desk)?;
        desk.write_all(b"ready\n")?;
        match &self.work {
            Work::Feed { file, query } => feed(desk, file, *query),
            Work::Echo => echo(),
        }
    }
}

/// Keys arrive as they are typed; output is processed as usual, as under `cat`.
fn raw_mode() -> Result<()> {
    let stdin = std::io::stdin();
    let mut termios = tcgetattr(&stdin).context("a program for a pane needs a terminal")?;
    let output_modes = termios.output_modes;
    termios.make_raw();
    termios.output_modes = output_modes;
    tcsetattr(&stdin, OptionalActions::Now, &termios)?;
    Ok(())
}

fn feed(mut desk: UnixStream, file: &PathBuf, query: bool) -> Result<()> {
    let mut orders = BufReader::new(desk.try_clone()?);
    let mut order = String::new();
    while orders.read_line(&mut order)? > 0 {
        order.clear();
        if !Command::new("cat").arg(file).status()?.success() {
            bail!("cat failed");
        }
        if query {
            ask_for_cursor()?;
        }
        desk.write_all(b"done\n")?;
    }
    Ok(())
}

/// Source: ECMA-48 8.3.35, DSR; the answer is CPR and ends with R.
fn ask_for_cursor() -> Result<()> {
    let mut stdout = std::io::stdout();
    stdout.write_all(b"\x1b[6n")?;
    stdout.flush()?;
    let stdin = std::io::stdin();
    let asked = Instant::now();
    let mut answer = [0; 64];
    loop {
        let left = ANSWER_LIMIT.saturating_sub(asked.elapsed());
        let left = Timespec::try_from(left).context("a limit that fits")?;
        if poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&left))? == 0 {
            bail!("the terminal did not answer");
        }
        let count = rustix::io::read(&stdin, &mut answer)?;
        if count == 0 || answer[..count].contains(&b'R') {
            return Ok(());
        }
    }
}

fn echo() -> Result<()> {
    let mut stdin = std::io::stdin().lock();
    let stdout = std::io::stdout();
    let mut key = [b'\r', 0];
    while stdin.read(&mut key[1..])? > 0 {
        rustix::io::write(&stdout, &key)?;
    }
    Ok(())
}
