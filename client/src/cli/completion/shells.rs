//! The shells' side of completions: clap's own, except where it splits targets or comes too late.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;
use clap_complete::env::{self, EnvCompleter, Shells};

use super::VAR;

/// All shells that are served.
pub(super) const ALL: Shells<'static> =
    Shells(&[&Bash, &env::Elvish, &env::Fish, &env::Powershell, &Zsh]);

/// The script that a shell reads so that it completes.
pub(in crate::cli) fn script(shell: Shell) -> io::Result<String> {
    let mut script = Vec::new();
    if let Some(completer) = ALL.completer(&shell.to_string()) {
        completer.write_registration(VAR, "fugue", "fugue", "fugue", &mut script)?;
    }
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// bash, which splits words at the `:` of `server:target`; clap's script takes the pieces for words.
struct Bash;

/// zsh. clap's script completes nothing at the first time when zsh loads it by itself, and puts a space after `server:`.
struct Zsh;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        env::Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        env::Bash.is(name)
    }

    fn write_registration(
        &self,
        _var: &str,
        _name: &str,
        _bin: &str,
        _completer: &str,
        script: &mut dyn io::Write,
    ) -> io::Result<()> {
        script.write_all(include_bytes!("shells/fugue.bash"))
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        here: Option<&Path>,
        answer: &mut dyn io::Write,
    ) -> io::Result<()> {
        env::Bash.write_complete(command, words, here, answer)
    }
}

impl EnvCompleter for Zsh {
    fn name(&self) -> &'static str {
        env::Zsh.name()
    }

    fn is(&self, name: &str) -> bool {
        env::Zsh.is(name)
    }

    fn write_registration(
        &self,
        _var: &str,
        _name: &str,
        _bin: &str,
        _completer: &str,
        script: &mut dyn io::Write,
    ) -> io::Result<()> {
        script.write_all(include_bytes!("shells/_fugue"))
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        here: Option<&Path>,
        answer: &mut dyn io::Write,
    ) -> io::Result<()> {
        env::Zsh.write_complete(command, words, here, answer)
    }
}
