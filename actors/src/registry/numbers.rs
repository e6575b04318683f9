//! The next short numbers of sessions, windows, panes and orchestrations.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::{OrchestrationNumber, PaneNumber, SessionNumber, WindowNumber};
use store::LastNumbers;

/// Counts what is made, by kind. A number that was given is never given again.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    session: AtomicU64,
    window: AtomicU64,
    pane: AtomicU64,
    orchestration: AtomicU64,
}

fn next(last: &AtomicU64) -> u64 {
    last.fetch_add(1, Ordering::Relaxed) + 1
}

impl Numbers {
    /// These have been given.
    pub(crate) fn note_last(&self, last: LastNumbers) {
        self.session
            .fetch_max(last.session.get(), Ordering::Relaxed);
        self.window.fetch_max(last.window.get(), Ordering::Relaxed);
        self.note_pane(last.pane);
        self.orchestration
            .fetch_max(last.orchestration.get(), Ordering::Relaxed);
    }

    /// Panes have these numbers. One that has none, or that of another of them, is given the next one.
    pub(crate) fn note_panes<'a>(&self, numbers: impl Iterator<Item = &'a mut PaneNumber>) {
        let mut seen = HashSet::new();
        let (_, without): (Vec<_>, Vec<_>) =
            numbers.partition(|number| number.is_given() && seen.insert(**number));
        for number in &seen {
            self.note_pane(*number);
        }
        for number in without {
            *number = self.pane();
        }
    }

    /// A pane has this number.
    fn note_pane(&self, number: PaneNumber) {
        self.pane.fetch_max(number.get(), Ordering::Relaxed);
    }

    /// The next session's.
    #[must_use]
    pub(crate) fn session(&self) -> SessionNumber {
        next(&self.session).into()
    }

    /// The next window's.
    #[must_use]
    pub(crate) fn window(&self) -> WindowNumber {
        next(&self.window).into()
    }

    /// The next pane's.
    #[must_use]
    pub(crate) fn pane(&self) -> PaneNumber {
        next(&self.pane).into()
    }

    /// The next orchestration's.
    #[must_use]
    pub(crate) fn orchestration(&self) -> OrchestrationNumber {
        next(&self.orchestration).into()
    }
}
