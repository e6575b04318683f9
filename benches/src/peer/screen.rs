//! GNU screen with as much scrollback as ours.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use protocol::Size;
use rustix::fs::Mode;

use super::{Peer, START_LIMIT};
use crate::proc;
use crate::pty::Pty;
use crate::stage::{Stage, succeed, until};

const CONFIG: &str = "\
startup_message off
defscrollback 2000
vbell off
";

/// One session.
pub(super) struct Screen<'s> {
    stage: &'s Stage,
    dir: PathBuf,
}

impl<'s> Screen<'s> {
    /// Nothing yet.
    pub(super) fn new(stage: &'s Stage) -> Result<Self> {
        let dir = stage.fresh()?;
        rustix::fs::chmod(&dir, Mode::RWXU)?;
        // Not beside the sockets, which are all that it wants to see there.
        std::fs::write(stage.dir().join("screenrc"), CONFIG)?;
        Ok(Self { stage, dir })
    }

    fn command(&self) -> Command {
        let mut command = self.stage.command("screen");
        command
            .env("SCREENDIR", &self.dir)
            .arg("-c")
            .arg(self.stage.dir().join("screenrc"));
        command
    }
}

impl Peer for Screen<'_> {
    fn run(&mut self, argv: &[String], _size: Size) -> Result<()> {
        let mut command = self.command();
        command.args(["-dmS", "s"]).args(argv);
        succeed(command)?;
        until("screen's socket", START_LIMIT, || {
            std::fs::read_dir(&self.dir).ok()?.next().map(drop)
        })
    }

    fn flood(&mut self) -> Result<()> {
        let mut command = self.command();
        command.args(["-S", "s", "-X", "screen", "yes"]);
        succeed(command)?;
        let mut command = self.command();
        command.args(["-S", "s", "-X", "select", "0"]);
        succeed(command)?;
        Ok(())
    }

    fn attach(&mut self, size: Size) -> Result<Pty> {
        let mut command = self.command();
        command.args(["-r", "s"]);
        Pty::start(&command, size)
    }

    fn server(&self) -> Result<Vec<u32>> {
        // The client has the same program but, as it is no server, no terminal to keep.
        let dir = std::fs::read_dir(&self.dir)?;
        let pids = dir.flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.split('.').next()?.parse().ok()
        });
        let pids: Vec<u32> = pids.collect();
        Ok(proc::named(&pids, "screen"))
    }
}
