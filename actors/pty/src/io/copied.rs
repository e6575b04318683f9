//! Texts that a pane's program has copied lately, until all who look have got it.

use std::time::Duration;

use protocol::event::Copied;
use tokio::time::Instant;

/// The time for which those who look get it. Nobody's clipboard shall change because of something long ago.
const LIMIT: Duration = Duration::from_secs(10);

/// The last text for each selection.
#[derive(Default)]
pub(super) struct Copies {
    count: u64,
    last: Vec<(u64, Instant, Copied)>,
}

impl Copies {
    /// The program has copied something.
    pub(super) fn add(&mut self, copied: Copied, now: Instant) {
        self.last
            .retain(|(_, _, before)| before.selection != copied.selection);
        self.count += 1;
        self.last.push((self.count, now, copied));
    }

    /// The number of texts that there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// True if there is something for somebody who knows so many.
    pub(super) fn has_after(&self, known: u64) -> bool {
        self.last.iter().any(|(number, _, _)| *number > known)
    }

    /// The texts that there are for somebody who knows so many.
    pub(super) fn after(&self, known: u64) -> Vec<Copied> {
        let new = self.last.iter().filter(|(number, _, _)| *number > known);
        new.map(|(_, _, copied)| copied.clone()).collect()
    }

    /// The time at which [`Copies::expire`] has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.last.iter().map(|(_, at, _)| *at + LIMIT).min()
    }

    /// Forgets what is too old.
    pub(super) fn expire(&mut self, now: Instant) {
        self.last.retain(|(_, at, _)| *at + LIMIT > now);
    }
}
