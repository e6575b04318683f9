//! Completions: what may stand at the cursor of a command line, from the clap definition, the configuration and the servers that run.
//!
//! A shell asks by calling `fugue` itself with [`VAR`] set. Nothing here starts a server, says what failed, or takes long.

mod live;
mod names;
mod shells;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use clap::{Arg, Command};
use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};
use clap_complete::env::CompleteEnv;

pub(super) use shells::script;

/// The variable that says which shell asks.
const VAR: &str = "FUGUE_COMPLETE";

/// Answers the shell that asks what may stand at its cursor; false if none does.
pub(super) fn answered() -> bool {
    if std::env::var_os(VAR).is_none() {
        return false;
    }
    let line = Line::of(std::env::args_os());
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(|| line.command())
        .var(VAR)
        .bin("fugue")
        .completer("fugue")
        .shells(shells::ALL)
        .try_complete(std::env::args_os(), here.as_deref())
        // A message would stand in the middle of a line that somebody types.
        .unwrap_or(true)
}

/// The kinds of things that an argument can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Session,
    Window,
    /// A session or a window.
    Place,
    /// A pane, or the session or window whose focused one it is.
    Pane,
    Server,
    Orchestration,
}

impl Kind {
    /// The things that the argument `id` of `command` names.
    fn of(command: &str, id: &str) -> Option<Self> {
        match (command, id) {
            ("session", "target") | (_, "session" | "sessions") => Some(Self::Session),
            ("window", "target") | (_, "window" | "windows") => Some(Self::Window),
            ("pane", "target") | (_, "pane" | "panes") => Some(Self::Pane),
            (_, "target" | "to") | ("create", "words") => Some(Self::Place),
            (_, "server") | ("remove" | "rename" | "test", "name") => Some(Self::Server),
            (_, "orchestration") => Some(Self::Orchestration),
            _ => None,
        }
    }
}

/// The words up to the cursor, as far as they count for what may stand there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Line {
    /// The server that `-s` names.
    server: Option<String>,
    /// The words between `--` and the cursor.
    program: Option<usize>,
    /// The word at the cursor begins an option.
    option: bool,
}

impl Line {
    /// The line among the words of this call, in which it follows the first `--`.
    fn of(call: impl Iterator<Item = OsString>) -> Self {
        let words: Vec<_> = call.skip_while(|word| word != "--").skip(1).collect();
        let Some((current, before)) = words.split_last() else {
            return Self::default();
        };
        let escape = before.iter().position(|word| word == "--");
        let ours = &before[..escape.unwrap_or(before.len())];
        Self {
            server: server_in(ours),
            program: escape.map(|at| before.len() - at - 1),
            option: current.as_bytes().starts_with(b"-"),
        }
    }

    /// The clap definition with all that can be found out about values.
    fn command(&self) -> Command {
        let mut command = super::command();
        // The words of commands are defined when they are needed, and here all of them are.
        command.build();
        self.dressed(command)
    }

    fn dressed(&self, command: Command) -> Command {
        // Of a command's names the engine offers the first in the alphabet: it shall be the one that help has.
        let aliases: Vec<String> = command.get_visible_aliases().map(str::to_owned).collect();
        // As long as the process, which ends with this answer: clap keeps no others.
        let aliases: Vec<&'static str> = aliases.into_iter().map(|alias| &*alias.leak()).collect();
        let command = command.visible_alias(None).aliases(aliases);
        let name = command.get_name().to_owned();
        let runs_program = command.get_positionals().any(Arg::is_last_set);
        command
            .mut_args(|arg| match self.program {
                Some(index) if runs_program && arg.is_positional() => {
                    arg.add(ArgValueCompleter::new(Program { index }))
                }
                Some(_) | None => self.dressed_arg(&name, arg),
            })
            .mut_subcommands(|below| self.dressed(below))
    }

    fn dressed_arg(&self, command: &str, arg: Arg) -> Arg {
        // Options are offered to whoever begins one, and where nothing else fits.
        let arg = match arg.is_positional() || self.option {
            true => arg,
            false => arg.hide(true),
        };
        let Some(kind) = Kind::of(command, arg.get_id().as_str()) else {
            return arg;
        };
        let server = self.server.clone();
        arg.add(ArgValueCompleter::new(move |current: &OsStr| {
            let text = current.to_str();
            text.map_or_else(Vec::new, |text| {
                live::candidates(kind, server.clone(), text)
            })
        }))
    }
}

/// The value of `-s` among words.
fn server_in(words: &[OsString]) -> Option<String> {
    let mut words = words.iter().filter_map(|word| word.to_str());
    let mut server = None;
    while let Some(word) = words.next() {
        if let "-s" | "--server" = word {
            server = words.next();
        } else if let Some(given) = word.strip_prefix("--server=") {
            server = Some(given);
        }
    }
    server.map(str::to_owned)
}

/// Completes a program and its words, which clap's engine leaves alone.
struct Program {
    /// Words of it before the cursor.
    index: usize,
}

impl ValueCompleter for Program {
    fn complete(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        if self.index > 0 || current.is_empty() || current.as_bytes().contains(&b'/') {
            return PathCompleter::any().complete(current);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found: BTreeSet<OsString> = std::env::split_paths(&path)
            .filter_map(|dir| std::fs::read_dir(dir).ok())
            .flat_map(|entries| entries.flatten())
            .filter(|entry| entry.file_name().as_bytes().starts_with(current.as_bytes()))
            .filter(|entry| {
                // Of what a link leads to.
                let found = std::fs::metadata(entry.path());
                found.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
            })
            .map(|entry| entry.file_name())
            .collect();
        found.into_iter().map(CompletionCandidate::new).collect()
    }
}

#[cfg(test)]
mod tests;
