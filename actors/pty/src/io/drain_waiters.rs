//! The waits until the output of an ended program is read.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

/// The time for which the terminal must be quiet after its program's end, when somebody else holds it open.
const GRACE: Duration = Duration::from_millis(100);

struct Drain {
    deadline: Instant,
    quiet_at: Instant,
    reply: oneshot::Sender<()>,
}

/// Everybody who waits for it.
#[derive(Default)]
pub(super) struct DrainWaiters {
    waiting: Vec<Drain>,
}

impl DrainWaiters {
    /// Somebody who waits at most for `limit`; not at all when nothing can come any more (`over`).
    pub(super) fn push(
        &mut self,
        limit: Duration,
        over: bool,
        reply: oneshot::Sender<()>,
        now: Instant,
    ) {
        self.waiting.push(Drain {
            deadline: now + limit,
            quiet_at: if over { now } else { now + GRACE },
            reply,
        });
    }

    /// There was output.
    pub(super) fn output(&mut self, now: Instant) {
        for drain in &mut self.waiting {
            drain.quiet_at = now + GRACE;
        }
    }

    /// Nothing can come any more.
    pub(super) fn over(&mut self, now: Instant) {
        for drain in &mut self.waiting {
            drain.quiet_at = now;
        }
    }

    /// The time at which somebody is to be told.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let times = self.waiting.iter().map(|d| d.deadline.min(d.quiet_at));
        times.min()
    }

    /// Tells those whose time has come.
    pub(super) fn expire(&mut self, now: Instant) {
        let due = |drain: &mut Drain| drain.quiet_at <= now || drain.deadline <= now;
        for drain in self.waiting.extract_if(.., due) {
            let _ = drain.reply.send(());
        }
    }
}
