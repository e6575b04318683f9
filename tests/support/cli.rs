//! The `fugue` program as a user calls it.

use std::process::{Command, Output};

use super::daemon::{Daemon, fugue_exe};

/// What a call of the program gave.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Daemon {
    /// Runs `fugue` with these arguments against this daemon, without a terminal.
    pub fn fugue(&self, args: &[&str]) -> Ran {
        let mut command = self.command(fugue_exe());
        Ran::of(command.args(args).stdin(std::process::Stdio::null()))
    }
}

impl Ran {
    /// What this command gives.
    pub fn of(command: &mut Command) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        Self {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&stdout).into_owned(),
            err: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }
}
