//! The words of a command are built when it is the one that was called: those of all of them are
//! a third of what a short call costs.

use clap::builder::Resettable;
use clap::{ArgMatches, Args, Command, FromArgMatches};

/// A command's arguments, defined when they are needed.
#[derive(Debug)]
pub(super) struct Lazy<T>(pub(super) T);

/// Defines with `define`, and keeps what the list of commands says about this one.
fn later(command: Command, define: fn(Command) -> Command) -> Command {
    let about = command.get_about().cloned();
    let long = command.get_long_about().cloned();
    define(command)
        .about(about.map_or(Resettable::Reset, Resettable::Value))
        .long_about(long.map_or(Resettable::Reset, Resettable::Value))
}

impl<T: FromArgMatches> FromArgMatches for Lazy<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T: Args> Args for Lazy<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(|command| later(command, T::augment_args))
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(|command| later(command, T::augment_args_for_update))
    }
}
