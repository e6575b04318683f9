//! The row of a pane, and processes as they stand in it.

use keeper::Identity;
use model::pane::{StoredProcess, StoredState};
use protocol::Name;
use store::{Key, PaneRow, Persist, Row};

use super::PaneEntry;

impl Persist for PaneEntry {
    fn key(&self) -> Key {
        Key::Pane(self.id)
    }

    fn row(&self) -> Row<'_> {
        let state = self.state.borrow();
        if self.is_removed() {
            return Row::RemovedPane {
                id: self.id,
                by_itself: state.closes_by_itself(),
            };
        }
        let process = self.process();
        Row::Pane(PaneRow {
            id: self.id,
            session: self.session,
            name: self.name().map(|name| Name::clone(&name)),
            record: &self.record,
            state: StoredState {
                ended: state.end().cloned(),
                life: process.life,
                settled: state.is_kept(),
                closing: state.is_closing(),
                keeper: process.keeper_identity().map(stored),
                program: process.program_identity().map(stored),
                by_itself: state.closes_by_itself(),
                next_keeper: self.next_keeper().map(stored),
                restart: state.is_asked(),
                secret: process.secret,
                session_name: None,
            },
        })
    }
}

fn stored(identity: Identity) -> StoredProcess {
    StoredProcess {
        pid: identity.pid.unsigned_abs(),
        start_time: identity.start_time,
    }
}

/// A stored process as a process of this machine.
pub(crate) fn identity(stored: StoredProcess) -> Option<Identity> {
    Identity::new(stored.pid.cast_signed(), stored.start_time)
}
