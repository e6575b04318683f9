//! States of a pane in its life, and the pure transitions between them.

use std::mem::take;

use protocol::reply::{PaneEnd, Unreachable};

use super::Ended;
use super::close::{Cause, CloseStep, Closing};

/// State of a pane in its life. What does not fit where it is changes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum PaneState {
    /// The program is being started again: one may be there that the pane does not have yet.
    Starting {
        /// Which start again it is, from 1.
        attempt: u32,
        /// How the last life ended.
        last: Ended,
        /// When the start was due.
        due_ms: u64,
        /// The reason for which it is started again.
        why: Again,
    },
    /// The program runs.
    #[default]
    Running,
    /// The program is being ended, and is started again then: somebody has asked for that.
    Stopping {
        /// The time of that, on the clock of who starts it.
        due_ms: u64,
    },
    /// The keeper cannot be asked. Nothing follows from what is known until it is reached or found dead, except a close.
    Unreachable {
        /// Since when, and why.
        why: Unreachable,
        /// How the program had ended before.
        known: Option<Known>,
    },
    /// The program has ended.
    Ended {
        /// How.
        end: Ended,
        /// What follows from it.
        next: Next,
    },
    /// The pane is being closed.
    Closing(Closing),
    /// The pane is closed.
    Closed {
        /// How it came to that.
        close: Closing,
        /// What is left to say.
        told: Box<PaneEnd>,
    },
}

/// The consequence of a program's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// That is still to be decided.
    Undecided,
    /// It is started again.
    Restarting {
        /// When, on the clock of who decides.
        due_ms: u64,
        /// Why.
        why: Again,
    },
    /// Nothing: the pane stays as it is.
    Kept,
}

/// The reason for which a program is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The restart type of its pane, which counts such restarts.
    ByType,
    /// Somebody has asked for it.
    Asked,
}

/// The end of a program that is not the present concern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// How it ended.
    pub end: Ended,
    /// It is decided that the pane stays as it is.
    pub kept: bool,
}

impl Known {
    fn undecided(end: Ended) -> Self {
        Self { end, kept: false }
    }

    fn of(end: Ended, next: Next) -> Self {
        let kept = next == Next::Kept;
        Self { end, kept }
    }
}

impl PaneState {
    /// The state of a pane of which this is known: it runs, or it has ended.
    pub(super) fn known(known: Option<Known>) -> Self {
        match known {
            None => Self::Running,
            Some(Known { end, kept: true }) => Self::Ended {
                end,
                next: Next::Kept,
            },
            Some(Known { end, kept: false }) => Self::Ended {
                end,
                next: Next::Undecided,
            },
        }
    }

    /// The close, under way or done.
    #[must_use]
    pub fn close(&self) -> Option<&Closing> {
        match self {
            Self::Closing(close) | Self::Closed { close, .. } => Some(close),
            Self::Starting { .. }
            | Self::Running
            | Self::Stopping { .. }
            | Self::Unreachable { .. }
            | Self::Ended { .. } => None,
        }
    }

    /// The end of the program's present life; absent while it runs.
    #[must_use]
    pub fn end(&self) -> Option<&Ended> {
        match self {
            Self::Running | Self::Stopping { .. } => None,
            Self::Starting { last: end, .. } | Self::Ended { end, .. } => Some(end),
            Self::Unreachable { known, .. }
            | Self::Closing(Closing { known, .. })
            | Self::Closed {
                close: Closing { known, .. },
                ..
            } => known.as_ref().map(|known| &known.end),
        }
    }

    /// True if it is decided that the pane stays as it is after the end of its program.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        match self {
            Self::Running | Self::Stopping { .. } | Self::Starting { .. } => false,
            Self::Ended { next, .. } => *next == Next::Kept,
            Self::Unreachable { known, .. }
            | Self::Closing(Closing { known, .. })
            | Self::Closed {
                close: Closing { known, .. },
                ..
            } => known.as_ref().is_some_and(|known| known.kept),
        }
    }

    /// The keeper cannot be asked; the time of the first reason counts. A start that is under way goes on.
    pub(super) fn lose(&mut self, now_ms: u64, reason: String, program_lives: bool) {
        let why = |since_ms| Unreachable {
            since_ms,
            reason,
            program_lives,
        };
        *self = match take(self) {
            // What was to be started again is not, as long as nobody knows what runs.
            Self::Running | Self::Stopping { .. } => Self::Unreachable {
                why: why(now_ms),
                known: None,
            },
            Self::Ended { end, next } => Self::Unreachable {
                why: why(now_ms),
                known: Some(Known::of(end, next)),
            },
            Self::Unreachable { why: first, known } => Self::Unreachable {
                why: why(first.since_ms),
                known,
            },
            Self::Closing(mut close) => {
                if close.is_open() {
                    let since_ms = close.why.map_or(now_ms, |first| first.since_ms);
                    close.why = Some(why(since_ms));
                }
                Self::Closing(close)
            }
            same @ (Self::Starting { .. } | Self::Closed { .. }) => same,
        };
    }

    /// The keeper answers, or is known to be dead: what was known counts again.
    pub(super) fn found(&mut self) {
        *self = match take(self) {
            Self::Unreachable { known, .. } => Self::known(known),
            Self::Closing(close) => Self::Closing(Closing { why: None, ..close }),
            same @ (Self::Starting { .. }
            | Self::Running
            | Self::Stopping { .. }
            | Self::Ended { .. }
            | Self::Closed { .. }) => same,
        };
    }

    /// The keeper answers, and has a later life than the one that was known. True when that counts.
    pub(super) fn found_later_life(&mut self) -> bool {
        let counts = match self {
            Self::Unreachable { known, .. } => {
                *known = None;
                true
            }
            Self::Closing(close) if close.is_open() => {
                close.known = None;
                true
            }
            Self::Starting { .. }
            | Self::Running
            | Self::Stopping { .. }
            | Self::Ended { .. }
            | Self::Closing(_)
            | Self::Closed { .. } => false,
        };
        self.found();
        counts
    }

    /// The program's present life has ended. True when that was not known.
    pub(super) fn note_end(&mut self, ended: Ended) -> bool {
        if self.end().is_some() {
            return false;
        }
        match self {
            Self::Running => {
                *self = Self::Ended {
                    end: ended,
                    next: Next::Undecided,
                }
            }
            Self::Stopping { due_ms } => *self = Self::asked(ended, *due_ms),
            Self::Unreachable { known, .. }
            | Self::Closing(Closing { known, .. })
            | Self::Closed {
                close: Closing { known, .. },
                ..
            } => *known = Some(Known::undecided(ended)),
            Self::Starting { .. } | Self::Ended { .. } => {}
        }
        true
    }

    /// This follows from the end. True when that was undecided.
    pub(super) fn decide(&mut self, decided: Next) -> bool {
        match self {
            Self::Ended { next, .. } if *next == Next::Undecided => {
                *next = decided;
                true
            }
            Self::Starting { .. }
            | Self::Running
            | Self::Stopping { .. }
            | Self::Unreachable { .. }
            | Self::Ended { .. }
            | Self::Closing(_)
            | Self::Closed { .. } => false,
        }
    }

    fn asked(end: Ended, due_ms: u64) -> Self {
        let next = Next::Restarting {
            due_ms,
            why: Again::Asked,
        };
        Self::Ended { end, next }
    }

    /// The program is to be ended and started again, for somebody who has asked for it at `now_ms`. True unless the pane is not in a state for
    /// that; where it is being done already, that is what was asked for.
    pub(super) fn ask_restart(&mut self, now_ms: u64) -> bool {
        let (next, asked) = match take(self) {
            Self::Running => (Self::Stopping { due_ms: now_ms }, true),
            Self::Ended { end, .. } => (Self::asked(end, now_ms), true),
            same @ (Self::Stopping { .. } | Self::Starting { .. }) => (same, true),
            same @ (Self::Unreachable { .. } | Self::Closing(_) | Self::Closed { .. }) => {
                (same, false)
            }
        };
        *self = next;
        asked
    }

    /// True from the time at which somebody has asked for a restart until the next life begins, or cannot.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        match self {
            Self::Stopping { .. } => true,
            Self::Starting { why, .. }
            | Self::Ended {
                next: Next::Restarting { why, .. },
                ..
            } => *why == Again::Asked,
            Self::Running
            | Self::Unreachable { .. }
            | Self::Ended { .. }
            | Self::Closing(_)
            | Self::Closed { .. } => false,
        }
    }

    /// The program is being started again. True when that was decided.
    pub(super) fn begin_start(&mut self, attempt: u32) -> bool {
        match take(self) {
            Self::Ended {
                end,
                next: Next::Restarting { due_ms, why },
            } => {
                *self = Self::Starting {
                    attempt,
                    last: end,
                    due_ms,
                    why,
                };
                true
            }
            same @ (Self::Starting { .. }
            | Self::Running
            | Self::Stopping { .. }
            | Self::Unreachable { .. }
            | Self::Ended { .. }
            | Self::Closing(_)
            | Self::Closed { .. }) => {
                *self = same;
                false
            }
        }
    }

    /// Nothing is being started any more. Without a new life it is still to be started again.
    pub(super) fn end_start(&mut self) {
        *self = match take(self) {
            Self::Starting {
                last, due_ms, why, ..
            } => Self::Ended {
                end: last,
                next: Next::Restarting { due_ms, why },
            },
            Self::Closing(close) => Self::Closing(Closing {
                starting: false,
                ..close
            }),
            same @ (Self::Running
            | Self::Stopping { .. }
            | Self::Unreachable { .. }
            | Self::Ended { .. }
            | Self::Closed { .. }) => same,
        };
    }

    /// Begins the program's next life with what was started. True unless there is another way by now.
    pub(super) fn begin_life(&mut self) -> bool {
        match self {
            Self::Starting { .. } => {
                *self = Self::Running;
                true
            }
            Self::Running
            | Self::Stopping { .. }
            | Self::Unreachable { .. }
            | Self::Ended { .. }
            | Self::Closing(_)
            | Self::Closed { .. } => false,
        }
    }

    /// The program could not be started again: what follows is decided anew. True unless there is another way by now.
    pub(super) fn fail_start(&mut self, ended: Ended) -> bool {
        match self {
            Self::Starting { .. }
            | Self::Ended {
                next: Next::Restarting { .. },
                ..
            } => {
                *self = Self::Ended {
                    end: ended,
                    next: Next::Undecided,
                };
                true
            }
            Self::Running
            | Self::Stopping { .. }
            | Self::Unreachable { .. }
            | Self::Ended { .. }
            | Self::Closing(_)
            | Self::Closed { .. } => false,
        }
    }

    /// The program could not be started again for want of what is not its own: that is tried again at another time, and is no end.
    /// True when it is still to be started.
    pub(super) fn put_off_start(&mut self, later_ms: u64) -> bool {
        match self {
            Self::Ended {
                next: Next::Restarting { due_ms, .. },
                ..
            } => {
                *due_ms = later_ms;
                true
            }
            Self::Starting { .. }
            | Self::Running
            | Self::Stopping { .. }
            | Self::Unreachable { .. }
            | Self::Ended { .. }
            | Self::Closing(_)
            | Self::Closed { .. } => false,
        }
    }

    /// The pane is to be closed. True for the first who wants it; force can be wanted later.
    pub(super) fn begin_close(&mut self, cause: Cause, force: bool) -> bool {
        let begun = Closing::begin(cause, force);
        let (close, first) = match take(self) {
            Self::Starting { last, .. } => {
                let known = Some(Known::undecided(last));
                let starting = true;
                let close = Closing {
                    starting,
                    known,
                    ..begun
                };
                (close, true)
            }
            Self::Running | Self::Stopping { .. } => (begun, true),
            Self::Unreachable { why, known } => {
                let why = Some(why);
                (
                    Closing {
                        why,
                        known,
                        ..begun
                    },
                    true,
                )
            }
            Self::Ended { end, next } => {
                let known = Some(Known::of(end, next));
                (Closing { known, ..begun }, true)
            }
            Self::Closing(mut close) => {
                close.force |= force;
                (close, false)
            }
            closed @ Self::Closed { .. } => {
                *self = closed;
                return false;
            }
        };
        *self = Self::Closing(close);
        first
    }

    /// The present step of the close is done. True when there is another one.
    pub(super) fn end_step(&mut self) -> bool {
        let Self::Closing(close) = self else {
            return false;
        };
        let next = close.step.next();
        close.step = next.unwrap_or(close.step);
        next.is_some()
    }

    /// The close is done: this is left to say.
    pub(super) fn tell(&mut self, told: PaneEnd) {
        *self = match take(self) {
            Self::Closing(close) if close.step == CloseStep::Tell => Self::Closed {
                close: Closing { why: None, ..close },
                told: Box::new(told),
            },
            same @ (Self::Starting { .. }
            | Self::Running
            | Self::Stopping { .. }
            | Self::Unreachable { .. }
            | Self::Ended { .. }
            | Self::Closing(_)
            | Self::Closed { .. }) => same,
        };
    }
}

#[cfg(test)]
mod tests;
