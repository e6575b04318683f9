//! A terminal whose other end is the measuring program itself: what the kernel alone takes.

use std::process::Command;

use anyhow::{Context, Result};
use protocol::Size;

use super::Peer;
use crate::pty::{Drain, Pty};
use crate::stage::Stage;

/// A program that is started by its viewer.
pub(super) struct Bare<'s> {
    stage: &'s Stage,
    command: Option<Command>,
    flood: Option<Drain>,
}

impl<'s> Bare<'s> {
    /// Nothing yet.
    pub(super) fn new(stage: &'s Stage) -> Self {
        Self {
            stage,
            command: None,
            flood: None,
        }
    }
}

impl Peer for Bare<'_> {
    fn run(&mut self, argv: &[String], _size: Size) -> Result<()> {
        let (program, arguments) = argv.split_first().context("a program")?;
        let mut command = self.stage.command(program);
        command.args(arguments);
        self.command = Some(command);
        Ok(())
    }

    fn flood(&mut self) -> Result<()> {
        let yes = Pty::start(&self.stage.command("yes"), Size::DEFAULT)?;
        self.flood = Some(yes.drained(false));
        Ok(())
    }

    fn attach(&mut self, size: Size) -> Result<Pty> {
        Pty::start(self.command.as_ref().context("a program")?, size)
    }

    fn server(&self) -> Result<Vec<u32>> {
        Ok(Vec::new())
    }
}
