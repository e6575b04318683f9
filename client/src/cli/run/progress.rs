//! The display of a run that is under way: a line that moves for each command on a terminal, a line for each change
//! elsewhere. All of it on stderr.

use std::io::IsTerminal;
use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use protocol::plain;
use protocol::reply::{CommandResult, Orchestration, RunStatus};

use super::result::took;
use crate::cli::Caller;
use crate::cli::failure::note;
use crate::cli::output::printable;
use crate::cli::states;
use crate::cli::units::{COMMAND_CHARS, brief};

/// The state that is shown.
pub(super) enum Progress {
    /// Nothing is wanted.
    Silent,
    /// A line for each change.
    Lines(Vec<(RunStatus, bool)>),
    /// A moving line for each command.
    Bars {
        /// Above the bars there is room for a message.
        all: MultiProgress,
        /// One for each command.
        bars: Vec<Bar>,
    },
}

/// Columns beside a command's name and text: the spinner, blanks, and what the terminal shows of Ctrl-C.
const ROOM: usize = 8;

/// One command's moving line.
pub(super) struct Bar {
    bar: ProgressBar,
    command: CommandResult,
    since: Instant,
    /// Characters of its text.
    room: usize,
    colours: bool,
}

impl Progress {
    pub(super) fn new(state: &Orchestration, quiet: bool, caller: &Caller) -> Self {
        let terminal = std::io::stderr().is_terminal();
        if quiet || (caller.json && !terminal) {
            return Self::Silent;
        }
        let rows = crate::attach::terminal_size().map_or(24, |size| usize::from(size.rows));
        // More bars than rows would scroll and be drawn over each other.
        let mut progress = if terminal && state.commands.len() + 2 <= rows {
            Self::bars(state, caller.color.applies_here(terminal))
        } else {
            Self::Lines(vec![(RunStatus::Pending, false); state.commands.len()])
        };
        progress.show(state);
        progress
    }

    fn bars(state: &Orchestration, colours: bool) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let widest = state
            .commands
            .iter()
            .map(|c| c.name.chars().count())
            .max()
            .unwrap_or(0);
        // What the terminal shows of Ctrl-C has room behind it: in the next row it would move what is drawn over.
        let cols = crate::attach::terminal_size().map_or(80, |size| usize::from(size.cols));
        let room = cols.saturating_sub(widest + ROOM).max(1);
        let bars = state.commands.iter().map(|command| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            let template = match colours {
                true => "{spinner:.cyan} {prefix:.bold}  {msg}",
                false => "{spinner} {prefix}  {msg}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_prefix(format!("{:widest$}", printable(command.name.clone())));
            bar.set_message(brief(&phrase(command, 0), room));
            Bar {
                bar: all.add(bar),
                command: command.clone(),
                since: Instant::now(),
                room,
                colours,
            }
        });
        let bars = bars.collect();
        Self::Bars { all, bars }
    }

    /// Takes a new state.
    pub(super) fn show(&mut self, state: &Orchestration) {
        match self {
            Self::Silent => {}
            Self::Lines(shown) => {
                for (command, shown) in state.commands.iter().zip(shown) {
                    let now = (command.status, command.waits_for_keys);
                    if *shown != now {
                        *shown = now;
                        note(&format!(
                            "{}: {}",
                            printable(command.name.clone()),
                            phrase(command, 0)
                        ));
                    }
                }
            }
            Self::Bars { bars, .. } => {
                for (bar, command) in bars.iter_mut().zip(&state.commands) {
                    bar.take(command);
                }
            }
        }
    }

    /// Moves on between changes.
    pub(super) fn tick(&mut self) {
        if let Self::Bars { bars, .. } = self {
            let moving = bars.iter().filter(|bar| !bar.command.status.is_final());
            moving.for_each(|bar| {
                bar.draw();
                bar.bar.tick();
            });
        }
    }

    /// A message for the person who waits.
    pub(super) fn say(&mut self, message: &str) {
        match self {
            Self::Silent => {}
            Self::Lines(_) => note(message),
            Self::Bars { all, .. } => {
                let _ = all.println(plain::plain_line(message));
            }
        }
    }

    /// Takes the moving lines away: the table that follows says the same.
    pub(super) fn finish(&mut self, state: &Orchestration) {
        self.show(state);
        if let Self::Bars { all, bars } = self {
            bars.iter().for_each(|bar| bar.bar.finish_and_clear());
            let _ = all.clear();
        }
    }
}

impl Bar {
    fn take(&mut self, command: &CommandResult) {
        if *command == self.command {
            return;
        }
        let ended = command.status.is_final() && !self.command.status.is_final();
        self.command = command.clone();
        self.since = Instant::now();
        self.draw();
        if ended {
            let sign = if command.status == RunStatus::Completed {
                "✔"
            } else {
                "✘"
            };
            let bold = if self.colours { ":.bold" } else { "" };
            let template = format!("{sign} {{prefix{bold}}}  {{msg}}");
            if let Ok(style) = ProgressStyle::with_template(&template) {
                self.bar.set_style(style);
            }
            self.bar.abandon();
        }
    }

    fn draw(&self) {
        let since = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.bar
            .set_message(brief(&phrase(&self.command, since), self.room));
    }
}

/// A command's state, how long it took so far, and what it is.
pub(super) fn phrase(command: &CommandResult, later_ms: u64) -> String {
    let state = states::command(command).words;
    let took = took(command, later_ms);
    let line = brief(&command.command, COMMAND_CHARS);
    printable(format!("{state:<14} {took:>7}  {line}"))
}
