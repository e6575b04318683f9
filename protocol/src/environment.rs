//! The part of a caller's environment that programs on another terminal get.

use std::collections::BTreeMap;

use crate::os_text;
use crate::paths::{UMASK_VARIABLE, own_umask};

/// Variables that tell of the caller's terminal, of its shell's own place, or of the multiplexer around it.
const LEFT_OUT: [&str; 16] = [
    "TERM",
    "TERMCAP",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "TERM_SESSION_ID",
    "VTE_VERSION",
    "WINDOWID",
    "COLUMNS",
    "LINES",
    "TMUX",
    "TMUX_PANE",
    "STY",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
];

/// True if programs on another terminal get this variable of their maker: not what is in the list above, and nothing of
/// fugue's own, which tells of the pane that the maker runs in.
#[must_use]
pub fn is_inherited(name: &str) -> bool {
    !name.starts_with("FUGUE") && !LEFT_OUT.contains(&name)
}

/// The environment of this process for programs on another terminal, with its umask as [`UMASK_VARIABLE`].
#[must_use]
pub fn inherited() -> BTreeMap<String, String> {
    std::env::vars_os()
        .map(|(name, value)| (os_text::encoded(name), os_text::encoded(value)))
        .filter(|(name, _)| is_inherited(name))
        .chain(own_umask().map(|digits| (UMASK_VARIABLE.to_owned(), digits)))
        .collect()
}
