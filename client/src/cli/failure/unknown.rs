//! The answer to a command that there is none of.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use protocol::Error;
use protocol::near::edits;

/// The commands that are used most, in order: of several that are equally near they are meant first.
const MOST_USED: [&str; 20] = [
    "ls", "attach", "new", "run", "send", "read", "panes", "kill", "close", "split", "wait",
    "tail", "expect", "windows", "window", "status", "logs", "last", "ps", "stop",
];

/// So many commands are named at most.
const NAMED: usize = 3;

/// The error for a word that is no command, with those that are near it; none for any other mistake.
pub(super) fn command(error: &clap::Error) -> Option<Error> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let command = crate::cli::command();
    let names = command.get_subcommands().filter(|one| !one.is_hide_set());
    let names: Vec<&str> = names.map(clap::Command::get_name).collect();
    // The commands of a command are clap's to suggest.
    let usage = error.to_string();
    usage.contains("Usage: fugue [").then(|| {
        let near = near(word, &names);
        let near: Vec<String> = near.iter().map(|name| format!("`fugue {name}`")).collect();
        let hint = match near.split_last() {
            None => "`fugue help` lists them".to_owned(),
            Some((last, [])) => format!("did you mean {last}?"),
            Some((last, others)) => format!("did you mean {} or {last}?", others.join(", ")),
        };
        Error::invalid(format!(
            "there is no command {}",
            protocol::name::shown(word)
        ))
        .hint(hint)
    })
}

/// The names near a word, the nearest first, and of those the most used.
fn near<'a>(word: &str, names: &[&'a str]) -> Vec<&'a str> {
    let most = (word.chars().count() / 3).clamp(1, 3);
    let use_of = |name: &str| {
        let place = MOST_USED.iter().position(|used| *used == name);
        place.unwrap_or(MOST_USED.len())
    };
    let distance = |name: &str| {
        let edits = edits(word, name);
        // A beginning is an abbreviation.
        match !word.is_empty() && name.starts_with(word) {
            true => edits.min(1),
            false => edits,
        }
    };
    let near = names.iter().filter(|name| distance(name) <= most);
    let mut near: Vec<&str> = near.copied().collect();
    near.sort_by_key(|name| (distance(name), use_of(name), *name));
    near.truncate(NAMED);
    near
}

#[cfg(test)]
mod tests;
