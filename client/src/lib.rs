//! The command line of fugue and its attached view.
//!
//! [`main`] is the whole program: it parses the words, talks to the servers over the `protocol`
//! crate and returns the exit status. [`command`] is the one clap definition, from which
//! completions and manual pages are made.

mod attach;
mod cli;

pub use cli::{command, main};
