//! The program that a new pane executes, and the environment and directory it gets from the caller.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use protocol::os_text;
use protocol::paths;
use protocol::request::{PaneSettings, PaneSpec, Program, RestartType, StopRecipe};

use super::args;

/// The options of every command that makes a pane.
#[derive(Debug, Default, Args)]
pub(crate) struct PaneOptions {
    /// Working directory [default: the current one]
    #[arg(short = 'c', long = "cwd", value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// A variable for the program; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = args::variable())]
    env: Vec<(String, String)>,
    /// Keep the ended pane with its status and output
    #[arg(long)]
    remain: bool,
    /// What happens when the program ends: permanent, transient (again unless it exits with 0),
    /// temporary; at most 5 restarts within 60s, then the pane is closed, or kept with --remain
    #[arg(long, value_name = "TYPE", value_parser = restart_type, default_value = "temporary")]
    restart: RestartType,
    /// Memory that all its processes may use together, such as 512M; needs a server with control groups
    #[arg(long, value_name = "SIZE", value_parser = args::bytes)]
    memory_max: Option<u64>,
    /// Keep the program from setting the title
    #[arg(long)]
    title_locked: bool,
    /// Make the shell a login shell: it reads the profile, which may set PATH anew
    #[arg(long, conflicts_with = "command")]
    login: bool,
    /// A key that asks the program to end, such as C-c, before signals do; may be given several times
    #[arg(long, value_name = "KEY")]
    stop_keys: Vec<String>,
    /// How long a stop waits after the keys and after each of two rounds of signals
    /// [default: the server's, 0s,2s,2s]
    #[arg(long, value_name = "KEYS,TERM,HUP", value_parser = args::stop_times)]
    stop_times: Option<[u64; 3]>,
    /// The program: several words are executed as they are, one word with spaces or shell
    /// characters is a command line for `bash -c`, where there is no bash for `sh -c` [default: your shell]
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl PaneOptions {
    /// The pane as the wire has it.
    pub(crate) fn spec(self) -> anyhow::Result<PaneSpec> {
        Ok(PaneSpec {
            program: program(self.command.iter().map(os_text::encoded).collect()),
            cwd: Some(directory(self.cwd.as_deref())?),
            env: args::map(self.env),
            settings: PaneSettings {
                restart: self.restart,
                remain_on_exit: self.remain,
                memory_max: self.memory_max,
                title_locked: self.title_locked,
            },
            login: self.login,
            stop: recipe(self.stop_keys, self.stop_times),
            ..PaneSpec::default()
        })
    }
}

fn recipe(keys: Vec<String>, times_ms: Option<[u64; 3]>) -> StopRecipe {
    StopRecipe {
        keys: (!keys.is_empty()).then_some(keys),
        keys_ms: times_ms.map(|[ms, _, _]| ms),
        term_ms: times_ms.map(|[_, ms, _]| ms),
        hup_ms: times_ms.map(|[_, _, ms]| ms),
    }
}

fn restart_type(text: &str) -> Result<RestartType, String> {
    text.parse()
        .map_err(|_| "it is one of permanent, transient, temporary".to_owned())
}

/// The program that the words after `--` mean.
fn program(words: Vec<String>) -> Program {
    match words.as_slice() {
        [] => Program::LoginShell,
        [line] if needs_shell(&os_text::shown(line)) => Program::ShellLine {
            line: line.clone(),
            shell: None,
        },
        _ => Program::Argv(words),
    }
}

fn needs_shell(word: &str) -> bool {
    const SHELL_CHARACTERS: &str = "|&;<>()$`\\\"'*?[]#~={}!";
    word.chars()
        .any(|c| c.is_whitespace() || SHELL_CHARACTERS.contains(c))
}

/// `dir`, or the current directory, as an absolute path.
pub(crate) fn directory(dir: Option<&Path>) -> anyhow::Result<String> {
    let here = || paths::current_dir().context("the current directory is not known");
    let path = match dir {
        Some(dir) if dir.is_absolute() || dir.as_os_str().is_empty() => std::path::absolute(dir),
        Some(dir) => std::path::absolute(here()?.join(dir)),
        None => return Ok(os_text::encoded(here()?)),
    };
    let not_one = || {
        format!(
            "{} is not a directory",
            dir.unwrap_or(Path::new("")).display()
        )
    };
    Ok(os_text::encoded(path.with_context(not_one)?))
}

#[cfg(test)]
mod tests;
