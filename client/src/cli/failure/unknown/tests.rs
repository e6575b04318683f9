//! Which commands are named for one that there is none of.

use clap::Parser;

use super::*;
use crate::cli::Cli;

fn said(words: &[&str]) -> Option<String> {
    let error = Cli::try_parse_from(words).unwrap_err();
    command(&error).map(|error| error.to_string())
}

#[test]
fn the_nearest_and_most_used_is_named_first() {
    for (word, hint) in [
        ("lss", "did you mean `fugue ls`?"),
        ("atach", "did you mean `fugue attach`?"),
        ("att", "did you mean `fugue attach`?"),
        ("rea", "did you mean `fugue read`"),
        ("st", "did you mean `fugue status` or `fugue stop`"),
        ("frobnicate", "`fugue help` lists them"),
    ] {
        let said = said(&["fugue", word]).unwrap();
        let begin = format!("there is no command {word:?}; {hint}");
        let begin = begin.trim_end_matches('?');
        assert!(said.starts_with(begin), "{said}");
    }
    let equally_near = near("lx", &["logs", "ls", "lz"]);
    assert_eq!(equally_near, ["ls", "lz"]);
}

#[test]
fn the_most_used_names_are_commands() {
    let command = crate::cli::command();
    for name in MOST_USED {
        assert!(command.find_subcommand(name).is_some(), "{name}");
    }
}

#[test]
fn other_mistakes_are_not_its() {
    assert_eq!(said(&["fugue", "rename", "sesion", "a", "b"]), None);
    assert_eq!(said(&["fugue", "ls", "--nix"]), None);
}
