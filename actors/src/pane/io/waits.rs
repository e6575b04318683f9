//! Who waits for what of a pane: patterns, quiet, the program's end.

use std::time::Duration;

use protocol::reply::ExpectOutcome;
use supervisor::Reply;
use tokio::time::Instant;

use super::{ExpectOrder, Waited};
use crate::pane::screen::{Match, Screen, TextCursor};

struct Wait {
    order: ExpectOrder,
    /// Where the next search begins.
    from: TextCursor,
    begun: Instant,
    reply: Reply<Waited>,
}

impl Wait {
    fn answer(self, outcome: ExpectOutcome, found: Option<Match>, screen: &Screen) {
        let cursor = match &found {
            Some(found) => found.after,
            None => screen.position(),
        };
        self.reply.send(Waited {
            outcome,
            found,
            cursor,
        });
    }

    fn search(&mut self, screen: &Screen) -> Option<Match> {
        let pattern = self.order.pattern.as_ref()?;
        let search = screen.search_since(&self.from, pattern);
        self.from = search.resume;
        search.found
    }
}

/// Since when a pane is quiet.
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
        reply: Reply<Waited>,
        screen: &Screen,
        ended: bool,
        now: Instant,
    ) {
        let from = order.since.unwrap_or_else(|| screen.first_row_shown());
        let mut wait = Wait {
            order,
            from,
            begun: now,
            reply,
        };
        if let Some(found) = wait.search(screen) {
            wait.answer(ExpectOutcome::Match, Some(found), screen);
        } else if ended {
            wait.answer(ExpectOutcome::Exit, None, screen);
        } else {
            self.0.push(wait);
        }
    }

    /// There is more output.
    pub(super) fn output(&mut self, screen: &Screen) {
        self.settle(screen, |wait| {
            let found = wait.search(screen)?;
            Some((ExpectOutcome::Match, Some(found)))
        });
    }

    /// The program has ended and its output is read.
    pub(super) fn program_ended(&mut self, screen: &Screen) {
        self.settle(screen, |_| Some((ExpectOutcome::Exit, None)));
    }

    /// Whether one of them wants to know whether what was typed is read.
    pub(super) fn follow_input(&self) -> bool {
        let follows = |wait: &Wait| wait.order.after_input && wait.order.idle.is_some();
        self.0.iter().any(follows)
    }

    /// Time has passed.
    pub(super) fn expire(&mut self, screen: &Screen, quiet: QuietSince, now: Instant) {
        self.settle(screen, |wait| {
            let quiet = quiet.of(wait);
            if wait.order.idle.is_some_and(|idle| quiet + idle <= now) {
                return Some((ExpectOutcome::Idle, None));
            }
            let over = wait.begun + wait.order.limit <= now;
            over.then_some((ExpectOutcome::Timeout, None))
        });
    }

    /// When [`Waits::expire`] has something to do.
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

    fn settle(
        &mut self,
        screen: &Screen,
        mut outcome: impl FnMut(&mut Wait) -> Option<(ExpectOutcome, Option<Match>)>,
    ) {
        let mut index = 0;
        while index < self.0.len() {
            if self.0[index].reply.is_closed() {
                self.0.swap_remove(index);
                continue;
            }
            match outcome(&mut self.0[index]) {
                Some((outcome, found)) => self.0.swap_remove(index).answer(outcome, found, screen),
                None => index += 1,
            }
        }
    }
}
