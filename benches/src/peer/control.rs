//! tmux's control mode: commands and their output over one open connection.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

/// An open connection. Dropping it ends its process, not the server.
pub(crate) struct Control {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    line: String,
}

impl Control {
    /// Starts one and waits until it answers.
    pub(super) fn start(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take().context("a pipe")?;
        let output = BufReader::new(child.stdout.take().context("a pipe")?);
        let mut control = Self {
            child,
            input,
            output,
            line: String::new(),
        };
        // The answer to its own attach comes first.
        control.answer()?;
        control.command("display-message -p ready")?;
        Ok(control)
    }

    /// Carries out one command; gives how many lines it printed.
    pub(crate) fn command(&mut self, command: &str) -> Result<usize> {
        self.input.write_all(format!("{command}\n").as_bytes())?;
        self.answer()
    }

    fn next(&mut self) -> Result<&str> {
        self.line.clear();
        if self.output.read_line(&mut self.line)? == 0 {
            bail!("tmux closed its control connection");
        }
        Ok(&self.line)
    }

    fn answer(&mut self) -> Result<usize> {
        while !self.next()?.starts_with("%begin ") {}
        let mut lines = 0;
        loop {
            let line = self.next()?;
            if line.starts_with("%end ") {
                return Ok(lines);
            }
            if line.starts_with("%error ") {
                bail!("tmux refused a command");
            }
            lines += 1;
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
