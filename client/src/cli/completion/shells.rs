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
    Shells(&[&BASH, &env::Elvish, &env::Fish, &env::Powershell, &ZSH]);

/// The script that a shell reads so that it completes.
pub(in crate::cli) fn script(shell: Shell) -> io::Result<String> {
    let mut script = Vec::new();
    if let Some(completer) = ALL.completer(&shell.to_string()) {
        completer.write_registration(VAR, "fugue", "fugue", "fugue", &mut script)?;
    }
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// bash, which splits words at the `:` of `server:target`; clap's script takes the pieces for words.
const BASH: Own<env::Bash> = Own {
    shell: env::Bash,
    script: include_bytes!("shells/fugue.bash"),
};

/// zsh. clap's script completes nothing at the first time when zsh loads it by itself, and puts a space after `server:`.
const ZSH: Own<env::Zsh> = Own {
    shell: env::Zsh,
    script: include_bytes!("shells/_fugue"),
};

/// A shell of clap's with a script of our own.
struct Own<S> {
    shell: S,
    script: &'static [u8],
}

impl<S: EnvCompleter> EnvCompleter for Own<S> {
    fn name(&self) -> &'static str {
        self.shell.name()
    }

    fn is(&self, name: &str) -> bool {
        self.shell.is(name)
    }

    fn write_registration(
        &self,
        _var: &str,
        _name: &str,
        _bin: &str,
        _completer: &str,
        script: &mut dyn io::Write,
    ) -> io::Result<()> {
        script.write_all(self.script)
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        here: Option<&Path>,
        answer: &mut dyn io::Write,
    ) -> io::Result<()> {
        self.shell.write_complete(command, words, here, answer)
    }
}
