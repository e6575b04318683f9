//! Results of a command, and the exit status and the one line on stderr that a failure becomes.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use clap::error::{ContextValue, ErrorKind};
use protocol::{Error, ErrorCode, plain, surface};

use super::output;
use super::output::style::ColorChoice;

mod unknown;

/// A command's exit status, or why it failed.
pub(crate) type Outcome = anyhow::Result<u8>;

/// The exit status of a command that ran out of time, as timeout(1) has it.
pub(crate) const TIMED_OUT: u8 = 124;

/// The exit status after an interrupt: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit status of a command whose session, window, pane or orchestration is not there, or not any more.
const ABSENT: u8 = 3;

/// The exit status for an error code.
#[must_use]
pub(crate) fn status_of(code: ErrorCode) -> u8 {
    match code {
        ErrorCode::InvalidArgument => 2,
        ErrorCode::NotFound | ErrorCode::NoSession | ErrorCode::PaneExited => ABSENT,
        ErrorCode::ServerUnreachable | ErrorCode::UnknownServer => 4,
        ErrorCode::AmbiguousName
        | ErrorCode::NameTaken
        | ErrorCode::Unsupported
        | ErrorCode::Busy
        | ErrorCode::Timeout
        | ErrorCode::Cancelled
        | ErrorCode::InputBlocked
        | ErrorCode::SpawnFailed
        | ErrorCode::Unreachable
        | ErrorCode::Unauthenticated
        | ErrorCode::Denied
        | ErrorCode::Limit
        | ErrorCode::Internal => 1,
    }
}

/// The exit status of a failure and its line for stderr; no line for a reader that went away.
#[must_use]
fn told(error: &anyhow::Error, json: bool) -> (u8, Option<String>) {
    let gone = error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    if gone {
        return (0, None);
    }
    let known = error
        .downcast_ref::<Error>()
        .cloned()
        .map(Error::for_people);
    let status = known.as_ref().map_or(1, |known| status_of(known.code));
    if json {
        let known = known.unwrap_or_else(|| Error::new(ErrorCode::Internal, format!("{error:#}")));
        return (
            status,
            Some(plain::json(&serde_json::json!({ "error": known }).to_string()).into_owned()),
        );
    }
    (
        status,
        Some(format!(
            "fugue: {}",
            one_line(&surface::for_people(&format!("{error:#}")))
        )),
    )
}

fn one_line(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Says why a command failed, and gives the exit status.
pub(crate) fn exit_code(outcome: Outcome, json: bool) -> ExitCode {
    match outcome {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            let (status, line) = told(&error, json);
            if let Some(line) = line {
                note(&line);
            }
            ExitCode::from(status)
        }
    }
}

/// Says what is wrong with the words of the command line, in one line as every failure, or prints
/// the help or the version that was asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if error.kind() == ErrorKind::DisplayHelp {
        let _ = output::page(&help_text(error));
        return ExitCode::SUCCESS;
    }
    if error.exit_code() == 0 || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    {
        let _ = error.print();
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    }
    let known = unknown::command(error);
    let said =
        known.unwrap_or_else(|| Error::invalid(usage_line(&error.to_string(), &words_of(error))));
    let json = std::env::args_os().any(|word| word == "--json");
    exit_code(Err(said.into()), json)
}

/// The help, in the colours that were asked for on a command line of which nothing else is known.
fn help_text(help: &clap::Error) -> String {
    let words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let text = help.render();
    match color_of(&words).applies_here(io::stdout().is_terminal()) {
        true => text.ansi().to_string(),
        false => text.to_string(),
    }
}

/// The value of `--color` among words.
fn color_of(words: &[String]) -> ColorChoice {
    let mut words = words.iter();
    let mut value = None;
    while let Some(word) = words.next() {
        if word == "--color" {
            value = words.next().map(String::as_str);
        } else if let Some(given) = word.strip_prefix("--color=") {
            value = Some(given);
        }
    }
    let choice = value.and_then(|value| ColorChoice::from_str(value, false).ok());
    choice.unwrap_or_default()
}

/// The words of the command line that a message of clap's repeats.
fn words_of(error: &clap::Error) -> Vec<String> {
    let mut repeated = Vec::new();
    for (_, value) in error.context() {
        if let ContextValue::String(word) = value {
            repeated.push(word.clone());
        } else if let ContextValue::Strings(words) = value {
            repeated.extend(words.iter().cloned());
        }
    }
    repeated
}

/// clap's message without its frame, its paragraphs joined, and long words in it cut.
fn usage_line(message: &str, words: &[String]) -> String {
    let mut text = message
        .strip_prefix("error: ")
        .unwrap_or(message)
        .to_owned();
    for word in words {
        let shown = protocol::name::shown(word);
        if shown.len() < word.len() {
            text = text.replace(&format!("'{word}'"), &shown);
            text = text.replace(word, &shown);
        }
    }
    let text = text
        .split_once("\n\nFor more information")
        .map_or(text.as_str(), |(text, _)| text);
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let line = one_line(paragraph);
        line.strip_prefix("Usage:")
            .map_or(line.clone(), |usage| format!("usage:{usage}"))
    });
    paragraphs.collect::<Vec<_>>().join("; ")
}

/// One line on stderr, without anything that a terminal would obey: messages repeat paths, names and what programs
/// Blanks before each further line of a message that is longer than the terminal is wide.
const INDENT: usize = 2;

/// and servers said. A stderr that is closed is not worth a failure.
pub(crate) fn note(line: &str) {
    let line = surface::for_people(line);
    let line = plain::plain_line(&line);
    let size = io::stderr()
        .is_terminal()
        .then(crate::attach::terminal_size)
        .flatten();
    let line = match size {
        Some(size) => output::wrapped(&line, usize::from(size.cols), INDENT).into(),
        None => line,
    };
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests;
