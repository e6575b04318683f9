//! The screen that an undisturbed task would have, from what the journal holds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use journal::Journal;
use protocol::{Error, Size};
use rustix::time::{ClockId, clock_gettime};
use terminal::screen::{Extent, Screen};
use tokio::sync::Semaphore;

use super::rebuilding;
use crate::setup::ScreenSetup;

/// Fed at once; then it is looked whether there is time for more.
const SLICE_BYTES: usize = 4 * 1024;

/// The most that rebuilding one screen may cost, in processor time: a whole ring of plain output takes a hundredth of it.
const LIMIT: Duration = Duration::from_secs(5);

/// So many screens are rebuilt at the same time: the processors are there for those who ask as well.
const AT_ONCE: usize = 2;

/// See [`AT_ONCE`].
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// A screen, and what its program has asked and nobody has answered.
pub(super) struct Rebuilt {
    pub(super) screen: Screen,
    pub(super) answers: Option<Vec<u8>>,
    /// The size has changed since the journal noted one.
    pub(super) resized: bool,
    /// So much of the last output is not in it, in bytes.
    pub(super) left_out: u64,
}

impl Rebuilt {
    /// A screen that nothing has to be rebuilt for.
    pub(super) fn of(screen: Screen) -> Self {
        Self {
            screen,
            answers: None,
            resized: false,
            left_out: 0,
        }
    }
}

/// Rebuilds a screen on a thread that serves nobody else, in its turn. Neither output that the screen fails at nor output
/// that costs too much is in the way: it is left out, logged, and not parsed a second time.
///
/// # Errors
/// `busy` when the daemon is ending.
pub(super) async fn rebuild_aside(
    mut journal: Journal,
    failed_at: u64,
    size: Size,
    setup: ScreenSetup,
) -> Result<(Journal, Rebuilt), Error> {
    let turn = TURNS.acquire().await;
    let rebuilt = tokio::task::spawn_blocking(move || {
        let begun = processor_time();
        let is_over = || processor_time().saturating_sub(begun) >= LIMIT;
        let rebuilt = carefully(&mut journal, failed_at, size, setup, &is_over);
        (journal, rebuilt)
    });
    let rebuilt = rebuilt.await.map_err(|_| rebuilding());
    drop(turn);
    rebuilt
}

fn carefully(
    journal: &mut Journal,
    failed_at: u64,
    size: Size,
    setup: ScreenSetup,
    is_over: &dyn Fn() -> bool,
) -> Rebuilt {
    let reached = AtomicU64::new(0);
    let budget = Budget {
        reached: &reached,
        is_over,
    };
    let all = journal.position();
    let until = |end: u64| {
        let rebuilding = || rebuild_within(journal, end, size, setup, &budget);
        catch_unwind(AssertUnwindSafe(rebuilding)).ok()
    };
    let mut rebuilt = until(failed_at);
    if rebuilt.is_none() {
        let position = reached.load(Ordering::Relaxed);
        tracing::error!(
            position,
            of = all,
            "a pane's screen fails at its output; it is rebuilt up to there"
        );
        rebuilt = until(position);
    }
    let mut rebuilt = rebuilt.unwrap_or_else(|| {
        tracing::error!("a pane's screen cannot be rebuilt; it begins empty");
        Rebuilt {
            left_out: all,
            ..Rebuilt::of(setup.empty(size))
        }
    });
    if rebuilt.left_out > 0 {
        let bytes = rebuilt.left_out;
        tracing::warn!(bytes, "the last output of a pane is left out of its screen");
        let checkpoint = || rebuilt.screen.checkpoint(Extent::Full);
        if let Ok(bytes) = catch_unwind(AssertUnwindSafe(checkpoint)) {
            // One that does not fit leaves the last one: then all is parsed again.
            let _fits = journal.store_checkpoint(all, &bytes);
        }
    }
    rebuilt
}

/// The processor time of the calling thread.
fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let secs = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(secs, u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// The bounds of a rebuild.
struct Budget<'a> {
    /// Journal position of the slice that is being parsed.
    reached: &'a AtomicU64,
    is_over: &'a dyn Fn() -> bool,
}

/// The last checkpoint, then each chunk of output at the size that the screen had, without the output from `failed_at` on.
#[cfg(test)]
pub(super) fn rebuild(journal: &Journal, failed_at: u64, size: Size, history: usize) -> Rebuilt {
    let budget = Budget {
        reached: &AtomicU64::new(0),
        is_over: &|| false,
    };
    let setup = ScreenSetup::keeping(history);
    rebuild_within(journal, failed_at, size, setup, &budget)
}

fn rebuild_within(
    journal: &Journal,
    failed_at: u64,
    size: Size,
    setup: ScreenSetup,
    budget: &Budget<'_>,
) -> Rebuilt {
    let resizes: Vec<_> = journal
        .resizes()
        .map(|(position, rows, cols)| (position, Size::new(rows, cols)))
        .collect();
    let restored = journal
        .checkpoint()
        .and_then(|(position, bytes)| Some((position, Screen::restore(bytes).ok()?)));
    let (from, mut screen) = restored.unwrap_or_else(|| {
        let first = resizes.first().map_or(size, |(_, size)| *size);
        (0, setup.empty(first))
    });
    screen.permit(setup.permissions.replayed());
    let mut replay = Replay {
        journal,
        screen,
        at: from.max(journal.oldest()),
        budget,
    };
    let end = failed_at.min(journal.position());
    let answered = journal.answered();
    for (position, size) in resizes {
        replay.to(position.min(end), answered);
        replay.screen.resize(size);
    }
    replay.to(end, answered);
    if end <= answered {
        let _ = replay.screen.take_replies();
    }
    let resized = replay.screen.size() != size;
    replay.screen.resize(size);
    Rebuilt {
        resized,
        answers: replay.screen.take_replies(),
        left_out: journal.position().saturating_sub(replay.at),
        screen: replay.screen,
    }
}

struct Replay<'a> {
    journal: &'a Journal,
    screen: Screen,
    at: u64,
    budget: &'a Budget<'a>,
}

impl Replay<'_> {
    /// Feeds the output up to `end`. What was asked before `answered` is forgotten.
    fn to(&mut self, end: u64, answered: u64) {
        if (self.at..end).contains(&answered) {
            self.feed(answered);
            let _ = self.screen.take_replies();
        }
        self.feed(end);
    }

    fn feed(&mut self, end: u64) {
        let Some(len) = end.checked_sub(self.at).filter(|len| *len > 0) else {
            return;
        };
        let Some((first, second)) = self.journal.read_from(self.at) else {
            return;
        };
        let wanted = usize::try_from(len).unwrap_or(usize::MAX);
        let cut = first.len().min(wanted);
        let parts = [&first[..cut], &second[..second.len().min(wanted - cut)]];
        for slice in parts.iter().flat_map(|part| part.chunks(SLICE_BYTES)) {
            self.budget.reached.store(self.at, Ordering::Relaxed);
            if (self.budget.is_over)() {
                return;
            }
            self.screen.advance(slice);
            self.at += slice.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests;
