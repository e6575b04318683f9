//! Waits for something of a pane: patterns, quiet, the program's end.

use std::time::Duration;

use protocol::reply::{ExpectOutcome, ProgramStatus};
use terminal::screen::{Match, Screen, TextCursor};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::facts::Times;
use super::{ExpectOrder, Waited};

/// The screen and the times of what it tells, in which waits look for what they wait for.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) screen: &'a Screen,
    pub(super) told: Times,
}

/// The thing that ends a wait.
enum Ending {
    Match(Match),
    State(ProgramStatus),
    Exit,
    Idle,
    Timeout,
}

struct Wait {
    order: ExpectOrder,
    /// The place where the next search begins.
    from: TextCursor,
    begun: Instant,
    reply: oneshot::Sender<Waited>,
}

impl Wait {
    fn answer(self, ending: Ending, screen: &Screen) {
        let (outcome, found, state) = match ending {
            Ending::Match(found) => (ExpectOutcome::Match, Some(found), None),
            Ending::State(state) => (ExpectOutcome::State, None, Some(state)),
            Ending::Exit => (ExpectOutcome::Exit, None, None),
            Ending::Idle => (ExpectOutcome::Idle, None, None),
            Ending::Timeout => (ExpectOutcome::Timeout, None, None),
        };
        let cursor = match &found {
            Some(found) => found.after,
            None => screen.position(),
        };
        let _ = self.reply.send(Waited {
            outcome,
            found,
            cursor,
            state,
        });
    }

    /// The end of it, if that is there already.
    fn look(&mut self, seen: Seen<'_>) -> Option<Ending> {
        let found = self.search(seen.screen).map(Ending::Match);
        found.or_else(|| self.state(seen).map(Ending::State))
    }

    /// The program's state, when it is waited for.
    fn state(&self, seen: Seen<'_>) -> Option<ProgramStatus> {
        if self.order.states.is_empty() {
            return None;
        }
        let status = seen.screen.program_status()?;
        let waited_for = self.order.states.contains(&status.value);
        waited_for.then(|| seen.told.status(status))
    }

    fn search(&mut self, screen: &Screen) -> Option<Match> {
        let pattern = self.order.pattern.as_ref()?;
        let search = match self.order.output_only {
            true => screen.search_since(&self.from, pattern),
            false => screen.search_all_since(&self.from, pattern),
        };
        self.from = search.resume;
        search.found
    }
}

/// The times since which a pane is quiet.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuietSince {
    /// Its text is the same.
    pub(super) text: Instant,
    /// All that was typed is read.
    pub(super) input: Instant,
}

impl QuietSince {
    fn of(self, wait: &Wait) -> Instant {
        let since = self.text.max(wait.begun);
        match wait.order.after_input {
            true => since.max(self.input),
            false => since,
        }
    }
}

/// The waits of one pane.
#[derive(Default)]
pub(super) struct Waits(Vec<Wait>);

impl Waits {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a wait; what is there already may end it at once.
    pub(super) fn push(
        &mut self,
        order: ExpectOrder,
        reply: oneshot::Sender<Waited>,
        seen: Seen<'_>,
        ended: bool,
        now: Instant,
    ) {
        let from = order.since.unwrap_or_else(|| seen.screen.first_row_shown());
        let mut wait = Wait {
            order,
            from,
            begun: now,
            reply,
        };
        let ending = wait.look(seen).or(ended.then_some(Ending::Exit));
        match ending {
            Some(ending) => wait.answer(ending, seen.screen),
            None => self.0.push(wait),
        }
    }

    /// There is more output.
    pub(super) fn output(&mut self, seen: Seen<'_>) {
        self.settle(seen.screen, |wait| wait.look(seen));
    }

    /// The program has ended and its output is read.
    pub(super) fn program_ended(&mut self, screen: &Screen) {
        self.settle(screen, |_| Some(Ending::Exit));
    }

    /// True if one of them wants to know whether what was typed is read.
    pub(super) fn follow_input(&self) -> bool {
        let follows = |wait: &Wait| wait.order.after_input && wait.order.idle.is_some();
        self.0.iter().any(follows)
    }

    /// Time has passed.
    pub(super) fn expire(&mut self, screen: &Screen, quiet: QuietSince, now: Instant) {
        self.settle(screen, |wait| {
            let quiet = quiet.of(wait);
            if wait.order.idle.is_some_and(|idle| quiet + idle <= now) {
                return Some(Ending::Idle);
            }
            let over = wait.begun + wait.order.limit <= now;
            over.then_some(Ending::Timeout)
        });
    }

    /// The time at which [`Waits::expire`] has something to do.
    pub(super) fn deadline(&self, quiet: QuietSince) -> Option<Instant> {
        self.0
            .iter()
            .map(|wait| {
                let end = wait.begun + wait.order.limit;
                let idle = |idle: Duration| quiet.of(wait) + idle;
                wait.order.idle.map_or(end, |time| idle(time).min(end))
            })
            .min()
    }

    fn settle(&mut self, screen: &Screen, mut ending: impl FnMut(&mut Wait) -> Option<Ending>) {
        let mut index = 0;
        while index < self.0.len() {
            if self.0[index].reply.is_closed() {
                self.0.swap_remove(index);
                continue;
            }
            match ending(&mut self.0[index]) {
                Some(ending) => self.0.swap_remove(index).answer(ending, screen),
                None => index += 1,
            }
        }
    }
}
