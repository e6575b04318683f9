//! The terminal, the locale and the shell of who asks.

use std::io::IsTerminal;

use rustix::fs::{Access, access};
use rustix::termios::{InputModes, tcgetattr};

use super::Finding;
use crate::attach;

/// The variables that choose how text is encoded, the strongest first. Source: locale(7).
const ENCODING: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

pub(super) fn check(found: &mut Vec<Finding>) {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let terminal = std::io::stdout().is_terminal();
    let size = terminal.then(attach::terminal_size).flatten();
    let size = size.map(|size| (size.cols, size.rows));
    found.push(term(terminal, variable("TERM").as_deref(), size));
    let input = std::io::stdin();
    let modes = tcgetattr(&input).ok().map(|modes| modes.input_modes);
    let is_utf8 = modes.map(|modes| modes.contains(InputModes::IUTF8));
    let chosen = ENCODING
        .iter()
        .find_map(|name| Some((*name, variable(name)?)));
    found.push(locale(chosen, is_utf8));
    found.push(shell(variable("SHELL").as_deref()));
}

fn term(terminal: bool, term: Option<&str>, size: Option<(u16, u16)>) -> Finding {
    let next = "set TERM to what your terminal is, such as xterm-256color";
    match (terminal, term) {
        (false, _) => Finding::ok("terminal", "this is none; `fugue attach` needs one"),
        (true, None) => Finding::warning("terminal", "TERM is not set", next),
        (true, Some("dumb")) => Finding::warning("terminal", "TERM is dumb", next),
        (true, Some(term)) => {
            let size = size.map_or_else(String::new, |(cols, rows)| format!(", {cols}x{rows}"));
            Finding::ok("terminal", format!("{term}{size}"))
        }
    }
}

/// The variable that counts with its value, and whether the terminal erases whole characters of UTF-8.
fn locale(chosen: Option<(&str, String)>, is_utf8: Option<bool>) -> Finding {
    let Some((name, value)) = chosen else {
        return Finding::warning(
            "locale",
            "LANG is not set, so programs here take text for ASCII; those in panes get C.UTF-8",
            "set LANG, such as C.UTF-8",
        );
    };
    let plain = value.to_ascii_lowercase().replace('-', "");
    let said = format!("{name} is {value}");
    if !plain.contains("utf8") {
        return Finding::warning(
            "locale",
            format!("{said}, which is not UTF-8"),
            "set LANG to a UTF-8 locale: fugue draws in UTF-8",
        );
    }
    match is_utf8 {
        Some(false) => Finding::warning(
            "locale",
            format!("{said}, and this terminal does not know of it"),
            "`stty iutf8` lets Backspace erase whole characters",
        ),
        Some(true) | None => Finding::ok("locale", said),
    }
}

fn shell(shell: Option<&str>) -> Finding {
    let next = "set SHELL to the absolute path of a shell; else that of the account is started";
    match shell {
        None => Finding::ok(
            "shell",
            "SHELL is not set, so that of the account is started",
        ),
        Some(shell) if !shell.starts_with('/') => Finding::warning(
            "shell",
            format!("SHELL is {shell}, which is no absolute path"),
            next,
        ),
        Some(shell) => match access(shell, Access::EXEC_OK) {
            Ok(()) => Finding::ok("shell", format!("{shell} is started in new panes")),
            Err(error) => Finding::warning(
                "shell",
                format!("SHELL is {shell}, which cannot be executed: {error}"),
                next,
            ),
        },
    }
}

#[cfg(test)]
mod tests;
