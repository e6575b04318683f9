//! The pager, for text that is longer than the screen.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use protocol::Size;
use signal_hook::consts::SIGINT;
use unicode_width::UnicodeWidthStr;

use super::write;

/// Exit codes of a shell that did not find or could not execute its command.
///
/// Source: POSIX.1-2024, Shell Command Language 2.8.2.
const NOT_RUN: [i32; 2] = [126, 127];

/// The pager that is wanted.
#[derive(Debug, PartialEq, Eq)]
enum Pager {
    /// A command line of the person.
    Line(String),
    /// The usual one: ends at once for what fits, keeps colours, leaves the text on the screen.
    Less,
    /// None at all.
    None,
}

impl Pager {
    fn of(variable: Option<String>) -> Self {
        match variable.as_deref().map(str::trim) {
            None => Self::Less,
            Some("" | "cat") => Self::None,
            Some(line) => Self::Line(line.to_owned()),
        }
    }

    fn command(&self) -> Option<Command> {
        match self {
            Self::Line(line) => {
                let mut command = Command::new("sh");
                command.arg("-c").arg(line);
                Some(command)
            }
            Self::Less => {
                let mut command = Command::new("less");
                // The frames of trees are UTF-8, whatever the locale says.
                command.arg("-FRX").env("LESSCHARSET", "utf-8");
                Some(command)
            }
            Self::None => None,
        }
    }
}

/// True if the text has more rows than the terminal shows beside a prompt. Each line that is too long takes several.
pub(super) fn is_long(text: &str, size: Size) -> bool {
    let cols = usize::from(size.cols).max(1);
    let rows = text.lines().map(|line| line.width().div_ceil(cols).max(1));
    rows.sum::<usize>() >= usize::from(size.rows)
}

/// Shows the text through the pager of the environment; at once when there is none or it cannot be run.
pub(super) fn show(text: &str) -> io::Result<()> {
    let command = Pager::of(std::env::var("PAGER").ok()).command();
    let shown = command.is_some_and(|mut command| {
        let started = command.stdin(Stdio::piped()).spawn();
        started.is_ok_and(|pager| paged(pager, text))
    });
    match shown {
        true => Ok(()),
        false => write(text),
    }
}

/// Shows a manual page as manual pages are shown. False where that is not possible, and nothing was shown.
pub(super) fn man(page: &[u8]) -> bool {
    let mut man = Command::new("man");
    // Without a pager of the person's it uses its own.
    man.args(["-l", "-"]).stdin(Stdio::piped());
    // The reasons for which it cannot do that are nobody's.
    let started = man.stderr(Stdio::null()).spawn();
    started.is_ok_and(|man| fed(man, page) == Some(0))
}

/// True if the pager has had the text, all or as much as it wanted.
fn paged(pager: Child, text: &str) -> bool {
    let code = fed(pager, text.as_bytes());
    !code.is_some_and(|code| NOT_RUN.contains(&code))
}

/// Gives a program its input and waits for its end. Its exit code, if it has one.
fn fed(mut pager: Child, text: &[u8]) -> Option<i32> {
    // What interrupts the pager must not end this process before it.
    let interrupts = signal_hook::flag::register(SIGINT, Arc::new(AtomicBool::new(false)));
    if let Some(mut input) = pager.stdin.take() {
        // One that is left early takes no more.
        let _ = input.write_all(text);
    }
    let ended = pager.wait();
    if let Ok(id) = interrupts {
        signal_hook::low_level::unregister(id);
    }
    ended.ok().and_then(|status| status.code())
}

#[cfg(test)]
mod tests;
