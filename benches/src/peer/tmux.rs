//! tmux, without its status line, so that its panes are as high as everybody's.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use protocol::Size;

use super::{Control, Peer};
use crate::pty::Pty;
use crate::stage::{Stage, succeed};

const CONFIG: &str = "\
set -g status off
set -g default-size 80x24
";

/// A server.
pub(crate) struct Tmux<'s> {
    stage: &'s Stage,
    dir: PathBuf,
}

impl<'s> Tmux<'s> {
    /// Its configuration; the server starts with its first session.
    pub(crate) fn start(stage: &'s Stage) -> Result<Self> {
        let dir = stage.fresh()?;
        std::fs::write(dir.join("conf"), CONFIG)?;
        Ok(Self { stage, dir })
    }

    /// A command for this server.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.stage.command("tmux");
        command
            .arg("-S")
            .arg(self.dir.join("t"))
            .arg("-f")
            .arg(self.dir.join("conf"));
        command
    }

    /// Makes a session of its own for a program.
    pub(crate) fn session(&self, name: &str, argv: &[String], size: Size) -> Result<()> {
        let mut command = self.command();
        command
            .args(["new-session", "-d", "-s", name])
            .args(["-x", &size.cols.to_string(), "-y", &size.rows.to_string()])
            .args(argv);
        succeed(command)?;
        Ok(())
    }

    /// An open connection for commands.
    pub(crate) fn control(&self) -> Result<Control> {
        let mut command = self.command();
        command.args(["-C", "attach", "-t", "s"]);
        Control::start(command)
    }
}

impl Peer for Tmux<'_> {
    fn run(&mut self, argv: &[String], size: Size) -> Result<()> {
        self.session("s", argv, size)
    }

    fn flood(&mut self) -> Result<()> {
        let mut command = self.command();
        command.args(["new-window", "-d", "-t", "s", "yes"]);
        succeed(command)?;
        Ok(())
    }

    fn attach(&mut self, size: Size) -> Result<Pty> {
        let mut command = self.command();
        command.args(["attach", "-t", "s"]);
        Pty::start(&command, size)
    }

    fn server(&self) -> Result<Vec<u32>> {
        let mut command = self.command();
        command.args(["display", "-p", "-t", "s", "#{pid}"]);
        let pid = succeed(command)?.parse().context("tmux's own pid")?;
        Ok(vec![pid])
    }
}
