//! Holds back what is typed into a program that has just been started, until it prompts or reads.
//!
//! What is typed earlier is echoed twice, and lost where the program throws away what came before its first prompt.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::Duration;

use terminal::screen::Screen;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::echo::line_modes;
use super::{Typing, Written};

/// After this time a program gets its input whatever it does.
const LIMIT: Duration = Duration::from_secs(3);

/// A program of which nobody can tell what it does is ready when it has been quiet for so long.
const QUIET: Duration = Duration::from_millis(300);

/// The pause after which a program that is not ready is looked at again.
const PAUSE: Duration = Duration::from_millis(15);

/// Processes of the terminal's foreground that are looked at, at most.
const MOST_PROCESSES: usize = 32;

/// The places where a process waits for something else than keys: a child, a time, another program's output.
const BUSY: [&str; 3] = ["do_wait", "nanosleep", "pipe_read"];

/// An order that waits.
pub(super) type Held = (Typing, oneshot::Sender<Written>);

/// The beginning of a program's life.
pub(super) struct Readiness {
    /// Since when the program runs; absent once it was ready.
    since: Option<Instant>,
    /// Since when nobody can tell what it does.
    unknown: Option<Instant>,
    held: VecDeque<Held>,
    next_look: Instant,
}

/// The activity of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// It waits for input.
    Reads,
    /// It works, or waits for other things.
    Busy,
    /// Nobody knows.
    Unknown,
}

impl Readiness {
    /// Of a program that has just been started, or has run for long.
    pub(super) fn new(starting: bool, now: Instant) -> Self {
        Self {
            since: starting.then_some(now),
            unknown: None,
            held: VecDeque::new(),
            next_look: now,
        }
    }

    /// The program's next life begins.
    pub(super) fn restarted(&mut self, now: Instant) {
        self.since = Some(now);
        self.unknown = None;
        self.next_look = now;
    }

    /// Keeps the order until the program is ready, or gives it back at once. A person's keys, and keys alone, are not held:
    /// C-c has to reach a program that hangs in its beginning.
    pub(super) fn hold(
        &mut self,
        held: Held,
        screen: &Screen,
        quiet: Duration,
        now: Instant,
    ) -> Option<Held> {
        let order = &held.0.order;
        let line = order.line();
        let waits = line.is_some_and(|line| !line.text.is_empty() || line.submit);
        let behind = !self.held.is_empty() && line.is_some();
        if behind || (waits && !self.is_ready(&held.0.master, screen, quiet, now)) {
            self.next_look = now + PAUSE;
            self.held.push_back(held);
            return None;
        }
        Some(held)
    }

    /// The time at which [`Readiness::release`] has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (!self.held.is_empty()).then_some(self.next_look)
    }

    /// Gives back what was held, once the program is ready or has `ended`.
    pub(super) fn release(
        &mut self,
        screen: &Screen,
        quiet: Duration,
        ended: bool,
        now: Instant,
    ) -> VecDeque<Held> {
        let Some((typing, _)) = self.held.front() else {
            return VecDeque::new();
        };
        let due = self.next_look <= now;
        let ready = ended
            || (due && {
                let master = std::sync::Arc::clone(&typing.master);
                self.is_ready(&master, screen, quiet, now)
            });
        if !ready {
            if due {
                self.next_look = now + PAUSE;
            }
            return VecDeque::new();
        }
        std::mem::take(&mut self.held)
    }

    fn is_ready(
        &mut self,
        master: &OwnedFd,
        screen: &Screen,
        quiet: Duration,
        now: Instant,
    ) -> bool {
        let Some(since) = self.since else {
            return true;
        };
        let modes = screen.modes();
        let ready = now >= since + LIMIT
            || modes.bracketed_paste
            || modes.alternate_screen
            || !line_modes(master).by_line
            || match foreground(master) {
                Doing::Reads => true,
                Doing::Busy => {
                    self.unknown = None;
                    false
                }
                // Between two steps of its beginning a busy program is like this for a moment.
                Doing::Unknown => {
                    let unknown = now - *self.unknown.get_or_insert(now);
                    quiet >= QUIET && unknown >= QUIET
                }
            };
        if ready {
            self.since = None;
        }
        ready
    }
}

/// The activity of the processes that own the terminal.
fn foreground(master: &OwnedFd) -> Doing {
    let Ok(group) = rustix::termios::tcgetpgrp(master) else {
        return Doing::Unknown;
    };
    let mut waiting = vec![group.as_raw_nonzero().get()];
    let (mut seen, mut doing) = (0, Doing::Busy);
    while let Some(pid) = waiting.pop() {
        seen += 1;
        match what_does(pid) {
            Doing::Reads => return Doing::Reads,
            Doing::Unknown => doing = Doing::Unknown,
            Doing::Busy => {}
        }
        if seen == MOST_PROCESSES {
            break;
        }
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        waiting.extend(
            children
                .split_whitespace()
                .filter_map(|pid| pid.parse::<i32>().ok()),
        );
    }
    doing
}

/// Source: proc(5), `/proc/PID/stat` and `/proc/PID/wchan`; the names are those of Linux' n_tty.c, exit.c and hrtimer.c.
fn what_does(pid: i32) -> Doing {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.trim_start().chars().next());
    if matches!(state, Some('R' | 'D' | 'Z')) {
        return Doing::Busy;
    }
    match std::fs::read_to_string(format!("/proc/{pid}/wchan")) {
        Ok(place) if matches!(place.trim(), "wait_woken" | "n_tty_read") => Doing::Reads,
        Ok(place) if BUSY.iter().any(|busy| place.contains(busy)) => Doing::Busy,
        Ok(_) | Err(_) => Doing::Unknown,
    }
}
