//! The time since which a pane's text is the same: a title that blinks and a repaint of the same words are no news.

use std::time::Duration;

use terminal::screen::Screen;
use tokio::time::Instant;

/// The time for which output may go unlooked at. A look costs as much as drawing the screen once.
const PAUSE: Duration = Duration::from_millis(100);

/// The time between two looks is at least so many times what a look takes, so that a huge screen costs no more.
const SHARE: u32 = 50;

/// The age of the text.
#[derive(Debug)]
pub(super) struct Quiet {
    fingerprint: u64,
    /// The last output that changed the text.
    since: Instant,
    /// The time to look at what was printed since the last look.
    next_look: Option<Instant>,
    pause: Duration,
}

impl Quiet {
    pub(super) fn new(screen: &Screen, now: Instant) -> Self {
        Self {
            fingerprint: screen.fingerprint(),
            since: now,
            next_look: None,
            pause: PAUSE,
        }
    }

    /// There is output.
    pub(super) fn output(&mut self, now: Instant) {
        self.next_look.get_or_insert(now + self.pause);
    }

    /// The time since which the text is the same, as of the last look.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// The time to look again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.next_look
    }

    /// Looks whether the output so far, the last of it at `last_output`, has changed the text.
    pub(super) fn look(&mut self, screen: &Screen, last_output: Instant) {
        if self.next_look.take().is_none() {
            return;
        }
        let begun = Instant::now();
        let fingerprint = screen.fingerprint();
        self.pause = PAUSE.max(begun.elapsed() * SHARE);
        if fingerprint != self.fingerprint {
            self.fingerprint = fingerprint;
            self.since = last_output;
        }
    }
}
