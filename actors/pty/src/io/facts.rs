//! Facts that a pane's program tells of itself, with the times that the screen does not know.

use journal::Journal;
use protocol::reply::{Notification, ProgramState, ProgramStatus, Progress};
use terminal::screen::Screen;

/// The facts that the program tells, as everybody may see them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its state (OSC 7501).
    pub status: Option<ProgramStatus>,
    /// Its progress (OSC 9;4).
    pub progress: Progress,
    /// Its last notification (OSC 9, OSC 777, OSC 99).
    pub notification: Option<Notification>,
}

/// The times, which the journal has for the next daemon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    /// The state, and since when it is in it.
    state: Option<(ProgramState, u64)>,
    /// The time of the last notification.
    noticed_at_ms: Option<u64>,
}

impl Times {
    /// The times that an earlier task has noted.
    pub(super) fn of(journal: &Journal) -> Self {
        let (state, noticed_at_ms) = journal.told();
        Self {
            state: unpacked(state),
            noticed_at_ms: Some(noticed_at_ms).filter(|at| *at > 0),
        }
    }

    /// Notes when what the screen tells now was told; `noticed` when a notification is among it.
    pub(super) fn update(
        &mut self,
        screen: &Screen,
        noticed: bool,
        now_ms: u64,
        journal: &mut Journal,
    ) {
        let before = *self;
        let status = screen.program_status();
        self.state = status.map(|status| match self.state {
            Some((value, since)) if value == status.value => (value, since),
            Some(_) | None => (status.value, now_ms),
        });
        if noticed {
            self.noticed_at_ms = Some(now_ms);
        }
        if *self != before {
            journal.note_told(
                self.state.map_or(0, packed),
                self.noticed_at_ms.unwrap_or(0),
            );
        }
    }

    /// The state with its time.
    pub(super) fn status(self, status: ProgramStatus) -> ProgramStatus {
        let known = self.state.filter(|(state, _)| *state == status.value);
        ProgramStatus {
            since_ms: known.map(|(_, since)| since),
            ..status
        }
    }

    /// The facts that the screen tells, with these times.
    pub(super) fn facts(self, screen: &Screen) -> Facts {
        Facts {
            status: screen.program_status().map(|status| self.status(status)),
            progress: screen.progress(),
            notification: screen.notice().map(|notice| Notification {
                title: Some(notice.title.clone()).filter(|title| !title.is_empty()),
                body: notice.body.clone(),
                at_ms: self.noticed_at_ms,
            }),
        }
    }
}

/// The states by their number in a journal, which stays the same for ever.
const NUMBERS: [(u64, ProgramState); 5] = [
    (1, ProgramState::Idle),
    (2, ProgramState::Working),
    (3, ProgramState::NeedsInput),
    (4, ProgramState::Done),
    (5, ProgramState::Failed),
];

/// Bits of the number.
const NUMBER_BITS: u32 = 8;

fn packed((state, since_ms): (ProgramState, u64)) -> u64 {
    let number = NUMBERS.iter().find(|(_, known)| *known == state);
    since_ms << NUMBER_BITS | number.map_or(0, |(number, _)| *number)
}

fn unpacked(word: u64) -> Option<(ProgramState, u64)> {
    let number = word & ((1 << NUMBER_BITS) - 1);
    let (_, state) = NUMBERS.iter().find(|(known, _)| *known == number)?;
    Some((*state, word >> NUMBER_BITS))
}

#[cfg(test)]
mod tests;
