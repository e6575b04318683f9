//! dtach: a process for each terminal, no screen model.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};
use protocol::Size;

use super::{Peer, START_LIMIT};
use crate::proc;
use crate::pty::Pty;
use crate::stage::{Stage, succeed, until};

/// One terminal.
pub(super) struct Dtach<'s> {
    stage: &'s Stage,
    socket: PathBuf,
}

impl<'s> Dtach<'s> {
    /// Nothing yet.
    pub(super) fn new(stage: &'s Stage) -> Result<Self> {
        let socket = stage.fresh()?.join("d");
        Ok(Self { stage, socket })
    }
}

/// The command that starts a program under dtach and returns when it runs.
pub(crate) fn detached(stage: &Stage, socket: &std::path::Path, argv: &[String]) -> Command {
    let mut command = stage.command("dtach");
    command.arg("-n").arg(socket).args(["-E", "-z"]).args(argv);
    command
}

impl Peer for Dtach<'_> {
    fn run(&mut self, argv: &[String], _size: Size) -> Result<()> {
        succeed(detached(self.stage, &self.socket, argv))?;
        until("dtach's socket", START_LIMIT, || {
            self.socket.exists().then_some(())
        })
    }

    fn flood(&mut self) -> Result<()> {
        bail!("dtach has one terminal per process")
    }

    fn attach(&mut self, size: Size) -> Result<Pty> {
        let mut command = self.stage.command("dtach");
        command
            .arg("-a")
            .arg(&self.socket)
            .args(["-E", "-z", "-r", "winch"]);
        Pty::start(&command, size)
    }

    fn server(&self) -> Result<Vec<u32>> {
        Ok(proc::named(&self.stage.processes(), "dtach"))
    }
}
