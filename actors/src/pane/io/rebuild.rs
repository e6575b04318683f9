//! The screen that an undisturbed task would have, from what the journal holds.

use protocol::Size;

use crate::pane::journal::Journal;
use crate::pane::screen::Screen;

/// A screen, and what its program has asked and nobody has answered.
pub(super) struct Rebuilt {
    pub(super) screen: Screen,
    pub(super) answers: Option<Vec<u8>>,
    /// The size has changed since the journal noted one.
    pub(super) resized: bool,
}

/// The last checkpoint, then each chunk of output at the size that the screen had, without the chunk at `failed_at`.
pub(super) fn rebuild(journal: &Journal, failed_at: u64, size: Size, history: usize) -> Rebuilt {
    let resizes: Vec<_> = journal
        .resizes()
        .map(|(position, rows, cols)| (position, Size::new(rows, cols)))
        .collect();
    let restored = journal
        .checkpoint()
        .and_then(|(position, bytes)| Some((position, Screen::restore(bytes).ok()?)));
    let (from, screen) = restored.unwrap_or_else(|| {
        let first = resizes.first().map_or(size, |(_, size)| *size);
        (0, Screen::new(first, history))
    });
    let mut replay = Replay {
        journal,
        screen,
        at: from.max(journal.oldest()),
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
        screen: replay.screen,
    }
}

struct Replay<'a> {
    journal: &'a Journal,
    screen: Screen,
    at: u64,
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
        self.screen.advance(&first[..cut]);
        self.screen
            .advance(&second[..second.len().min(wanted - cut)]);
        self.at = end;
    }
}

#[cfg(test)]
mod tests;
